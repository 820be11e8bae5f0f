import pytest
from prometheus_client import CollectorRegistry

from streamchat.metrics.house_collector import ConnectionStatistics, HouseCollector
from streamchat.metrics.prometheus_observer import PrometheusObserver
from streamchat.turns.book import BookLimits, TurnBook
from streamchat.turns.events import Answer, InputRequired
from streamchat.turns.query import Query, TurnRules
from streamchat.turns.work_queue import ExecutorLimits, ExecutorStatistics
from tests.fakes.houses import HandHouse

QUERY = Query(message="hello", username="ada")
RULES = TurnRules(timeout_seconds=150.0)
STATISTICS = ExecutorStatistics(
    busy=3, queued=5, abandoned=2, free=1, limits=ExecutorLimits(max_running=4, max_queued=6, max_abandoned=7)
)


@pytest.mark.gen_test
async def test_what_is_true_now_is_read_at_each_scrape() -> None:
    hands, registry = HandHouse(), CollectorRegistry()
    book = TurnBook(hands.house, BookLimits())
    registry.register(HouseCollector(book, lambda: STATISTICS, lambda: ConnectionStatistics(open=12, refused=3)))

    def now(name: str) -> float | None:
        return registry.get_sample_value(f"streamchat_{name}")

    assert [now(name) for name in ("turns_running", "turns_remembered", "readers", "log_bytes")] == [0.0] * 4
    assert (now("connections"), now("refused_connections_total")) == (12, 3)
    running, finished = (book.open(QUERY, owner="ada", rules=RULES) for _ in range(2))
    running.record("12345")
    running.open_reader()
    finished.record(Answer(text="123"))
    hands.executor.finish(finished)
    assert (now("turns_running"), now("turns_remembered"), now("readers"), now("log_bytes")) == (
        1,
        1,
        1,
        book.log_bytes,
    )
    assert (now("workers_busy"), now("workers_abandoned"), now("workers_free")) == (3, 2, 1)
    assert (now("workers_limit"), now("workers_abandoned_limit")) == (4, 7)
    assert (now("workers_pool"), now("streams_active")) == (6, 1)
    assert (now("turns_queued"), now("turns_queued_limit")) == (5, 6)


@pytest.mark.gen_test
async def test_who_waits_for_whom_and_what_users_say_is_counted() -> None:
    hands, registry = HandHouse(), CollectorRegistry()
    book = TurnBook(hands.house, BookLimits())
    registry.register(HouseCollector(book, lambda: STATISTICS, lambda: ConnectionStatistics(open=0, refused=0)))

    def now(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(f"streamchat_{name}", labels)

    results = ("answered", "expired", "steered", "refused")
    assert [now("inputs_total", result=result) for result in results] == [0.0] * 4
    turn = book.open(QUERY, owner="ada", rules=RULES)
    book.open(QUERY, owner="ada", rules=TurnRules(timeout_seconds=150.0, on_busy="queue"))
    turn.record(InputRequired(request_id="in_1", question="Sure?", expires_in=60.0))
    assert (now("turns_waiting_for_input"), now("turns_in_line")) == (1.0, 1.0)
    turn.give_input("yes")
    assert (now("turns_waiting_for_input"), now("inputs_total", result="answered")) == (0.0, 1.0)


def test_it_stands_beside_the_observer_on_one_registry() -> None:
    metrics = PrometheusObserver("1")
    metrics.registry.register(
        HouseCollector(
            TurnBook(HandHouse().house, BookLimits()),
            lambda: STATISTICS,
            lambda: ConnectionStatistics(open=12, refused=3),
        )
    )
    assert metrics.registry.get_sample_value("streamchat_turns_queued") == 5.0


@pytest.mark.gen_test
async def test_what_waits_on_its_way_in_and_out_is_read_at_each_scrape() -> None:
    registry, waiting = CollectorRegistry(), {"in": 0, "out": 0}
    registry.register(
        HouseCollector(
            TurnBook(HandHouse().house, BookLimits()),
            lambda: STATISTICS,
            lambda: ConnectionStatistics(open=0, refused=0),
            long_body_bytes=lambda: waiting["in"],
            websocket_waiting_bytes=lambda: waiting["out"],
        )
    )
    for bytes_in, bytes_out in ((0, 0), (5, 7)):
        waiting.update({"in": bytes_in, "out": bytes_out})
        assert registry.get_sample_value("streamchat_long_body_bytes") == bytes_in
        assert registry.get_sample_value("streamchat_websocket_waiting_bytes") == bytes_out
