"""Names of media types, and bytes that are what they are said to be."""

import pytest

from streamchat.handlers.attachment_rules import DEFAULT_TYPES
from streamchat.handlers.media_types import canonical, is_among, is_pattern, problem_with, recognised
from tests.fakes.file_server import PDF, PNG, WAV

JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01" + bytes(20)
EXAMPLES = {
    "image/png": PNG,
    "image/jpeg": JPEG,
    "image/gif": b"GIF89a" + bytes(20),
    "image/webp": b"RIFF\x24\x00\x00\x00WEBPVP8 " + bytes(20),
    "audio/wav": WAV,
    "audio/mpeg": b"\xff\xfb\x90\x64" + bytes(100),
    "audio/mp4": b"\x00\x00\x00\x20ftypM4A \x00\x00\x00\x00M4A mp42isom" + bytes(20),
    "audio/ogg": b"OggS\x00\x02" + bytes(22) + b"\x01\x13OpusHead",
    "audio/flac": b"fLaC\x00\x00\x00\x22" + bytes(20),
    "audio/webm": b"\x1aE\xdf\xa3\x9fB\x86\x81\x01B\xf7\x81\x01B\xf2\x81\x04B\xf3\x81\x08B\x82\x84webm" + bytes(20),
    "application/pdf": PDF,
    "application/json": b"{}",
    "text/plain": "你好".encode(),
    "text/markdown": b"# Title",
    "text/csv": b"a,b\n1,2\n",
}


@pytest.mark.parametrize("media_type", DEFAULT_TYPES)
def test_every_type_that_is_taken_by_default_is_known_by_its_bytes(media_type: str) -> None:
    assert problem_with(media_type, EXAMPLES[media_type]) is None


@pytest.mark.parametrize(
    ("media_type", "content", "problem"),
    [
        ("image/png", JPEG, "is image/jpeg, not image/png"),
        ("image/png", b"MZ\x90\x00" + bytes(50), "is application/x-msdownload, not image/png"),
        ("image/png", b"hello", "does not begin like image/png"),
        ("image/png", b"", "does not begin like image/png"),
        ("application/pdf", PNG, "is image/png, not application/pdf"),
        ("application/pdf", b"<html>", "does not begin like application/pdf"),
        ("audio/wav", EXAMPLES["image/webp"], "is image/webp, not audio/wav"),
        ("text/plain", b"\xff\xfe\x00", "must be UTF-8, being text/plain"),
        ("application/json", b"\x89", "must be UTF-8, being application/json"),
    ],
)
def test_bytes_that_are_something_else_are_told(media_type: str, content: bytes, problem: str) -> None:
    assert problem_with(media_type, content) == problem


def test_sound_that_nobody_knows_and_types_that_nobody_can_tell_pass() -> None:
    assert problem_with("audio/mpeg", b"\x00" * 100) is None
    assert problem_with("application/vnd.my-own", PNG) is None


def test_a_text_that_begins_like_something_else_is_still_a_text() -> None:
    assert problem_with("text/plain", b"MZ is how programs begin") is None
    assert problem_with("text/plain", b"%PDF-1.7 is how documents begin") is None


def test_one_container_has_sound_or_pictures() -> None:
    assert problem_with("audio/webm", EXAMPLES["audio/webm"]) is None
    assert recognised(EXAMPLES["audio/webm"]) == "video/webm"


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("image/png", "image/png"),
        ("IMAGE/JPG", "image/jpeg"),
        (" audio/mp3 ", "audio/mpeg"),
        ("text/plain; charset=utf-8", "text/plain"),
        ("application/vnd.ms-excel", "application/vnd.ms-excel"),
        ("", None),
        ("image", None),
        ("image/", None),
        ("/png", None),
        ("image/*", None),
        ("image/p ng", None),
        ("image/png\nX: y", None),
        ("bild/für", None),
        ("a" * 128 + "/b", None),
    ],
)
def test_a_type_has_one_name(given: str, name: str | None) -> None:
    assert canonical(given) == name


def test_a_pattern_is_a_type_a_kind_or_all() -> None:
    for pattern in ("image/png", "image/*", "*/*"):
        assert is_pattern(pattern)
        assert is_among("image/png", [pattern])
    for other in ("image", "*", "*/png", "image/**", "IMAGE/png", ""):
        assert not is_pattern(other)
    assert not is_among("image/png", ["image/jpeg", "audio/*"])
    assert not is_among("image/png", [])
    assert is_among("image/jpeg", ["image/jpg"])
