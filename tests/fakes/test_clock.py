from tests.fakes.clock import HandClock


def test_every_timer_fires_at_its_own_moment() -> None:
    clock, fired = HandClock(10.0), list[float]()
    for delay in (3.0, 1.0, 2.0):
        clock.call_later(delay, lambda: fired.append(clock()))
    clock.advance(2.5)
    assert fired == [11.0, 12.0]
    assert (clock(), clock.time(), clock.pending) == (12.5, 12.5, [13.0])


def test_after_a_jump_every_timer_fires_late() -> None:
    clock, fired = HandClock(10.0), list[float]()
    for delay in (3.0, 1.0, 20.0):
        clock.call_later(delay, lambda: fired.append(clock()))
    clock.jump(5.0)
    assert fired == [15.0, 15.0]


def test_a_timer_that_was_cancelled_does_not_fire() -> None:
    clock, fired = HandClock(), list[str]()
    clock.call_later(1.0, lambda: fired.append("fired")).cancel()
    clock.advance(5.0)
    assert (fired, clock.pending) == ([], [])


def test_a_timer_may_set_the_next_one() -> None:
    clock, fired = HandClock(0.0), list[float]()

    def tick() -> None:
        fired.append(clock())
        clock.call_later(1.0, tick)

    clock.call_later(1.0, tick)
    clock.advance(3.5)
    assert fired == [1.0, 2.0, 3.0]
