"""Images, audio and files of an answer, in a folder. No file that is already there is written over."""

from __future__ import annotations

import mimetypes
import re
from pathlib import Path

from streamchat.client.happenings import MediaCame

_MEDIA_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]+/[a-z0-9!#$&^_.+-]+", re.IGNORECASE)
LONGEST_URL = 500


class MediaFiles:
    """``folder`` is made when the first file comes; None keeps nothing. ``has_failed`` once a file was not written."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self.has_failed = False

    def keep(self, media: MediaCame) -> str:
        """Save it if it has content; a sentence about it."""
        about = " ".join(filter(None, ("media:", media.media_type or "a file", media.alt and f'"{media.alt}"')))
        if media.url:
            return f"{about} at {media.url[:LONGEST_URL]}"
        if media.content is None:
            return f"{about}, but its content came broken"
        if self._folder is None:
            return f"{about}, {len(media.content)} bytes; --media-dir saves it"
        try:
            return f"{about}, saved as {_write(self._folder, _suffix(media.media_type), media.content)}"
        except OSError as error:
            self.has_failed = True
            return f"{about}, cannot be saved in {self._folder}: {error.strerror}"


def _write(folder: Path, suffix: str, content: bytes) -> Path:
    """Write under the first number that is free."""
    folder.mkdir(parents=True, exist_ok=True)
    number = 1
    while True:
        path = folder / f"{number}{suffix}"
        try:
            with path.open("xb") as file:
                file.write(content)
        except FileExistsError:
            number += 1
        else:
            return path


def _suffix(media_type: str) -> str:
    """The usual end of a name for this type; the server's text is never part of a path."""
    return (mimetypes.guess_extension(media_type) if _MEDIA_TYPE.fullmatch(media_type) else None) or ".bin"
