import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamchat.client.frames import as_frame, as_line
from streamchat.client.safe_text import one_line, safe


def test_a_terminal_is_not_steered_by_what_a_model_wrote() -> None:
    assert safe("a\x1b[2Jb\rc\r\n\td\x9b\x7f👩‍🚀") == "a�[2Jb�c\r\n\td��👩‍🚀"


@given(st.text(st.characters(codec=None)))
def test_no_control_character_gets_through(text: str) -> None:
    left = {character for character in safe(text) if ord(character) < 32 or 127 <= ord(character) < 160}
    assert left <= {"\n", "\t", "\r"}
    assert "\r" not in safe(text).replace("\r\n", "")
    safe(text).encode()


@pytest.mark.parametrize("character", ["\u202e", "\u2066", "\ud83d"])
def test_overrides_of_direction_and_half_characters_are_replaced(character: str) -> None:
    assert safe(character) == "�"


def test_one_line_has_no_line_breaks() -> None:
    assert one_line("  a\n b\r\n\tc\x1b ") == "a b c�"


@given(st.dictionaries(st.text(st.characters(codec=None)), st.text(st.characters(codec=None))))
def test_a_frame_as_a_line_is_the_same_frame_and_steers_no_terminal(frame: dict[str, str]) -> None:
    line = as_line(frame)
    assert as_frame(line) == frame
    assert safe(line) == line or any(
        character in line for character in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
    )
    assert len(line.splitlines()) == 1
