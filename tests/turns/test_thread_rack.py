import threading
from typing import ClassVar

import pytest

from streamchat.turns.thread_rack import ThreadRack

PATIENCE_SECONDS = 20.0


@pytest.fixture
def rack():
    rack = ThreadRack("rack")
    yield rack
    rack.shut_down()
    for work in Work.under_way:
        work.may_go.set()
    Work.under_way.clear()


class Work:
    """Keeps its thread until it may go."""

    under_way: ClassVar = []

    def __init__(self):
        self.under_way.append(self)
        self.thread = None
        self.begun = threading.Event()
        self.may_go = threading.Event()

    def __call__(self):
        self.thread = threading.current_thread()
        self.begun.set()
        self.may_go.wait(PATIENCE_SECONDS)


def begun(rack):
    """Work that has begun, and its worker."""
    work = Work()
    worker = rack.run(work)
    assert work.begun.wait(PATIENCE_SECONDS)
    return work, worker


def done(rack):
    """The thread of work that was done."""
    work, worker = begun(rack)
    work.may_go.set()
    rack.give_back(worker)
    return work.thread


def test_what_runs_side_by_side_has_threads_of_its_own(rack):
    one, other = begun(rack)[0], begun(rack)[0]
    assert one.thread is not other.thread
    one.may_go.set()
    other.may_go.set()


def test_the_worker_that_came_back_last_works_next(rack):
    (one, first), (other, second) = begun(rack), begun(rack)
    for work in (one, other):
        work.may_go.set()
    rack.give_back(second)
    rack.give_back(first)
    assert [begun(rack)[0].thread, begun(rack)[0].thread] == [one.thread, other.thread]


def test_those_that_are_ready_have_been_started(rack):
    def names():
        return {thread.name for thread in threading.enumerate() if thread.name.startswith("rack-")}

    rack.start(3)
    started = names()
    assert {begun(rack)[0].thread.name for _ in range(3)} <= started


def test_a_thread_is_called_after_its_rack(rack):
    assert begun(rack)[0].thread.name.startswith("rack-0")
    assert begun(rack)[0].thread.name.startswith("rack-1")


def test_after_the_end_nothing_is_begun(rack):
    done(rack)
    work, _ = begun(rack)
    rack.shut_down()
    for _ in range(3):
        with pytest.raises(RuntimeError):
            rack.run(pytest.fail)
    work.may_go.set()


@pytest.mark.parametrize("room", [0, 2])
def test_where_threads_are_few_it_starts_with_those_there_are(monkeypatch, rack, room):
    left = iter(range(room))
    start = threading.Thread.start

    def start_if_there_is_room(thread):
        if next(left, None) is None:
            raise RuntimeError("can't start new thread")
        start(thread)

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", start_if_there_is_room)
        rack.start(3)
        ready = [begun(rack) for _ in range(room)]
        with pytest.raises(RuntimeError):
            rack.run(pytest.fail)
    assert len({work.thread for work, _ in ready}) == room
    done(rack)
