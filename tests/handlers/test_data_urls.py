import pytest

from streamchat.handlers.chat_request import AttachmentField
from streamchat.handlers.data_urls import attachment_at
from streamchat.handlers.errors import Refused


def test_a_data_url_is_its_content_and_its_type() -> None:
    assert attachment_at("f", "data:image/png;base64,QUJD") == AttachmentField(media_type="image/png", content="QUJD")
    assert attachment_at("f", "DATA:text/plain;charset=utf-8;BASE64,") == AttachmentField(
        media_type="text/plain", content=""
    )


def test_what_a_client_says_of_it_goes_before_what_the_url_says() -> None:
    url = "data:application/octet-stream;base64,QUJD"
    assert attachment_at("f", url, media_type="image/jpg", name="a.jpg") == AttachmentField(
        media_type="image/jpeg", name="a.jpg", content="QUJD"
    )


def test_any_other_address_stays_one() -> None:
    url = "https://example.org/a,b.png"
    assert attachment_at("f", url, media_type="", name="") == AttachmentField(url=url)


@pytest.mark.parametrize(
    ("url", "more", "problem"),
    [
        ("data:text/plain,hello", {}, "must be in base64, as a data: URL may be"),
        ("data:", {}, "must be in base64, as a data: URL may be"),
        ("data:;base64,QUJD", {}, "must have the media_type of its content"),
        ("data:x;base64,QUJD", {}, "must be a media type, as in image/png"),
        ("data:image/png;base64,QUJD", {"name": "../a"}, "must be the name of a file, without its folder"),
        ("https://example.org/\n", {}, "must not contain control characters"),
    ],
)
def test_what_is_no_file_is_refused_in_the_clients_words(url: str, more: dict[str, str], problem: str) -> None:
    with pytest.raises(Refused) as refused:
        attachment_at("messages", url, **more)
    assert refused.value.code == "invalid_request"
    assert refused.value.values == {"field": "messages", "problem": problem}
