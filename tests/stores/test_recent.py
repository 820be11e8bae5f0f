"""What was read a moment ago is kept for that moment."""

from streamchat.stores.recent import Recent


class HandClock:
    """A clock that stands still until it is moved."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def recent(clock: HandClock, most: int = 2) -> Recent[str]:
    return Recent(seconds=5.0, most=most, clock=clock)


def test_a_value_is_there_until_its_time_is_over():
    clock = HandClock()
    values = recent(clock)
    values.put("a", "1")
    clock.now += 4.9
    assert values.get("a") == "1"
    clock.now += 0.1
    assert values.get("a") is None


def test_the_oldest_makes_room():
    values = recent(HandClock())
    for key in ("a", "b", "c"):
        values.put(key, key)
    assert [values.get(key) for key in ("a", "b", "c")] == [None, "b", "c"]


def test_a_value_put_again_is_young_again():
    values = recent(HandClock())
    for key in ("a", "b", "a", "c"):
        values.put(key, key)
    assert [values.get(key) for key in ("a", "b", "c")] == ["a", None, "c"]


def test_what_is_forgotten_is_gone():
    values = recent(HandClock())
    values.put("a", "1")
    values.forget("a")
    values.forget("never put")
    assert values.get("a") is None
