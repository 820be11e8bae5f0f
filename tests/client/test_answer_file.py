from pathlib import Path

from streamchat.client.answer_file import AnswerFile


def test_the_answer_is_there_to_the_byte_while_it_is_written(tmp_path: Path) -> None:
    file = AnswerFile(tmp_path / "a.md")
    file.take("你好\r\n")
    file.take("\x1b end")
    assert (tmp_path / "a.md").read_bytes() == "你好\r\n\x1b end".encode()
    assert file.close(is_whole=True) == f"saved 9 characters to {tmp_path}/a.md"


def test_a_part_is_called_a_part(tmp_path: Path) -> None:
    file = AnswerFile(tmp_path / "a.md")
    file.take("half")
    assert file.close(is_whole=False).endswith("(the answer is not whole)")


def test_an_answer_that_never_begins_leaves_an_older_file_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("older")
    assert "nothing saved" in AnswerFile(tmp_path / "a.md").close(is_whole=False)
    assert (tmp_path / "a.md").read_text() == "older"


def test_a_newer_answer_takes_the_place_of_an_older_one(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("a long older answer")
    file = AnswerFile(tmp_path / "a.md")
    file.take("new")
    file.close(is_whole=True)
    assert (tmp_path / "a.md").read_text() == "new"


def test_a_file_that_cannot_be_written_is_told_at_the_end_and_does_not_end_the_answer(tmp_path: Path) -> None:
    file = AnswerFile(tmp_path / "nowhere" / "a.md")
    file.take("a")
    file.take("b")
    assert file.has_failed
    assert file.close(is_whole=True).startswith("cannot save to")


def test_half_a_surrogate_pair_does_not_end_the_writing(tmp_path: Path) -> None:
    file = AnswerFile(tmp_path / "a.md")
    file.take("a\ud83db")
    file.close(is_whole=True)
    assert (tmp_path / "a.md").read_text() == "a?b"
