import pytest

from streamchat.turns.readership import Readership, patience_of
from tests.fakes.clock import HandClock


class Scene:
    def __init__(self, patience_seconds):
        self.clock, self.given_up = HandClock(), 0
        self.readers = Readership(self.clock.call_later, patience_seconds)

    def give_up(self):
        self.given_up += 1

    def leave(self):
        self.readers.left(self.give_up)


def test_a_turn_that_nobody_reads_is_given_up_after_a_while():
    scene = Scene(30.0)
    scene.readers.came()
    scene.leave()
    scene.clock.advance(29.0)
    assert scene.given_up == 0
    scene.clock.advance(1.0)
    assert (scene.given_up, scene.clock.pending) == (1, [])


def test_whoever_comes_in_time_keeps_it():
    scene = Scene(30.0)
    scene.readers.came()
    scene.leave()
    scene.readers.came()
    scene.clock.advance(60.0)
    assert (scene.given_up, scene.readers.count) == (0, 1)


def test_one_who_leaves_while_another_reads_changes_nothing():
    scene = Scene(0.0)
    scene.readers.came()
    scene.readers.came()
    scene.leave()
    assert (scene.readers.count, scene.clock.pending) == (1, [])


def test_without_an_end_of_patience_it_goes_on():
    scene = Scene(None)
    scene.readers.came()
    scene.leave()
    assert scene.clock.pending == []


def test_what_has_ended_is_not_given_up():
    scene = Scene(30.0)
    scene.readers.came()
    scene.leave()
    scene.readers.close()
    scene.readers.came()
    scene.leave()
    assert scene.clock.pending == []


@pytest.mark.parametrize(("on_disconnect", "patience"), [("cancel", 0.0), ("grace", 30.0), ("continue", None)])
def test_how_long_a_turn_goes_on_is_what_its_caller_has_chosen(on_disconnect, patience):
    assert patience_of(on_disconnect, 30.0) == patience
