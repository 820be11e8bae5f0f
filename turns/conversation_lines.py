"""One question at a time in a conversation: who waits for an earlier one, and who has to give way.

A conversation is its owner's and has an id; a turn is in its line from its acceptance to its end.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from streamchat.turns.events import Ended, Queued
from streamchat.turns.query import Query
from streamchat.turns.turn import Turn
from streamchat.turns.work_queue import TooBusy

# Makes the query once its turn has come, with what was said meanwhile, and what has to be fetched before any function
# may see it.
MakeQuery = Callable[[], Awaitable[Query]]

_RETRY_AFTER_SECONDS = 5.0

_logger = logging.getLogger("streamchat.turns")


class ConversationBusy(Exception):
    """An earlier question of this conversation is not answered yet, and this one is not to wait."""


class NotReady(Exception):
    """What the query needs can't be had. ``ended`` is the end of its turn."""

    def __init__(self, ended: Ended) -> None:
        super().__init__(ended.detail)
        self.ended = ended


@dataclass(frozen=True, slots=True, kw_only=True)
class LineLimits:
    """How many turns may wait for an earlier one: in a conversation, and in all of them."""

    max_in_line: int = 8
    max_waiting: int = 128


class ConversationLines:
    """Every turn that has not ended, by its conversation. Lets it begin, or wait, as its ``on_busy`` says.

    A query that is made is a task here, cancelled when its turn ends before.
    """

    def __init__(self, limits: LineLimits) -> None:
        self._limits = limits
        self._lines: dict[tuple[str, str], list[Turn]] = {}
        self._waiting: dict[str, MakeQuery | None] = {}
        self._beginning: dict[str, asyncio.Task[None]] = {}

    @property
    def waiting(self) -> int:
        """Turns that wait for an earlier one."""
        return len(self._waiting)

    def latest(self, owner: str, conversation_id: str) -> Turn | None:
        """The turn that came last to this conversation, of those that have not ended."""
        line = self._lines.get((owner, conversation_id))
        return line[-1] if line else None

    def join(self, turn: Turn, make_query: MakeQuery | None, *, is_whole: bool) -> None:
        """Let the turn begin now or later: with the query it has if that ``is_whole`` and need not wait, else made.

        Raises ConversationBusy or TooBusy, and then nothing has happened.
        """
        line = self._lines.get(_key(turn), [])
        waits = bool(line) and turn.rules.on_busy != "run"
        if waits:
            self._check_line(turn, line)
        if waits or not is_whole:
            self._check_room()
        self._lines[_key(turn)] = line
        line.append(turn)
        if waits:
            self._let_wait(turn, line, make_query)
            return
        try:
            self._begin_now(turn, None if is_whole else make_query)
        except BaseException:
            self._remove(turn)
            raise

    def leave(self, turn: Turn) -> None:
        """The turn has ended: the next may begin."""
        line = self._remove(turn)
        self._waiting.pop(turn.id, None)
        beginning = self._beginning.get(turn.id)
        if beginning is not None and beginning is not asyncio.current_task():
            beginning.cancel()
        if line and line[0].id in self._waiting:
            self._begin(line[0], self._waiting.pop(line[0].id))
        self._tell_positions(line)

    def _check_line(self, turn: Turn, line: list[Turn]) -> None:
        waiting = sum(other.id in self._waiting for other in line)
        if turn.rules.on_busy == "reject" or (turn.rules.on_busy == "queue" and waiting >= self._limits.max_in_line):
            raise ConversationBusy("an earlier question of this conversation is not answered yet")

    def _check_room(self) -> None:
        if len(self._waiting) + len(self._beginning) >= self._limits.max_waiting:
            raise TooBusy(_RETRY_AFTER_SECONDS)

    def _let_wait(self, turn: Turn, line: list[Turn], make_query: MakeQuery | None) -> None:
        self._waiting[turn.id] = make_query
        self._tell_positions(line)
        if turn.rules.on_busy == "interrupt":
            for earlier in line[:-1]:
                earlier.give_way()

    def _begin_now(self, turn: Turn, make_query: MakeQuery | None) -> None:
        if make_query is None:
            turn.submit()
        else:
            self._begin(turn, make_query)

    def _begin(self, turn: Turn, make_query: MakeQuery | None) -> None:
        if make_query is None:
            _submit(turn)
            return
        task = asyncio.get_running_loop().create_task(_make_and_submit(turn, make_query), name=f"begin {turn.id}")
        self._beginning[turn.id] = task
        task.add_done_callback(lambda _: self._beginning.pop(turn.id))

    def _remove(self, turn: Turn) -> list[Turn]:
        """The line without the turn; one that nobody is in is forgotten."""
        line = self._lines.get(_key(turn), [])
        if turn in line:
            line.remove(turn)
        if not line:
            self._lines.pop(_key(turn), None)
        return line

    def _tell_positions(self, line: list[Turn]) -> None:
        waiting = [turn for turn in line if turn.id in self._waiting]
        for position, turn in enumerate(waiting, 1):
            turn.notify(Queued(position=position, estimated_wait=None))


def _key(turn: Turn) -> tuple[str, str]:
    return turn.owner, turn.query.conversation_id


async def _make_and_submit(turn: Turn, make_query: MakeQuery) -> None:
    try:
        query = await make_query()
    except NotReady as error:
        turn.returned(error.ended)
        return
    except Exception as error:
        _logger.exception("the query of turn %s could not be made", turn.id)
        turn.returned(Ended(cause="error", code="overloaded", reason="no_query", detail=repr(error)))
        return
    if turn.ended is None:
        turn.query = query
        _submit(turn)


def _submit(turn: Turn) -> None:
    """Hand on a turn that has waited: its client has an answer already, so a refusal is the turn's end."""
    try:
        turn.submit()
    except TooBusy as error:
        turn.returned(Ended(cause="error", code="overloaded", reason="no_worker", detail=str(error)))
