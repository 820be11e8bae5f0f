import threading

import pytest

from streamchat.turns.thread_rack import ThreadRack

PATIENCE_SECONDS = 20.0


@pytest.fixture
def rack():
    rack = ThreadRack("rack")
    yield rack
    rack.shut_down()


def thread_of(executor):
    return executor.submit(threading.current_thread).result(PATIENCE_SECONDS)


def test_each_that_is_out_is_a_thread_of_its_own(rack):
    one, other = rack.take(), rack.take()
    assert thread_of(one) is not thread_of(other)
    assert thread_of(one) is thread_of(one)


def test_the_one_that_came_back_last_goes_out_first(rack):
    one, other = rack.take(), rack.take()
    rack.give_back(other)
    rack.give_back(one)
    assert [rack.take(), rack.take()] == [one, other]


def test_those_that_are_ready_have_been_started(rack):
    def names():
        return {thread.name for thread in threading.enumerate() if thread.name.startswith("rack-")}

    before = names()
    rack.start(3)
    started = names()
    assert len(started) >= 3
    assert {thread_of(rack.take()).name for _ in range(3)} <= started
    assert names() <= before | started


def test_a_thread_is_called_after_its_rack(rack):
    assert [thread_of(rack.take()).name for _ in range(2)] == ["rack-0_0", "rack-1_0"]


def test_what_was_given_to_one_that_is_dropped_does_not_run(rack):
    """As when it could not be started."""
    executor, begun, gate = rack.take(), threading.Event(), threading.Event()
    executor.submit(lambda: (begun.set(), gate.wait(PATIENCE_SECONDS)))
    assert begun.wait(PATIENCE_SECONDS)
    later = executor.submit(threading.get_ident)
    rack.drop(executor)
    gate.set()
    assert later.cancelled()


def test_after_the_end_nothing_is_taken_in(rack):
    executor = rack.take()
    rack.shut_down()
    with pytest.raises(RuntimeError):
        executor.submit(threading.get_ident)


@pytest.mark.parametrize("room", [0, 2])
def test_where_threads_are_few_it_starts_with_those_there_are(monkeypatch, rack, room):
    left = iter(range(room))
    start = threading.Thread.start

    def start_if_there_is_room(thread):
        if next(left, None) is None:
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", start_if_there_is_room)
    rack.start(3)
    monkeypatch.undo()
    thread_of(rack.take())
