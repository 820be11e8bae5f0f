from hypothesis import given, settings
from hypothesis import strategies as some

from tests.fakes.chunkers import every


@settings(deadline=None)
@given(some.lists(some.text(max_size=20), max_size=10), some.integers(1, 7))
def test_the_same_text_in_any_pieces_gives_the_same_chunks(pieces: list[str], size: int) -> None:
    in_pieces, at_once = every(size), every(size)
    chunks = [chunk for piece in pieces for chunk in in_pieces.feed(piece)] + in_pieces.flush()
    assert chunks == at_once.feed("".join(pieces)) + at_once.flush()
    assert "".join(chunks) == "".join(pieces)
    assert all(chunks)
