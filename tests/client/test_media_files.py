from pathlib import Path

import pytest

from streamchat.client.happenings import MediaCame
from streamchat.client.media_files import MediaFiles

PICTURE = MediaCame(media_type="image/png", content=b"picture", alt="a chart")


def test_a_picture_is_saved_in_a_folder_that_is_made_for_it(tmp_path: Path) -> None:
    said = MediaFiles(tmp_path / "new" / "media").keep(PICTURE)
    assert (tmp_path / "new" / "media" / "1.png").read_bytes() == b"picture"
    assert said == f'media: image/png "a chart", saved as {tmp_path}/new/media/1.png'


def test_no_file_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "1.png").write_text("mine")
    MediaFiles(tmp_path).keep(PICTURE)
    assert (tmp_path / "1.png").read_text() == "mine"
    assert (tmp_path / "2.png").read_bytes() == b"picture"


@pytest.mark.parametrize("media_type", ["../../etc/passwd", "image/x/../../y", "", "of the/future", "a/b\x00"])
def test_nothing_that_the_server_says_is_part_of_a_path(tmp_path: Path, media_type: str) -> None:
    MediaFiles(tmp_path / "in").keep(MediaCame(media_type=media_type, content=b"x"))
    assert [path.name for path in tmp_path.rglob("*")] == ["in", "1.bin"]


def test_without_a_folder_it_is_told_how_to_get_one() -> None:
    assert MediaFiles(None).keep(PICTURE).endswith("7 bytes; --media-dir saves it")


def test_an_address_is_told_and_not_fetched(tmp_path: Path) -> None:
    media = MediaCame(media_type="image/png", url="https://example.com/" + "x" * 9_999)
    assert "at https://example.com/x" in MediaFiles(tmp_path).keep(media)
    assert len(MediaFiles(tmp_path).keep(media)) < 600
    assert not list(tmp_path.iterdir())


def test_what_came_broken_is_called_broken(tmp_path: Path) -> None:
    assert "broken" in MediaFiles(tmp_path).keep(MediaCame(media_type="image/png"))


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    files = MediaFiles(tmp_path / "file")
    assert "cannot be saved" in files.keep(PICTURE)
    assert files.has_failed
