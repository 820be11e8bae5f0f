"""Other people's clients: those in Node, by a way to run a script of this folder, and the matrix of all of them."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.conformance.matrix import Matrix
from tests.conformance.node_packages import NoNode, install_packages, run_script

RunScript = Callable[..., Awaitable[Any]]


@pytest.fixture(scope="session")
def node() -> RunScript:
    """``await node("script.mjs", argument)``: what the script prints, which is JSON; the argument is, too."""
    try:
        install_packages()
    except NoNode as reason:
        pytest.skip(str(reason))
    return run_script


@pytest.fixture(scope="session")
def matrix() -> Matrix:
    """What this run has shown so far, and shows when asked."""
    return Matrix()
