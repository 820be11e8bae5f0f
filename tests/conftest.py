"""What every test has."""

import asyncio

import pytest


@pytest.fixture(scope="session", autouse=True)
def _no_loop_from_before() -> None:
    """Tornado would otherwise make asyncio create a loop that nobody closes, to put back after the first test."""
    asyncio.set_event_loop(None)
