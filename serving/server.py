"""One server: the rooms wired together, listening, drained and closed. Knows no command line."""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections.abc import Callable, Mapping
from time import monotonic

from tornado.ioloop import IOLoop
from tornado.netutil import bind_sockets
from tornado.web import Application

from streamchat import __version__
from streamchat.chunking.registry import Registry, installed, shipped
from streamchat.handlers.analytics_recorder import AnalyticsRecorder
from streamchat.handlers.attachments import AttachmentDesk, AttachmentRules
from streamchat.handlers.calibrator import Calibrator
from streamchat.handlers.exchange_recorder import ExchangeRecorder
from streamchat.handlers.fetching import Fetcher
from streamchat.handlers.large_bodies import LargeBodies
from streamchat.handlers.open_sockets import OpenSockets
from streamchat.handlers.public_addresses import Address, is_public
from streamchat.handlers.rooms import DoorLimits, Rooms
from streamchat.handlers.routes import application, metrics_application
from streamchat.handlers.tickets import Tickets
from streamchat.metrics.exposition import Exposition
from streamchat.metrics.house_collector import ConnectionStatistics, HouseCollector
from streamchat.metrics.loop_lag import LoopLag
from streamchat.metrics.prometheus_observer import PrometheusObserver
from streamchat.presenting.progress import Calibration
from streamchat.serving.bounded_server import BoundedHTTPServer
from streamchat.serving.retention import Retention
from streamchat.serving.settings import CannotStart, Settings, host_and_port
from streamchat.serving.tracing import OpenTracing, open_tracing
from streamchat.stores.analytics import AnalyticsStore
from streamchat.stores.callers import Callers, name_callers, parse_token, read_tokens_file
from streamchat.stores.conversations import ConversationStore
from streamchat.stores.database import Database, StoreDown
from streamchat.stores.profile_files import sample_profiles
from streamchat.stores.profiles import ProfileStore
from streamchat.stores.tokens import InvalidToken, TokenStore
from streamchat.turns.book import BookLimits, TurnBook
from streamchat.turns.conversation_lines import LineLimits
from streamchat.turns.executor import Executor
from streamchat.turns.interaction import InputLimits
from streamchat.turns.observer import Observers
from streamchat.turns.process_query import BoundFunction
from streamchat.turns.processes import ProcessExecutor
from streamchat.turns.query import TurnLimits
from streamchat.turns.stage_log import StageLog
from streamchat.turns.threads import ThreadExecutor
from streamchat.turns.ticker import Ticker
from streamchat.turns.turn import House
from streamchat.turns.work_queue import ExecutorLimits

# How long terminal frames may take to reach their clients once the drain is over.
_GOODBYE_SECONDS = 2.0
# Of those who ask for metrics; they are few, and must get through when the streams have taken all other connections.
_METRICS_CONNECTIONS = 32


