"""Pings, and when a client that answers none is given up."""

import asyncio
from typing import Any

import pytest

from streamchat.handlers.socket_pulse import Pulse
from tests.fakes.clock import HandClock


class Patient:
    """A pulse of 10 s that is patient for 25 s, on a clock that goes by hand."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.clock = HandClock(0.0)
        monkeypatch.setattr(asyncio, "get_running_loop", lambda: self.clock)
        self.pings = 0
        self.is_given_up = self.is_held_up = False
        self.pulse = Pulse(
            self._ping, self._give_up, lambda: self.is_held_up, interval_seconds=10.0, patience_seconds=25.0
        )

    def _ping(self) -> None:
        self.pings += 1

    def _give_up(self) -> None:
        self.is_given_up = True

    def wait(self, seconds: int) -> None:
        for _ in range(seconds):
            self.clock.advance(1.0)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> Any:
    return Patient(monkeypatch)


def test_it_pings_within_each_interval(patient: Patient) -> None:
    patient.wait(7)
    assert patient.pings == 0
    for beats in range(1, 6):
        patient.wait(10)
        assert patient.pings >= beats
        patient.pulse.felt()
    assert not patient.is_given_up


def test_silence_is_the_end_but_not_before_its_time(patient: Patient) -> None:
    patient.wait(30)
    assert not patient.is_given_up
    patient.wait(25)
    assert patient.is_given_up
    pings = patient.pings
    patient.wait(50)
    assert patient.pings == pings


def test_one_sign_of_life_is_enough_for_all_pings_before(patient: Patient) -> None:
    for _ in range(10):
        patient.wait(24)
        patient.pulse.felt()
    assert not patient.is_given_up


def test_a_client_that_has_to_take_something_first_is_not_pinged_and_not_given_up(patient: Patient) -> None:
    patient.is_held_up = True
    patient.wait(500)
    assert (patient.pings, patient.is_given_up) == (0, False)
    patient.is_held_up = False
    patient.wait(60)
    assert patient.is_given_up


def test_a_pulse_that_is_stopped_is_silent(patient: Patient) -> None:
    patient.pulse.stop()
    patient.wait(100)
    assert (patient.pings, patient.is_given_up) == (0, False)
