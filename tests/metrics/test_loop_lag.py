"""The probe that looks how late the loop is, on a clock that a test moves."""

import asyncio

from prometheus_client import CollectorRegistry

from streamchat.metrics.loop_lag import EARLIEST, LATEST, MOST_MISSED, LoopLag, RecentLag
from tests.fakes.clock import HandClock


class Probe:
    """A probe that looks, and what it counts."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.registry = CollectorRegistry()
        self.lag = LoopLag(self.registry, self.clock.call_later, self.clock)
        self.lag.start()

    def sample(self, name: str, **labels: str) -> float:
        value = self.registry.get_sample_value(f"streamchat_loop_lag_seconds_{name}", labels)
        assert value is not None
        return value


def test_a_loop_that_is_on_time_has_no_lag() -> None:
    probe = Probe()
    probe.clock.advance(10.0)
    assert 10.0 / LATEST - 1 <= probe.sample("count") <= 10.0 / EARLIEST
    assert probe.sample("bucket", le="0.001") == probe.sample("count")
    assert probe.lag.recent == RecentLag(mean=0.0, highest=0.0)


def test_a_loop_that_was_held_up_is_late_by_that() -> None:
    probe = Probe()
    (due,) = probe.clock.pending
    probe.clock.jump(due - probe.clock.seconds + 1.5)
    assert probe.sample("bucket", le="2.0") - probe.sample("bucket", le="1.0") == 2  # 1.5, and 1.2 at the missed look
    assert round(probe.lag.recent.highest, 6) == 1.5


def test_a_hold_up_counts_for_every_look_that_it_made_impossible() -> None:
    probe = Probe()
    for _ in range(10):
        (due,) = probe.clock.pending
        probe.clock.jump(due - probe.clock.seconds + 10.0)
        probe.clock.advance(20.0)
    late = probe.sample("count") - probe.sample("bucket", le="0.5")
    assert 0.25 < late / probe.sample("count") < 0.4  # it stood still for a third of the time


def test_a_hold_up_of_an_hour_does_not_count_for_ever() -> None:
    probe = Probe()
    (due,) = probe.clock.pending
    probe.clock.jump(due - probe.clock.seconds + 3600.0)
    assert probe.sample("count") == MOST_MISSED + 1


def test_what_was_lately_is_forgotten_after_some_seconds() -> None:
    probe = Probe()
    probe.clock.jump(5.0)
    probe.clock.advance(5.0)
    assert 0.0 < probe.lag.recent.mean < probe.lag.recent.highest
    probe.clock.advance(10.0)
    assert probe.lag.recent.highest == 0.0


def test_it_looks_at_no_fixed_beat() -> None:
    probe = Probe()
    beats = set()
    for _ in range(20):
        (due,) = probe.clock.pending
        beats.add(round(due - probe.clock.seconds, 9))
        probe.clock.jump(due - probe.clock.seconds)
    assert len(beats) > 1
    assert EARLIEST <= min(beats) <= max(beats) <= LATEST


def test_a_timer_that_is_early_is_not_late() -> None:
    clock = HandClock()
    probe = LoopLag(CollectorRegistry(), lambda delay, look: clock.call_later(delay - 0.001, look), clock)
    probe.start()
    clock.advance(1.0)
    assert probe.recent == RecentLag(mean=0.0, highest=0.0)


def test_once_stopped_it_looks_no_more() -> None:
    probe = Probe()
    probe.lag.stop()
    assert probe.clock.pending == []
    LoopLag(CollectorRegistry(), probe.clock.call_later).stop()


def test_on_a_real_loop_it_looks_by_itself() -> None:
    registry = CollectorRegistry()

    async def until_it_has_looked() -> None:
        loop = asyncio.get_running_loop()
        looked = asyncio.Event()

        def call_later(delay: float, look: object) -> asyncio.TimerHandle:
            assert callable(look)
            return loop.call_later(0, lambda: (look(), looked.set()))

        probe = LoopLag(registry, call_later)
        probe.start()
        await looked.wait()
        probe.stop()

    asyncio.run(until_it_has_looked())
    assert (registry.get_sample_value("streamchat_loop_lag_seconds_count") or 0) >= 1
