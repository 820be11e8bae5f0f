"""What is true at this moment, read when Prometheus asks: turns, readers, workers, remembered text."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple, get_args

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from streamchat.turns.book import TurnBook
from streamchat.turns.inputs import InputResult
from streamchat.turns.work_queue import ExecutorStatistics


class ConnectionStatistics(NamedTuple):
    """Connections of the server: now, and closed since the start because there were too many.

    ``websockets`` are those of the open ones that have become one.
    """

    open: int
    refused: int
    websockets: int = 0


class HouseCollector(Collector):
    """Gauges over a book and an executor; register it on the observer's registry."""

    def __init__(
        self,
        book: TurnBook,
        statistics: Callable[[], ExecutorStatistics],
        connections: Callable[[], ConnectionStatistics],
        tickets: Callable[[], int] = lambda: 0,
        long_body_bytes: Callable[[], int] = lambda: 0,
        websocket_waiting_bytes: Callable[[], int] = lambda: 0,
    ) -> None:
        self._book = book
        self._statistics = statistics
        self._connections = connections
        self._tickets = tickets
        self._long_body_bytes = long_body_bytes
        self._websocket_waiting_bytes = websocket_waiting_bytes

    def collect(self) -> Iterator[Metric]:
        book, statistics = self._book, self._statistics()
        yield _gauge("turns_running", "Turns whose work has not ended.", book.running)
        yield _gauge("turns_remembered", "Finished turns that can be resumed.", book.remembered)
        yield _gauge("readers", "Open readers of turns.", book.readers)
        yield _gauge("streams_active", "Turns that somebody reads now.", book.read_now)
        yield _gauge("turns_waiting_for_input", "Turns whose function waits for its user.", book.inputs.waiting)
        inputs = CounterMetricFamily(
            "streamchat_inputs",
            "Questions of functions and inputs of users, by what became of them.",
            labels=("result",),
        )
        for result in get_args(InputResult):
            inputs.add_metric((result,), book.inputs.results[result])
        yield inputs
        connections = self._connections()
        yield _gauge("connections", "Open connections.", connections.open)
        yield _gauge("websockets", "Open WebSockets.", connections.websockets)
        yield _gauge("tickets", "Tickets that are not known to be void.", self._tickets())
        yield CounterMetricFamily(
            "streamchat_refused_connections", "Connections past the limit, closed with 503.", value=connections.refused
        )
        yield _gauge("log_bytes", "About how much memory the logs of all turns hold.", book.log_bytes)
        yield _gauge("attachment_bytes", "The most that attachments of running turns may hold.", book.attached_bytes)
        yield _gauge("long_body_bytes", "Room that is taken for reading long requests.", self._long_body_bytes())
        waiting = self._websocket_waiting_bytes()
        yield _gauge("websocket_waiting_bytes", "What waits for slow clients of WebSockets.", waiting)
        yield _gauge("workers_busy", "Workers that run a function for a turn.", statistics.busy)
        yield _gauge("workers_abandoned", "Workers whose turn is over but whose function is not.", statistics.abandoned)
        yield _gauge("workers_free", "Functions that could start now.", statistics.free)
        yield _gauge("workers_limit", "Functions that may run at a time.", statistics.limits.max_running)
        yield _gauge("workers_pool", "Places that the pool has, grown by the abandoned ones.", statistics.places)
        yield _gauge("workers_abandoned_limit", "Abandoned workers replaced.", statistics.limits.max_abandoned)
        yield _gauge("turns_queued", "Turns that wait for a worker.", statistics.queued)
        yield _gauge("turns_in_line", "Turns that wait for an earlier one of their conversation.", book.in_line)
        yield _gauge("turns_queued_limit", "Turns that may wait.", statistics.limits.max_queued)


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"streamchat_{name}", text, value=value)
