import pytest

from streamchat.backends.openai_attachments import TYPES, content_of, types_of
from streamchat.backends.openai_errors import QuestionRefused
from streamchat.turns.attachment import Attachment

ALL = ("image", "audio", "file", "text")


def test_a_question_without_attachments_is_its_text_alone():
    assert content_of("Hi", (), ALL) == "Hi"


@pytest.mark.parametrize(
    ("media_type", "name", "content", "part"),
    [
        ("image/png", "a.png", b"abc", {"type": "image_url", "image_url": {"url": "data:image/png;base64,YWJj"}}),
        ("audio/wav", "", b"abc", {"type": "input_audio", "input_audio": {"data": "YWJj", "format": "wav"}}),
        ("audio/mpeg", "", b"abc", {"type": "input_audio", "input_audio": {"data": "YWJj", "format": "mp3"}}),
        (
            "application/pdf",
            "a.pdf",
            b"abc",
            {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,YWJj"}},
        ),
        (
            "application/pdf",
            "",
            b"abc",
            {"type": "file", "file": {"filename": "file.pdf", "file_data": "data:application/pdf;base64,YWJj"}},
        ),
        ("text/plain", "a.txt", "你好".encode(), {"type": "text", "text": "a.txt:\n\n你好"}),
        ("application/json", "", b"{}", {"type": "text", "text": "application/json:\n\n{}"}),
    ],
)
def test_each_kind_has_its_part_before_the_question(media_type, name, content, part):
    attachment = Attachment(media_type=media_type, name=name, content=content)
    assert content_of("What is it?", [attachment], ALL) == [part, {"type": "text", "text": "What is it?"}]


def test_what_the_model_does_not_take_is_an_error_and_no_part():
    picture = Attachment(media_type="image/png", content=b"abc")
    text = Attachment(media_type="text/plain", content=b"abc")
    for kinds in ((), ("audio",), ("text", "file")):
        with pytest.raises(QuestionRefused, match="the model takes no image/png"):
            content_of("Hi", [text, picture] if "text" in kinds else [picture], kinds)


def test_the_types_of_a_model_are_those_of_its_kinds():
    assert types_of([]) == ()
    assert types_of(["image", "file"]) == (*TYPES["image"], "application/pdf")
