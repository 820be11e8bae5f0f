"""Every turn this server knows: opens them, finds them, and forgets the finished ones within bounds."""

from __future__ import annotations

import asyncio
import secrets
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass

from streamchat.turns.conversation_lines import ConversationLines, LineLimits, MakeQuery
from streamchat.turns.house import House
from streamchat.turns.inputs import InputTally
from streamchat.turns.query import Query, TurnRules
from streamchat.turns.turn import Turn
from streamchat.turns.work_queue import TooBusy

# How many turns one look may forget: more than one new turn brings, few enough never to hold the loop.
_LOOKED_AT = 64
# When there is no room for attachments: by then some of the turns that hold others may have ended.
_RETRY_AFTER_SECONDS = 5.0


class UnknownTurn(LookupError):
    """No such turn, or it belongs to someone else: the two can't be told apart."""


class TurnGone(LookupError):
    """The turn has finished and is forgotten; it is never run again."""


class KeyReused(ValueError):
    """An idempotency key that was first used for another question."""


class ShuttingDown(Exception):
    """The server takes no new turns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BookLimits:
    """How long and how many finished turns can be resumed: seconds, turns, bytes, forgotten ids.

    ``max_attached_bytes`` are those of the attachments of all turns that have not ended.
    """

    remember_seconds: float = 600.0
    max_remembered_turns: int = 2_000
    max_remembered_bytes: int = 256_000_000
    max_forgotten_ids: int = 20_000
    max_attached_bytes: int = 256_000_000


@dataclass(frozen=True, slots=True)
class _Key:
    fingerprint: str
    turn_id: str


class TurnBook:
    """Owns all turns. A turn is running, remembered or forgotten (only its id and owner are left).

    ``attached_bytes`` is what the attachments of running turns may hold.
    """

    def __init__(self, house: House, limits: BookLimits, line_limits: LineLimits | None = None) -> None:
        self.is_draining = False
        self._house = house
        self._limits = limits
        self._running: dict[str, Turn] = {}
        # Ended, the next to be forgotten first; one that is being read stands apart once its time has come.
        self._remembered: OrderedDict[str, Turn] = OrderedDict()
        self._being_read: dict[str, Turn] = {}
        self._forgotten: OrderedDict[str, str] = OrderedDict()
        self._keys: dict[tuple[str, str], _Key] = {}
        self._keys_of: dict[str, tuple[str, str]] = {}
        self._bytes_of: dict[str, int] = {}  # as they were counted: a log may still grow by a withdrawal
        self._remembered_bytes = 0
        self._attached_bytes_of: dict[str, int] = {}
        self.attached_bytes = 0
        self._turn_changed = asyncio.Event()
        self._lines = ConversationLines(line_limits or LineLimits())

    def open(
        self,
        query: Query,
        *,
        owner: str,
        rules: TurnRules,
        key: str | None = None,
        fingerprint: str = "",
        make_query: MakeQuery | None = None,
        is_whole: bool = True,
        attached_bytes: int = 0,
    ) -> Turn:
        """Start a turn, or let it wait for an earlier one of its conversation; ``make_query`` makes its query then.

        It does so before the start, too, unless the query ``is_whole``: only then may a function see it as it is.
        ``attached_bytes``: the most that its attachments may hold until its end.
        Raises TooBusy, ConversationBusy or ShuttingDown when that can't be, and then nothing has happened.
        """
        self._forget_old()
        if self.is_draining:
            raise ShuttingDown("no new turns are taken")
        if attached_bytes and self.attached_bytes + attached_bytes > self._limits.max_attached_bytes:
            raise TooBusy(_RETRY_AFTER_SECONDS)
        turn = Turn(
            f"st_{secrets.token_urlsafe(15)}",
            query=query,
            owner=owner,
            rules=rules,
            house=self._house,
            on_change=self._changed,
        )
        self._running[turn.id] = turn
        try:
            self._lines.join(turn, make_query, is_whole=is_whole)
        except BaseException:
            del self._running[turn.id]
            raise
        if attached_bytes and turn.ended is None:
            self._attached_bytes_of[turn.id] = attached_bytes
            self.attached_bytes += attached_bytes
        if key is not None:
            self._keys[owner, key] = _Key(fingerprint, turn.id)
            self._keys_of[turn.id] = (owner, key)
        return turn

    def opened_with(self, key: str, *, owner: str, fingerprint: str) -> Turn | None:
        """The turn that ``key`` opened before; None when it did not, KeyReused when it was another question."""
        known = self._keys.get((owner, key))
        if known is None:
            return None
        if known.fingerprint != fingerprint:
            raise KeyReused("this Idempotency-Key was used for another request")
        return self.find(known.turn_id, owner=owner)

    def find(self, turn_id: str, *, owner: str) -> Turn:
        """The turn, if it is ``owner``'s: UnknownTurn or TurnGone otherwise."""
        self._forget_old()
        turn = self._running.get(turn_id) or self._remembered.get(turn_id) or self._being_read.get(turn_id)
        if turn is not None and turn.owner == owner:
            return turn
        if self._forgotten.get(turn_id) == owner:
            raise TurnGone(turn_id)
        raise UnknownTurn(turn_id)

    def running_in(self, conversation_id: str, *, owner: str) -> Turn | None:
        """The latest turn of ``owner``'s conversation whose work has not ended; None when there is none."""
        return self._lines.latest(owner, conversation_id)

    def drain(self) -> None:
        """Take no new turns from now on."""
        self.is_draining = True

    async def settle(self, until: float) -> None:
        """Wait until no turn runs and nobody reads, or the time ``until`` (``loop.time()`` seconds)."""
        try:
            async with asyncio.timeout_at(until):
                while any(self._busy()):
                    self._turn_changed.clear()
                    await self._turn_changed.wait()
        except TimeoutError:
            return

    def shut_down(self) -> None:
        """End whatever is left; the newest first, so that no waiting turn is started on the place of an ended one."""
        for turn in reversed(list(self._busy())):
            turn.shut_down()

    def dismiss(self) -> None:
        """Tell those who still read, slower than the drain could wait for, that it is over."""
        for turn in list(self._busy()):
            turn.dismiss()

    @property
    def running(self) -> int:
        """Turns whose work has not ended."""
        return len(self._running)

    @property
    def in_line(self) -> int:
        """Turns that wait for an earlier question of their conversation."""
        return self._lines.waiting

    @property
    def inputs(self) -> InputTally:
        """What became of the functions' questions and of what users said."""
        return self._house.inputs

    @property
    def remembered(self) -> int:
        """Finished turns that can still be read."""
        return len(self._remembered) + len(self._being_read)

    @property
    def log_bytes(self) -> int:
        """About how much memory all logs hold."""
        return self._remembered_bytes + sum(turn.log.bytes for turn in self._running.values())

    @property
    def readers(self) -> int:
        """Open readers of all turns."""
        return sum(turn.reader_count for turn in self._every())

    @property
    def read_now(self) -> int:
        """Turns that have a reader."""
        return sum(1 for turn in self._every() if turn.reader_count)

    def _changed(self, turn: Turn) -> None:
        if turn.ended is not None and self._running.pop(turn.id, None) is not None:
            self._remembered[turn.id] = turn
            self._bytes_of[turn.id] = turn.log.bytes
            self._remembered_bytes += turn.log.bytes
            self.attached_bytes -= self._attached_bytes_of.pop(turn.id, 0)
            self._lines.leave(turn)
            self._forget_old()
        elif not turn.reader_count and self._being_read.pop(turn.id, None) is not None:
            self._remembered[turn.id] = turn
        self._turn_changed.set()

    def _every(self) -> Iterator[Turn]:
        yield from self._running.values()
        yield from self._remembered.values()
        yield from self._being_read.values()

    def _busy(self) -> Iterator[Turn]:
        return (turn for turn in self._every() if turn.ended is None or turn.reader_count)

    def _forget_old(self) -> None:
        for _ in range(_LOOKED_AT):
            turn = next(iter(self._remembered.values()), None)
            if turn is None or not self._must_go(turn):
                return
            del self._remembered[turn.id]
            if turn.reader_count:
                # It is put back, behind all others, when its last reader has left.
                self._being_read[turn.id] = turn
            else:
                self._forget(turn)

    def _must_go(self, turn: Turn) -> bool:
        limits = self._limits
        too_many = self.remembered > limits.max_remembered_turns
        too_much = self._remembered_bytes > limits.max_remembered_bytes
        return too_many or too_much or (turn.ended_at or 0.0) < self._house.clock() - limits.remember_seconds

    def _forget(self, turn: Turn) -> None:
        self._remembered_bytes -= self._bytes_of.pop(turn.id)
        self._forgotten[turn.id] = turn.owner
        while len(self._forgotten) > self._limits.max_forgotten_ids:
            forgotten_id, _ = self._forgotten.popitem(last=False)
            key = self._keys_of.pop(forgotten_id, None)
            if key is not None:
                del self._keys[key]
