"""Log lines about turns: with ids and times, without tokens, prompts and answers.

A question that goes well makes one line: "delivered", what its client was given and how long each stage took. An end
that no delivery will tell of, and one that is no answer, has a line of its own; stages are for debugging.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

from streamchat.turns.observer import Delivery, Stage
from streamchat.turns.turn import Turn

_logger = logging.getLogger("streamchat.turns")


class StageLog:
    """An Observer that writes. Each line carries its figures as fields too, for JSON logs."""

    def stage_left(self, turn: Turn, stage: Stage, seconds: float) -> None:
        if _logger.isEnabledFor(logging.DEBUG):
            _log(logging.DEBUG, "left stage", turn, {"stage": stage, "seconds": round(seconds, 3)})

    def turn_ended(self, turn: Turn) -> None:
        assert turn.ended is not None
        assert turn.ended_at is not None
        ended, level = turn.ended, _level_of_end(turn)
        if _logger.isEnabledFor(level):
            fields = {
                "cause": ended.cause,
                "code": ended.code,
                "reason": ended.reason,
                "worker": ended.worker,
                **_stage_seconds(turn),
                "total_seconds": round(turn.ended_at - turn.accepted_at, 3),
                "characters": turn.characters,
                "detail": ended.detail,
            }
            _log(level, "ended", turn, fields)

    def delivered(self, turn: Turn, delivery: Delivery) -> None:
        if _logger.isEnabledFor(logging.INFO):
            fields = {
                "door": delivery.door,
                "end": delivery.end,
                "leaving": delivery.leaving,
                "resumed": delivery.resumed,
                **_stage_seconds(turn),
                "streaming_seconds": round(delivery.streaming_seconds, 3),
                "total_seconds": round(delivery.total_seconds, 3),
                "chunks": delivery.chunks,
                "characters": delivery.characters,
                "characters_per_second": _speed(delivery),
            }
            _log(logging.INFO, "delivered", turn, fields)


def _level_of_end(turn: Turn) -> int:
    assert turn.ended is not None
    if turn.ended.cause in ("error", "timeout"):
        return logging.WARNING
    # Whoever reads it will be told of as a delivery, with all that stands here.
    return logging.DEBUG if turn.ended.cause == "complete" and turn.reader_count else logging.INFO


def _stage_seconds(turn: Turn) -> dict[str, float | None]:
    """The stages that the turn has left; None for the others."""
    begun, over = turn.started_at, turn.answered_at or turn.ended_at
    return {
        "accepted_seconds": round(turn.rules.accepting_seconds, 3),
        "queued_seconds": None if begun is None else round(begun - turn.accepted_at, 3),
        "processing_seconds": None if begun is None or over is None else round(over - begun, 3),
    }


def _speed(delivery: Delivery) -> float | None:
    seconds = delivery.streaming_seconds
    return round(delivery.characters / seconds, 1) if seconds > 0 else None


def _log(level: int, event: str, turn: Turn, fields: Mapping[str, object]) -> None:
    known = {"turn_id": turn.id, "request_id": turn.rules.request_id, "caller": turn.owner, **fields}
    text = " ".join([f"{name}={value}" for name, value in known.items() if value is not None and value != ""])
    _logger.log(level, "turn %s: %s", event, text, extra={"event": event, **known})
