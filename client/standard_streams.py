"""The standard streams as the shell gave them: what a disk or a reader no longer takes is dropped in the end."""

from __future__ import annotations

import os
import sys


def drop_unwritten() -> None:
    """Forget what cannot be written: at exit the interpreter would try once more, and print a traceback of its own."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)
