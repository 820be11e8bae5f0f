"""One server: the rooms wired together, listening, drained and closed. Knows no command line."""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections.abc import Callable

from tornado.ioloop import IOLoop
from tornado.netutil import bind_sockets

from streamchat import __version__
from streamchat.chunking.registry import Registry, installed, shipped
from streamchat.handlers.calibrator import Calibrator
from streamchat.handlers.exchange_recorder import ExchangeRecorder
from streamchat.handlers.rooms import DoorLimits, Rooms
from streamchat.handlers.routes import application
from streamchat.metrics.house_collector import ConnectionStatistics, HouseCollector
from streamchat.metrics.prometheus_observer import PrometheusObserver
from streamchat.presenting.progress import Calibration
from streamchat.serving.bounded_server import BoundedHTTPServer
from streamchat.serving.settings import CannotStart, Settings
from streamchat.stores.callers import Callers, name_callers, parse_token, read_tokens_file
from streamchat.stores.conversations import ConversationStore
from streamchat.stores.database import Database, StoreDown
from streamchat.stores.profile_files import sample_profiles
from streamchat.stores.profiles import ProfileStore
from streamchat.stores.tokens import InvalidToken, TokenStore
from streamchat.turns.book import BookLimits, TurnBook
from streamchat.turns.executor import Executor
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


class Server:
    """One server: ``open`` it on a running loop, ``listen``, ``drain`` and ``close`` it.

    ``load_function`` must be picklable for ``workers="processes"``.
    """

    def __init__(self, settings: Settings, load_function: Callable[[], BoundFunction]) -> None:
        self.settings = settings
        self.bound = load_function()
        self._load_function = load_function
        self.database = Database(settings.database_url)
        self.generated_token = ""
        self.sample_username = ""
        self.port = settings.port
        self.rooms: Rooms
        self._executor: Executor
        self._http: BoundedHTTPServer | None = None

    async def open(self) -> None:
        """Open the stores and wire the rooms together. Raises CannotStart, and nothing is left open then."""
        try:
            await self._open_rooms()
        except BaseException:
            await self.database.close()
            raise

    async def _open_rooms(self) -> None:
        settings, loop = self.settings, asyncio.get_running_loop()
        # Before anything is opened that would have to be closed again.
        strategies = Registry([*shipped(), *installed()])
        try:
            await self.database.open()
            token_store = TokenStore(self.database)
            profile_store = ProfileStore(self.database)
            await profile_store.seed(sample_profiles())
            self.sample_username = await _sample_username(profile_store)
            callers = Callers(await self._callers(token_store), token_store)
        except StoreDown as error:
            raise CannotStart(f"--database-url {self.database}: {error}") from error
        metrics = PrometheusObserver(__version__)
        conversations = ConversationStore(self.database)
        recorder = ExchangeRecorder(conversations, metrics.exchange_lost)
        calibration = Calibration()
        observer = Observers([StageLog(), metrics, recorder, Calibrator(calibration, self.bound.name)])
        self._executor = await self._open_executor(loop)
        house = House(
            executor=self._executor,
            observer=observer,
            ticker=Ticker(loop),
            call_later=IOLoop.current().call_later,
            clock=loop.time,
            limits=TurnLimits(linger_seconds=settings.linger, max_answer_characters=settings.max_answer_characters),
        )
        book = TurnBook(house, BookLimits(remember_seconds=settings.remember))
        metrics.registry.register(HouseCollector(book, self._executor.statistics, self.connections))
        self.rooms = Rooms(
            book=book,
            executor_statistics=self._executor.statistics,
            callers=callers,
            database=self.database,
            profiles=profile_store,
            conversations=conversations,
            recorder=recorder,
            calibration=calibration,
            strategies=strategies,
            metrics=metrics,
            observer=observer,
            limits=DoorLimits(
                process_timeout_seconds=settings.process_timeout,
                keepalive_seconds=settings.keepalive,
                stall_seconds=settings.stall,
                max_body_bytes=settings.max_body_bytes,
            ),
            backend=self.bound.name,
            wants_history=not {"history", "use_history"}.isdisjoint(self.bound.wanted),
            version=__version__,
        )

    def listen(self) -> None:
        """Take connections on the settings' host and port; ``port`` is then the real one."""
        try:
            sockets = bind_sockets(self.settings.port, self.settings.host, backlog=1_024)
        except OSError as error:
            raise CannotStart(f"{self.settings.host}:{self.settings.port}: {error.strerror}") from error
        for listening in sockets:
            _find_dead_peers(listening, self.settings.stall)
        self.port = sockets[0].getsockname()[1]
        http = self._http = BoundedHTTPServer(
            application(self.rooms),
            max_connections=self.settings.max_connections,
            idle_connection_timeout=75.0,
            body_timeout=60.0,
            max_body_size=self.settings.max_body_bytes,
            decompress_request=False,
        )
        http.add_sockets(sockets)

    async def drain(self) -> None:
        """Take no new turns, let the running ones finish within the drain limit, and end the rest with a frame."""
        loop, book = asyncio.get_running_loop(), self.rooms.book
        book.drain()
        if self._http is not None:
            self._http.stop()
        await book.settle(loop.time() + self.settings.drain)
        book.shut_down()
        await book.settle(loop.time() + _GOODBYE_SECONDS)

    async def close(self) -> bool:
        """Let go of everything; True when no function is still running in a thread."""
        if self._http is not None:
            await self._http.close_all_connections()
        await self.rooms.recorder.close()
        is_idle = self._executor.stop()
        await self.database.close()
        return is_idle

    @property
    def open_connections(self) -> int:
        """Connections that are open now."""
        return self._http.open_connections if self._http is not None else 0

    def connections(self) -> ConnectionStatistics:
        """Connections now, and refused since the start."""
        refused = self._http.refused_connections if self._http is not None else 0
        return ConnectionStatistics(open=self.open_connections, refused=refused)

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

    async def _open_executor(self, loop: asyncio.AbstractEventLoop) -> Executor:
        limits = ExecutorLimits(
            max_running=self.settings.max_running,
            max_queued=self.settings.max_queued,
            max_abandoned=self.settings.max_abandoned,
        )
        if self.settings.workers == "threads":
            return ThreadExecutor(self.bound, limits, loop)
        executor = ProcessExecutor(self._load_function, limits, loop)
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
