"""Log lines about turns: with ids and times, without tokens, prompts and answers.

A question that goes well makes one line: "delivered", what its client was given and how long each stage took. An end
that no delivery will tell of, and one that is no answer, has a line of its own; stages are for debugging. A turn that
took long is one warning more.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from weakref import WeakSet

from streamchat.turns.log_line import log_line
from streamchat.turns.observer import Delivery, Stage
from streamchat.turns.turn import Turn

_logger = logging.getLogger("streamchat.turns")


class StageLog:
    """An Observer that writes. Each line carries its figures as fields too, for JSON logs.

    ``slow_seconds`` are those of processing, or in total, that are worth a warning; none are when it is 0.
    """

    def __init__(self, slow_seconds: float = 0.0) -> None:
        self._slow_seconds = slow_seconds
        self._known_as_slow: WeakSet[Turn] = WeakSet()

    def stage_left(self, turn: Turn, stage: Stage, seconds: float) -> None:
        if _logger.isEnabledFor(logging.DEBUG):
            _log(logging.DEBUG, "left stage", turn, {"stage": stage, "seconds": round(seconds, 3)})

    def turn_ended(self, turn: Turn) -> None:
        assert turn.ended is not None
        assert turn.ended_at is not None
        ended, level = turn.ended, _level_of_end(turn)
        if _logger.isEnabledFor(level):
            _log(level, "ended", turn, {**_end_fields(turn), "detail": ended.detail})
        if not turn.reader_count:  # nobody is left whose delivery would tell
            self._warn_if_slow(turn, _total_seconds(turn), lambda: _end_fields(turn))

    def delivered(self, turn: Turn, delivery: Delivery) -> None:
        if _logger.isEnabledFor(logging.INFO):
            _log(logging.INFO, "delivered", turn, _delivery_fields(turn, delivery))
        if turn.ended is not None:  # else its end, or whoever reads until then, will tell
            total_seconds = max(delivery.total_seconds, _total_seconds(turn))
            self._warn_if_slow(turn, total_seconds, lambda: _delivery_fields(turn, delivery))

    def _warn_if_slow(self, turn: Turn, total_seconds: float, fields: Callable[[], Mapping[str, object]]) -> None:
        """Once a turn, however many have read it. A processing that is too long makes the total so, too."""
        # A user who thought it over has not been kept waiting.
        if 0 < self._slow_seconds < total_seconds - turn.waited_seconds and turn not in self._known_as_slow:
            self._known_as_slow.add(turn)
            _log(logging.WARNING, "slow", turn, fields())


def _level_of_end(turn: Turn) -> int:
    assert turn.ended is not None
    if turn.ended.cause in ("error", "timeout"):
        return logging.WARNING
    # Whoever reads it will be told of as a delivery, with all that stands here.
    return logging.DEBUG if turn.ended.cause == "complete" and turn.reader_count else logging.INFO


def _end_fields(turn: Turn) -> dict[str, object]:
    assert turn.ended is not None
    return {
        "door": turn.rules.door,
        "cause": turn.ended.cause,
        "code": turn.ended.code,
        "reason": turn.ended.reason,
        "worker": turn.ended.worker,
        **_stage_seconds(turn),
        "total_seconds": round(_total_seconds(turn), 3),
        "characters": turn.characters,
        **_tokens(turn),
    }


def _delivery_fields(turn: Turn, delivery: Delivery) -> dict[str, object]:
    return {
        "door": delivery.door,
        "end": delivery.end,
        "code": delivery.code,
        "leaving": delivery.leaving,
        "resumed": delivery.resumed,
        "cause": "" if turn.ended is None else turn.ended.cause,
        "reason": "" if turn.ended is None else turn.ended.reason,
        **_stage_seconds(turn),
        "streaming_seconds": round(delivery.streaming_seconds, 3),
        "total_seconds": round(delivery.total_seconds, 3),
        "chunks": delivery.chunks,
        "characters": delivery.characters,
        "characters_per_second": _speed(delivery),
        **_tokens(turn),
    }


def _total_seconds(turn: Turn) -> float:
    """Accepted to the end, 0 before it."""
    return 0.0 if turn.ended_at is None else turn.ended_at - turn.accepted_at


def _stage_seconds(turn: Turn) -> dict[str, float | None]:
    """The stages that the turn has left; None for the others."""
    begun, over = turn.started_at, turn.answered_at or turn.ended_at
    return {
        "accepted_seconds": round(turn.rules.accepting_seconds, 3),
        "queued_seconds": None if begun is None else round(begun - turn.accepted_at, 3),
        "processing_seconds": None if begun is None or over is None else round(over - begun, 3),
        "waited_seconds": round(turn.waited_seconds, 3) or None,
    }


def _tokens(turn: Turn) -> dict[str, int]:
    usage = turn.usage
    if usage is None:
        return {}
    return {"prompt_tokens": usage.prompt_tokens, "completion_tokens": usage.completion_tokens}


def _speed(delivery: Delivery) -> float | None:
    speed = delivery.characters_per_second
    return None if speed is None else round(speed, 1)


def _log(level: int, event: str, turn: Turn, fields: Mapping[str, object]) -> None:
    known = {"turn_id": turn.id, "request_id": turn.rules.request_id, "caller": turn.owner, **fields}
    text = " ".join([f"{name}={value}" for name, value in known.items() if value is not None and value != ""])
    del known["request_id"]
    log_line(_logger, level, turn, "turn %s: %s", event, text, fields={"event": event, **known})
