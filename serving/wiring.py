"""The rooms of one server wired together: which settings go where, and who is told of what. Knows no address."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import AsyncExitStack
from time import monotonic

from tornado.ioloop import IOLoop

from streamchat import __version__
from streamchat.chunking.registry import Registry, installed, shipped
from streamchat.handlers.analytics_recorder import AnalyticsRecorder
from streamchat.handlers.attachment_rules import AttachmentRules
from streamchat.handlers.attachments import AttachmentDesk
from streamchat.handlers.calibrator import Calibrator
from streamchat.handlers.exchange_recorder import ExchangeRecorder
from streamchat.handlers.fetching import Fetcher
from streamchat.handlers.kept_records import KeptConversations, KeptFigures
from streamchat.handlers.large_bodies import LargeBodies
from streamchat.handlers.open_sockets import OpenSockets
from streamchat.handlers.open_streams import OpenStreams
from streamchat.handlers.public_addresses import Address
from streamchat.handlers.request_id import carry_request_id
from streamchat.handlers.rooms import DoorLimits, Rooms, Vitals
from streamchat.handlers.tickets import Tickets
from streamchat.metrics.door_metrics import DoorMetrics
from streamchat.metrics.exposition import Exposition
from streamchat.metrics.house_collector import ConnectionStatistics, HouseCollector
from streamchat.metrics.loop_lag import LoopLag
from streamchat.metrics.prometheus_observer import PrometheusObserver
from streamchat.presenting.progress import Calibration
from streamchat.serving.first_callers import FirstCallers, first_callers
from streamchat.serving.retention import Retention
from streamchat.serving.settings import CannotStart, Settings
from streamchat.serving.tracing import OpenTracing, open_tracing
from streamchat.stores.analytics import AnalyticsStore
from streamchat.stores.callers import Callers
from streamchat.stores.conversations import ConversationStore
from streamchat.stores.database import Database, StoreDown
from streamchat.stores.profile_files import sample_profiles
from streamchat.stores.profiles import ProfileStore
from streamchat.stores.tokens import TokenStore
from streamchat.turns.book import BookLimits, TurnBook
from streamchat.turns.conversation_lines import LineLimits
from streamchat.turns.executor import Executor
from streamchat.turns.house import House
from streamchat.turns.interaction import InputLimits
from streamchat.turns.observer import Observer, Observers
from streamchat.turns.process_query import BoundFunction
from streamchat.turns.processes import ProcessExecutor
from streamchat.turns.query import TurnLimits
from streamchat.turns.rounds import Rounds
from streamchat.turns.stage_log import StageLog
from streamchat.turns.threads import ThreadExecutor
from streamchat.turns.ticker import Ticker
from streamchat.turns.work_queue import ExecutorLimits


class Wiring:
    """``open`` makes the rooms, ``close`` lets go of them, the last opened first.

    ``load_function`` is what a worker process calls for ``bound``.
    """

    def __init__(
        self,
        settings: Settings,
        bound: BoundFunction,
        load_function: Callable[[], BoundFunction],
        may_fetch_from: Callable[[Address], bool],
    ) -> None:
        self.database = Database(settings.database_url)
        self.generated_token = ""
        self.sample_username = ""
        self._settings = settings
        self._bound = bound
        self._load_function = load_function
        self._may_fetch_from = may_fetch_from
        self._closing = AsyncExitStack()
        self._is_idle = True

    async def open(
        self, sockets: OpenSockets, streams: OpenStreams, connections: Callable[[], ConnectionStatistics]
    ) -> Rooms:
        """Open the stores and wire the rooms together. Raises CannotStart, and nothing is left open then."""
        try:
            return await self._open(sockets, streams, connections)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> bool:
        """Let go of everything, whatever goes wrong on the way; True when no function is still running in a thread."""
        await self._closing.aclose()
        return self._is_idle

    async def _open(
        self, sockets: OpenSockets, streams: OpenStreams, connections: Callable[[], ConnectionStatistics]
    ) -> Rooms:
        settings, loop, opened = self._settings, asyncio.get_running_loop(), self._closing
        # Before anything is opened that would have to be closed again.
        strategies = Registry([*shipped(), *installed()])
        tracing = self._open_tracing(loop)
        profiles, callers = await self._open_stores()
        executor = await self._open_executor(loop, tracing)
        prometheus = PrometheusObserver(__version__)
        registry = prometheus.registry
        metrics = DoorMetrics(registry)
        analytics = AnalyticsStore(self.database)
        retention = Retention(analytics, settings.analytics_days)
        retention.open()
        opened.push_async_callback(retention.close)
        analytics_recorder = AnalyticsRecorder(analytics, metrics.analytics_lost)
        opened.push_async_callback(analytics_recorder.close)
        conversations = ConversationStore(self.database)
        recorder = ExchangeRecorder(conversations, metrics.exchange_lost)
        opened.push_async_callback(recorder.close)
        calibration = Calibration()
        observer = Observers(
            [
                StageLog(settings.slow_turn),
                prometheus,
                recorder,
                *([analytics_recorder] if settings.analytics_days else []),
                Calibrator(calibration, self._bound.name),
                *([] if tracing is None else [tracing.observer]),
            ]
        )
        ticker = Ticker(loop, Rounds(loop))
        book = self._book(loop, ticker, executor, observer)
        tickets = Tickets(loop.time, settings.ticket_lifetime)
        large_bodies = LargeBodies()
        registry.register(
            HouseCollector(
                book,
                executor.statistics,
                connections,
                tickets=lambda: len(tickets),
                long_body_bytes=lambda: large_bodies.taken_bytes,
                websocket_waiting_bytes=lambda: sockets.waiting_bytes,
            )
        )
        loop_lag = LoopLag(registry, loop.call_later)
        loop_lag.start()
        opened.callback(loop_lag.stop)
        return Rooms(
            book=book,
            vitals=Vitals(
                executor_statistics=executor.statistics,
                connections=connections,
                loop_lag=loop_lag,
                database=self.database,
                opened_at=monotonic(),
            ),
            callers=callers,
            profiles=profiles,
            conversations=KeptConversations(store=conversations, recorder=recorder),
            analytics=KeptFigures(store=analytics, recorder=analytics_recorder),
            calibration=calibration,
            strategies=strategies,
            metrics=metrics,
            exposition=Exposition(registry),
            observer=observer,
            limits=_door_limits(settings),
            rounds=ticker.rounds,
            sockets=sockets,
            streams=streams,
            tickets=tickets,
            attachments=self._attachment_desk(metrics),
            large_bodies=large_bodies,
            backend=self._bound.name,
            wants_history=not {"history", "use_history"}.isdisjoint(self._bound.wanted),
            is_traced=tracing is not None,
            version=__version__,
        )

    def _open_tracing(self, loop: asyncio.AbstractEventLoop) -> OpenTracing | None:
        if not self._settings.otel:
            return None
        tracing = open_tracing(__version__, loop.time)
        self._closing.push_async_callback(tracing.close)
        return tracing

    async def _open_stores(self) -> tuple[ProfileStore, Callers]:
        profiles, tokens = ProfileStore(self.database), TokenStore(self.database)
        self._closing.push_async_callback(self.database.close)
        try:
            await self.database.open()
            await profiles.seed(sample_profiles())
            self.sample_username = _sample([profile.username for profile in await profiles.list()])
            first: FirstCallers = await first_callers(self._settings, tokens)
        except StoreDown as error:
            raise CannotStart(f"--database-url {self.database}: {error}") from error
        self.generated_token = first.generated_token
        return profiles, Callers(first.names, tokens, admins=first.admins)

    async def _open_executor(self, loop: asyncio.AbstractEventLoop, tracing: OpenTracing | None) -> Executor:
        settings = self._settings
        limits = ExecutorLimits(
            max_running=settings.max_running, max_queued=settings.max_queued, max_abandoned=settings.max_abandoned
        )
        executor: ThreadExecutor | ProcessExecutor
        if settings.workers == "threads":
            executor = ThreadExecutor(self._bound, limits, loop)
            self._closing.callback(self._stop, executor)
            return executor
        executor = ProcessExecutor(
            self._load_function,
            limits,
            loop,
            entrances=[carry_request_id, *([] if tracing is None else [tracing.observer.entrance])],
            start_seconds=settings.start_timeout,
        )
        self._closing.callback(self._stop, executor)
        try:
            await executor.open()
        except (OSError, BrokenProcessPool) as error:
            raise CannotStart(f"--workers processes: {error.__cause__ or error}") from error
        return executor

    def _stop(self, executor: Executor) -> None:
        self._is_idle = executor.stop()

    def _book(
        self, loop: asyncio.AbstractEventLoop, ticker: Ticker, executor: Executor, observer: Observer
    ) -> TurnBook:
        settings = self._settings
        house = House(
            executor=executor,
            observer=observer,
            ticker=ticker,
            call_later=IOLoop.current().call_later,
            clock=loop.time,
            limits=_turn_limits(settings),
            has_inbox="inbox" in self._bound.wanted,
        )
        return TurnBook(
            house, BookLimits(remember_seconds=settings.remember), LineLimits(max_waiting=settings.max_queued)
        )

    def _attachment_desk(self, metrics: DoorMetrics) -> AttachmentDesk:
        settings = self._settings
        rules = AttachmentRules(
            max_count=settings.max_attachments,
            max_bytes=settings.max_attachment_bytes,
            max_total_bytes=settings.max_total_attachment_bytes,
            media_types=tuple(settings.attachment_types),
        )
        fetcher = None
        if settings.fetch_attachments:
            hosts = settings.fetch_attachments
            fetcher = Fetcher(hosts, seconds=settings.fetch_timeout, may_connect=self._may_fetch_from)
        return AttachmentDesk(rules, self._bound.attachment_types, fetcher, metrics)


def _turn_limits(settings: Settings) -> TurnLimits:
    return TurnLimits(
        linger_seconds=settings.linger,
        max_answer_characters=settings.max_answer_characters,
        inputs=InputLimits(question_seconds=settings.input_timeout, max_input_characters=settings.max_input_characters),
    )


def _door_limits(settings: Settings) -> DoorLimits:
    return DoorLimits(
        process_timeout_seconds=settings.process_timeout,
        keepalive_seconds=settings.keepalive,
        stall_seconds=settings.stall,
        max_body_bytes=settings.max_body_bytes,
        analytics_days=settings.analytics_days,
        metrics_access=settings.metrics_access,
        on_busy=settings.on_busy,
        ticket_seconds=settings.ticket_lifetime,
        max_socket_turns=settings.max_socket_turns,
        max_socket_messages=settings.max_socket_messages,
        allowed_origins=tuple(origin.lower() for origin in settings.allowed_origins),
    )


def _sample(usernames: Sequence[str]) -> str:
    """The profile that the start-up line talks to: the guide's own, or else the first there is."""
    return "VitalikButerin" if "VitalikButerin" in usernames or not usernames else usernames[0]
