"""Profiles from YAML and JSON files, and the samples that come with the project. Knows no database.

A file holds one profile, a list of them, or (YAML) several documents; a folder is all its files, by name.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import yaml

from streamchat.stores.profiles import InvalidProfile, Profile, profile_of

# A YAML parser holds a file many times over in memory; a thousand long posts fit.
MAX_FILE_BYTES: Final = 2 * 1024 * 1024

_SUFFIXES: Final = (".json", ".yaml", ".yml")
_SAMPLES: Final = Path(__file__).parent / "samples"


def read_profiles(path: str | Path) -> list[Profile]:
    """Every profile in the file or folder, in the order it stands there.

    Raises InvalidProfile naming the file, the place in it, and the field.
    """
    found: dict[str, Path] = {}
    profiles = []
    for file in _files(Path(path)):
        for profile in _read_file(file):
            if profile.username in found:
                first = found[profile.username]
                raise InvalidProfile(f"{file}: username: {profile.username} is already in {first}")
            found[profile.username] = file
            profiles.append(profile)
    return profiles


def sample_profiles() -> list[Profile]:
    """The profiles that a new database starts with."""
    return read_profiles(_SAMPLES)


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    files = sorted(file for file in path.iterdir() if file.suffix.lower() in _SUFFIXES)
    if not files:
        raise InvalidProfile(f"{path}: no profile files ({', '.join(_SUFFIXES)}) in this folder")
    return files


def _read_file(file: Path) -> Iterator[Profile]:
    documents = _documents(file)
    for number, document in enumerate(documents, 1):
        try:
            yield profile_of(document)
        except InvalidProfile as error:
            place = f"{file}: profile {number}" if len(documents) > 1 else str(file)
            raise InvalidProfile(f"{place}: {error}") from None


def _documents(file: Path) -> list[object]:
    text = _text(file)
    try:
        parsed = [json.loads(text)] if file.suffix.lower() == ".json" else list(yaml.safe_load_all(text))
    except (yaml.YAMLError, ValueError) as error:
        raise InvalidProfile(f"{file}: cannot be parsed: {' '.join(str(error).split())}") from error
    except RecursionError:
        raise InvalidProfile(f"{file}: cannot be parsed: nested too deeply") from None
    # A YAML file that ends with a separator has an empty last document.
    documents = [one for document in parsed for one in _listed(document) if one is not None]
    if not documents:
        raise InvalidProfile(f"{file}: no profile in this file")
    return documents


def _listed(document: object) -> list[object]:
    return document if isinstance(document, list) else [document]


def _text(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            content = opened.read(MAX_FILE_BYTES + 1)
    except (OSError, ValueError) as error:
        raise InvalidProfile(f"{file}: cannot be read: {error}") from error
    if len(content) > MAX_FILE_BYTES:
        raise InvalidProfile(f"{file}: has more than {MAX_FILE_BYTES} bytes")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidProfile(f"{file}: is not UTF-8 at byte {error.start}") from error
