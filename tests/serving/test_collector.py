import gc
from collections.abc import Iterator

import pytest

from streamchat.serving.collector import NEW_OBJECTS, settle_collector


@pytest.fixture(autouse=True)
def collector() -> Iterator[None]:
    """The collector of the test run, put back as it was."""
    before = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*before)


def test_what_exists_at_the_start_is_never_looked_at_again() -> None:
    settle_collector()
    assert gc.get_freeze_count() > 10_000
    assert gc.get_threshold()[0] == NEW_OBJECTS


def test_garbage_that_comes_later_is_still_looked_for() -> None:
    settle_collector()
    looks: list[str] = []
    gc.callbacks.append(watch := lambda phase, info: looks.append(phase))
    try:
        kept = [[number] for number in range(NEW_OBJECTS * 2)]
    finally:
        gc.callbacks.remove(watch)
    assert looks
    assert len(kept) == NEW_OBJECTS * 2
