import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from streamchat.presenting.progress import Calibration, Durations, percent_done, remaining_seconds

SECONDS = some.floats(0.0, 10_000.0)
HISTORY = some.lists(SECONDS, max_size=60).map(lambda durations: tuple(sorted(durations)))


@pytest.mark.parametrize(
    ("elapsed", "percent"), [(0.0, 5.0), (1.2, 5.72), (3.0, 6.8), (75.0, 50.0), (150.0, 95.0), (3_600.0, 95.0)]
)
def test_without_history_it_goes_by_150_seconds(elapsed: float, percent: float) -> None:
    assert percent_done(elapsed, ()) == pytest.approx(percent)
    assert percent_done(elapsed, (1.0, 2.0, 3.0, 4.0)) == pytest.approx(percent)
    assert remaining_seconds(elapsed, (1.0, 2.0, 3.0, 4.0)) is None


def test_with_history_it_is_the_share_that_would_be_done_by_now() -> None:
    durations = (10.0, 10.0, 20.0, 20.0, 30.0)
    assert percent_done(0.0, durations) == 5.0
    assert percent_done(10.0, durations) == pytest.approx(5 + 90 * 2 / 6)
    assert percent_done(15.0, durations) == pytest.approx(5 + 90 * 2.5 / 6)
    assert percent_done(20.0, durations) == pytest.approx(5 + 90 * 4 / 6)
    assert percent_done(30.0, durations) == pytest.approx(5 + 90 * 5 / 6)


def test_past_the_slowest_it_goes_on_ever_slower() -> None:
    durations = (10.0,) * 5
    percents = [percent_done(elapsed, durations) for elapsed in (10.0, 20.0, 40.0, 80.0, 10_000.0)]
    gains = [after - before for before, after in itertools.pairwise(percents)]
    assert all(gain > 0 for gain in gains)
    assert percents[-1] < 95.0


def test_what_is_left_is_the_mean_of_those_that_took_longer() -> None:
    durations = (10.0, 20.0, 30.0, 40.0, 50.0)
    assert remaining_seconds(0.0, durations) == 30.0
    assert remaining_seconds(25.0, durations) == 15.0
    assert remaining_seconds(49.0, durations) == 1.0
    assert remaining_seconds(50.0, durations) is None


@settings(deadline=None)
@given(some.lists(SECONDS, min_size=2, max_size=50), HISTORY)
def test_progress_never_falls_and_stays_between_5_and_95(times: list[float], durations: Durations) -> None:
    percents = [percent_done(elapsed, durations) for elapsed in sorted(times)]
    assert percents == sorted(percents)
    assert percents[0] >= 5.0
    assert percents[-1] <= 95.0


@settings(deadline=None)
@given(SECONDS, HISTORY)
def test_what_is_left_is_never_less_than_nothing(elapsed: float, durations: Durations) -> None:
    remaining = remaining_seconds(elapsed, durations)
    assert remaining is None or remaining >= -1e-6


def test_each_kind_of_query_has_a_history_of_its_own() -> None:
    calibration = Calibration()
    for seconds in (3.0, 1.0, 2.0):
        calibration.record(("local", "ada"), seconds)
    calibration.record(("local", "eve"), 9.0)
    assert calibration.durations(("local", "ada")) == (1.0, 2.0, 3.0)
    assert calibration.durations(("local", "eve")) == (9.0,)
    assert calibration.durations(("local", "nobody")) == ()


def test_a_history_keeps_the_most_recent() -> None:
    calibration = Calibration()
    for seconds in range(200):
        calibration.record("kind", float(seconds))
    assert calibration.durations("kind") == tuple(float(seconds) for seconds in range(150, 200))


def test_of_too_many_kinds_the_longest_unused_is_forgotten() -> None:
    calibration = Calibration()
    for kind in range(1_000):
        calibration.record(kind, 1.0)
    calibration.record(0, 2.0)
    calibration.record("one more", 1.0)
    assert calibration.durations(0) == (1.0, 2.0)
    assert calibration.durations(1) == ()
    assert calibration.durations("one more") == (1.0,)


def test_to_ask_for_a_kind_is_not_to_have_one() -> None:
    calibration = Calibration()
    for kind in range(5_000):
        calibration.durations(kind)
    assert len(calibration._recent) == 0
