from streamchat.turns.deadline import Deadline
from tests.fakes.clock import HandClock


class Bell:
    def __init__(self) -> None:
        self.clock = HandClock()
        self.rung: list[float] = []
        self.deadline = Deadline(self.clock.call_later, self.clock, lambda: self.rung.append(self.clock()))


def test_it_rings_once_when_the_time_is_over_and_says_when_that_is() -> None:
    bell = Bell()
    assert bell.deadline.start(5.0) == 1005.0
    bell.clock.advance(100.0)
    assert bell.rung == [1005.0]


def test_it_stands_still_while_it_is_held_however_often() -> None:
    bell = Bell()
    bell.deadline.start(5.0)
    for _ in range(3):
        bell.clock.advance(1.0)
        bell.deadline.hold()
        bell.clock.advance(60.0)
        assert bell.clock.pending == []
        bell.deadline.resume()
    bell.clock.advance(1.9)
    assert bell.rung == []
    bell.clock.advance(0.2)
    assert len(bell.rung) == 1


def test_one_that_is_held_when_its_time_is_over_already_rings_on() -> None:
    bell = Bell()
    bell.deadline.start(5.0)
    bell.clock.seconds += 7.0  # the timer is late
    bell.deadline.hold()
    bell.deadline.resume()
    bell.clock.advance(0.0)
    assert len(bell.rung) == 1


def test_one_that_is_closed_never_rings() -> None:
    bell = Bell()
    bell.deadline.close()
    bell.deadline.start(5.0)
    bell.deadline.close()
    bell.clock.advance(100.0)
    assert bell.rung == []
    assert bell.clock.pending == []


def test_it_is_over_when_its_time_is_not_when_it_rings() -> None:
    bell = Bell()
    assert not bell.deadline.is_over
    bell.deadline.start(5.0)
    assert not bell.deadline.is_over
    bell.clock.seconds += 5.0
    assert bell.deadline.is_over
    bell.deadline.hold()
    assert not bell.deadline.is_over
