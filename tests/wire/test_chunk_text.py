import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from streamchat.presenting.frames import Chunk
from streamchat.presenting.styles import ADVANCED, BASIC, RAW, SMART, StreamStyle
from streamchat.wire.chunk_text import chunk_template
from streamchat.wire.json_text import only_json_line_ends, to_json

WHOLE_TEXT = some.text(some.characters(exclude_categories=["Cs"]))
NUMBERS = some.integers(1, 10**9)


@settings(deadline=None)
@given(WHOLE_TEXT, NUMBERS, NUMBERS, some.none() | some.integers(0, 10**9))
@pytest.mark.parametrize("style", [BASIC, ADVANCED, SMART, RAW], ids=lambda style: style.name)
def test_the_template_writes_what_the_json_encoder_would(
    style: StreamStyle, text: str, chunk_number: int, position: int, left: int | None
) -> None:
    total = None if left is None else position + left
    chunk = Chunk(text, chunk_number + 1, chunk_number, position, total, style.chunk_fields)
    assert only_json_line_ends(chunk_template(style.chunk_fields).write(chunk)) == to_json(chunk.payload)


def test_a_percent_sign_is_text_like_any_other() -> None:
    chunk = Chunk("100%s %(a)s", 2, 1, 10, 20, SMART.chunk_fields)
    assert '"data":"100%s %(a)s"' in chunk_template(SMART.chunk_fields).write(chunk)


def test_a_chunk_that_tells_nothing_of_itself_is_still_whole() -> None:
    assert chunk_template(()).write(Chunk("a", 2, 1, 1, 1, ())) == '{"success":true,"data":"a","status":"streaming"}'


@pytest.mark.parametrize("text", ["%s\n", "%s %%", '"', "\\", "你好", "\x7f\u2028"], ids=ascii)
@pytest.mark.parametrize("known_from", [0, 2, 9], ids=["known", "known further on", "unknown"])
@pytest.mark.parametrize("style", [BASIC, ADVANCED, SMART, RAW], ids=lambda style: style.name)
def test_a_run_is_its_chunks_one_after_the_other(style: StreamStyle, known_from: int, text: str) -> None:
    chunks = [
        Chunk(
            f"{number}{text}", number + 1, number, 4 * number, 16 if number > known_from else None, style.chunk_fields
        )
        for number in range(1, 5)
    ]
    template = chunk_template(style.chunk_fields, "data: ", "}\nid: %s:%s\n\n")
    assert template.write_run(chunks, "st") == "".join(template.write(chunk, "st") for chunk in chunks)
