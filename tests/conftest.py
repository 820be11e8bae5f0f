"""What every test has."""

import asyncio
import signal

import pytest


@pytest.fixture(scope="session", autouse=True)
def _no_loop_from_before() -> None:
    """Tornado would otherwise make asyncio create a loop that nobody closes, to put back after the first test."""
    asyncio.set_event_loop(None)


@pytest.fixture(scope="session", autouse=True)
def _ctrl_c_is_heard() -> None:
    """A shell starts background jobs with SIGINT ignored, and what tests start and interrupt inherits that."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
