"""The standard streams as the shell gave them: some may be closed, and some may take no more."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def open_closed() -> None:
    """Where the shell closed one (``<&-``, ``>&-``) Python has None; from here on it is empty, or keeps nothing."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115 - open until the end


def drop_unwritten() -> None:
    """Forget what cannot be written: at exit the interpreter would try once more, and print a traceback of its own."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)
