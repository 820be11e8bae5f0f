"""What the tests borrow from this machine: its programs, and a port that nobody listens at."""

import shutil
import socket

import pytest


def program(name: str) -> str:
    """The path of a program, also where only root's PATH leads; a test without it is skipped."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def free_port() -> int:
    """A free port on the loopback address, at the moment of asking."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port
