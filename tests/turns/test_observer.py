import pytest

from streamchat.turns.events import Ended
from streamchat.turns.observer import Delivery, Observers
from tests.fakes.executors import COMPLETE
from tests.fakes.houses import HandHouse
from tests.fakes.observers import FailingObserver, RecordingObserver
from tests.fakes.requests import records_with_an_id_of_their_own, requested, requests_of_lines

DELIVERY = Delivery(
    door="smart",
    resumed=False,
    leaving="finished",
    end="complete",
    code="",
    first_frame_seconds=0.01,
    first_chunk_seconds=0.5,
    streaming_seconds=2.0,
    total_seconds=2.6,
    chunks=10,
    characters=200,
    frames=15,
)


def test_every_observer_is_told_everything() -> None:
    one, other = RecordingObserver(), RecordingObserver()
    observers, turn = Observers([one, other]), HandHouse().turn()
    turn.returned(COMPLETE)
    observers.stage_left(turn, "queued", 0.25)
    observers.turn_ended(turn)
    observers.delivered(turn, DELIVERY)
    for told in (one, other):
        assert told.stages == [("queued", 0.25)]
        assert [ended.cause for ended in told.ended] == ["complete"]
        assert told.deliveries == [DELIVERY]


def test_an_observer_that_fails_is_logged_and_hurts_nobody(caplog: pytest.LogCaptureFixture) -> None:
    last = RecordingObserver()
    with requested("r-1"):
        observers, turn = Observers([FailingObserver(), last]), HandHouse().turn()
    turn.ended = Ended(cause="complete", code="complete")
    with records_with_an_id_of_their_own(), requests_of_lines("streamchat.turns") as requests:
        observers.stage_left(turn, "queued", 0.25)
        observers.turn_ended(turn)
        observers.delivered(turn, DELIVERY)
    assert (len(last.stages), len(last.ended), len(last.deliveries)) == (1, 1, 1)
    assert [record.getMessage() for record in caplog.records] == ["an observer failed: FailingObserver"] * 3
    assert requests == ["r-1"] * 3
    assert "the disk is full" in caplog.text