class Server:
    """One server: ``open`` it on a running loop, ``listen``, ``drain`` and ``close`` it.

    ``load_function`` must be picklable for ``workers="processes"``. ``may_fetch_from`` is there for tests, whose
    servers are on loopback.
    """

    def __init__(
        self,
        settings: Settings,
        load_function: Callable[[], BoundFunction],
        *,
        may_fetch_from: Callable[[Address], bool] = is_public,
    ) -> None:
        self.settings = settings
        self._may_fetch_from = may_fetch_from
        self.bound = load_function()
        self._load_function = load_function
        self.database = Database(settings.database_url)
        self.generated_token = ""
        self.sample_username = ""
        self.port = settings.port
        self.metrics_address: tuple[str, int] | None = None
        self.rooms: Rooms
        self._sockets = OpenSockets()
        self._executor: Executor
        self._retention: Retention
        self._tracing: OpenTracing | None = None
        self._http: BoundedHTTPServer | None = None
        self._metrics_http: BoundedHTTPServer | None = None

    async def open(self) -> None:
        """Open the stores and wire the rooms together. Raises CannotStart, and nothing is left open then."""
        try:
            await self._open_rooms()
        except BaseException:
            await self.database.close()
            await self._close_tracing()
            raise

    async def _open_rooms(self) -> None:
        settings, loop = self.settings, asyncio.get_running_loop()
        # Before anything is opened that would have to be closed again.
        strategies = Registry([*shipped(), *installed()])
        self._tracing = open_tracing(__version__, loop.time) if settings.otel else None
        try:
            await self.database.open()
            token_store = TokenStore(self.database)
            profile_store = ProfileStore(self.database)
            await profile_store.seed(sample_profiles())
            self.sample_username = await _sample_username(profile_store)
            configured = await self._callers(token_store)
            callers = Callers(configured, token_store, admins=self._admins(configured))
        except StoreDown as error:
            raise CannotStart(f"--database-url {self.database}: {error}") from error
        metrics = PrometheusObserver(__version__)
        conversations = ConversationStore(self.database)
        recorder = ExchangeRecorder(conversations, metrics.exchange_lost)
        calibration = Calibration()
        analytics = AnalyticsStore(self.database)
        analytics_recorder = AnalyticsRecorder(analytics, metrics.analytics_lost)
        records = [analytics_recorder] if settings.analytics_days else []
        traces = [] if self._tracing is None else [self._tracing.observer]
        calibrator = Calibrator(calibration, self.bound.name)
        observer = Observers([StageLog(settings.slow_turn), metrics, recorder, *records, calibrator, *traces])
        self._executor = await self._open_executor(loop)
        house = House(
            executor=self._executor,
            observer=observer,
            ticker=Ticker(loop),
            call_later=IOLoop.current().call_later,
            clock=loop.time,
            limits=TurnLimits(
                linger_seconds=settings.linger,
                max_answer_characters=settings.max_answer_characters,
                inputs=InputLimits(
                    question_seconds=settings.input_timeout, max_input_characters=settings.max_input_characters
                ),
            ),
            has_inbox="inbox" in self.bound.wanted,
        )
        lines = LineLimits(max_waiting=settings.max_queued)
        book = TurnBook(house, BookLimits(remember_seconds=settings.remember), lines)
        tickets = Tickets(loop.time, settings.ticket_lifetime)
        metrics.registry.register(
            HouseCollector(book, self._executor.statistics, self.connections, lambda: len(tickets))
        )
        loop_lag = LoopLag(metrics.registry, loop.call_later)
        loop_lag.start()
        self.rooms = Rooms(
            book=book,
            executor_statistics=self._executor.statistics,
            connections=self.connections,
            loop_lag=loop_lag,
            callers=callers,
            database=self.database,
            profiles=profile_store,
            conversations=conversations,
            recorder=recorder,
            analytics=analytics,
            analytics_recorder=analytics_recorder,
            calibration=calibration,
            strategies=strategies,
            metrics=metrics,
            exposition=Exposition(metrics.registry),
            observer=observer,
            limits=DoorLimits(
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
            ),
            sockets=self._sockets,
            tickets=tickets,
            attachments=self._attachment_desk(metrics),
            large_bodies=LargeBodies(),
            backend=self.bound.name,
            wants_history=not {"history", "use_history"}.isdisjoint(self.bound.wanted),
            is_traced=self._tracing is not None,
            version=__version__,
            opened_at=monotonic(),
        )
        self._retention = Retention(analytics, settings.analytics_days)
        self._retention.open()

    def _attachment_desk(self, metrics: PrometheusObserver) -> AttachmentDesk:
        settings = self.settings
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
        return AttachmentDesk(rules, self.bound.attachment_types, fetcher, metrics)

    def listen(self) -> None:
        """Take connections on the settings' addresses; ``port`` and ``metrics_address`` are then the real ones."""
        settings = self.settings
        doors = application(self.rooms, with_metrics=settings.metrics_address is None)
        self._http, self.port = self._serve(
            doors, settings.host, settings.port, settings.max_connections, lambda: len(self._sockets)
        )
        if settings.metrics_address is not None:
            host, port = host_and_port(settings.metrics_address)
            doors = metrics_application(self.rooms)
            self._metrics_http, port = self._serve(doors, host, port, _METRICS_CONNECTIONS)
            self.metrics_address = host, port

    def _serve(
        self,
        doors: Application,
        host: str,
        port: int,
        max_connections: int,
        sockets_open: Callable[[], int] = lambda: 0,
    ) -> tuple[BoundedHTTPServer, int]:
        """A server on an address, and its real port. Raises CannotStart."""
        try:
            sockets = bind_sockets(port, host, backlog=1_024)
        except OSError as error:
            raise CannotStart(f"{host}:{port}: {error.strerror}") from error
        for listening in sockets:
            _find_dead_peers(listening, self.settings.stall)
        http = BoundedHTTPServer(
            doors,
            max_connections=max_connections,
            sockets_open=sockets_open,
            idle_connection_timeout=75.0,
            body_timeout=60.0,
            max_body_size=self.settings.max_body_bytes,
            decompress_request=False,
        )
        http.add_sockets(sockets)
        return http, sockets[0].getsockname()[1]

    async def drain(self) -> None:
        """Take no new turns, let the running ones finish within the drain limit, and end the rest with a frame.

        An address of its own goes on giving metrics all the while, so that it can be watched.
        """
        loop, book = asyncio.get_running_loop(), self.rooms.book
        book.drain()
        if self._http is not None:
            self._http.stop()
        await book.settle(loop.time() + self.settings.drain)
        book.shut_down()
        await book.settle(loop.time() + _GOODBYE_SECONDS)
        book.dismiss()
        await book.settle(loop.time() + _GOODBYE_SECONDS)
        await self._sockets.close(_GOODBYE_SECONDS)

    async def close(self) -> bool:
        """Let go of everything; True when no function is still running in a thread."""
        for http in (self._http, self._metrics_http):
            if http is not None:
                http.stop()
                await http.close_all_connections()
        self._sockets.drop()
        self.rooms.loop_lag.stop()
        await self.rooms.recorder.close()
        await self.rooms.analytics_recorder.close()
        await self._retention.close()
        is_idle = self._executor.stop()
        await self.database.close()
        await self._close_tracing()
        return is_idle

    @property
    def open_connections(self) -> int:
        """Connections that are open now."""
        return self._http.open_connections if self._http is not None else 0

    def connections(self) -> ConnectionStatistics:
        """Connections now, and refused since the start."""
        refused = self._http.refused_connections if self._http is not None else 0
        return ConnectionStatistics(open=self.open_connections, refused=refused, websockets=len(self._sockets))

    async def _close_tracing(self) -> None:
        if self._tracing is not None:
            await self._tracing.close()

    async def _callers(self, token_store: TokenStore) -> dict[str, str]:
        try:
            parsed = [parse_token(text) for text in self.settings.token]
            if self.settings.tokens_file is not None:
                parsed += read_tokens_file(self.settings.tokens_file)
            if not parsed and not await token_store.list():
                self.generated_token = secrets.token_urlsafe(24)
                parsed = [(None, self.generated_token)]
            return name_callers(parsed)
        except InvalidToken as error:
            raise CannotStart(str(error)) from error

    def _admins(self, configured: Mapping[str, str]) -> set[str]:
        admins = set(self.settings.admin)
        if unknown := sorted(admins - set(configured.values())):
            raise CannotStart(f"--admin {unknown[0]}: no configured token has this name")
        # Whoever reads the start-up lines runs this server.
        return admins | ({configured[self.generated_token]} if self.generated_token else set())

    async def _open_executor(self, loop: asyncio.AbstractEventLoop) -> Executor:
        limits = ExecutorLimits(
            max_running=self.settings.max_running,
            max_queued=self.settings.max_queued,
            max_abandoned=self.settings.max_abandoned,
        )
        if self.settings.workers == "threads":
            return ThreadExecutor(self.bound, limits, loop)
        entrance = None if self._tracing is None else self._tracing.observer.entrance
        executor = ProcessExecutor(self._load_function, limits, loop, entrance)
        await executor.open()
        return executor


async def _sample_username(profile_store: ProfileStore) -> str:
    """The profile that the start-up line talks to: the guide's own, or else the first there is."""
    usernames = [profile.username for profile in await profile_store.list()]
    return "VitalikButerin" if "VitalikButerin" in usernames or not usernames else usernames[0]


def _find_dead_peers(listening: socket.socket, seconds: float) -> None:
    """Let the kernel notice peers that are gone without a word; accepted sockets inherit this (Linux, tcp(7))."""
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    options = {"TCP_KEEPIDLE": 15, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3}
    options |= {"TCP_USER_TIMEOUT": int(seconds * 1000), "TCP_NOTSENT_LOWAT": 16_384}
    for name, value in options.items():
        if hasattr(socket, name):
            listening.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
