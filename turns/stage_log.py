"""A log line for every stage of a turn: with ids and times, without tokens, prompts and answers."""

from __future__ import annotations

import logging

from streamchat.turns.observer import Delivery, Stage
from streamchat.turns.turn import Turn

_logger = logging.getLogger("streamchat.turns")


class StageLog:
    """An Observer that writes. Each line carries its figures as fields too, for JSON logs."""

    def stage_left(self, turn: Turn, stage: Stage, seconds: float) -> None:
        _log(logging.INFO, "left stage", turn, stage=stage, seconds=round(seconds, 3))

    def turn_ended(self, turn: Turn) -> None:
        assert turn.ended is not None
        ended = turn.ended
        level = logging.WARNING if ended.cause in ("error", "timeout") else logging.INFO
        _log(
            level,
            "ended",
            turn,
            cause=ended.cause,
            code=ended.code,
            reason=ended.reason,
            worker=ended.worker,
            characters=turn.characters,
            detail=ended.detail,
        )

    def delivered(self, turn: Turn, delivery: Delivery) -> None:
        _log(
            logging.INFO,
            "delivered",
            turn,
            door=delivery.door,
            resumed=delivery.resumed,
            leaving=delivery.leaving,
            end=delivery.end,
            seconds=round(delivery.total_seconds, 3),
            streaming_seconds=round(delivery.streaming_seconds, 3),
            chunks=delivery.chunks,
            sent_characters=delivery.characters,
        )


def _log(level: int, event: str, turn: Turn, **fields: object) -> None:
    if not _logger.isEnabledFor(level):
        return
    known = {"turn_id": turn.id, "request_id": turn.rules.request_id, "caller": turn.owner, **fields}
    text = " ".join(f"{name}={value}" for name, value in known.items() if value not in ("", None))
    _logger.log(level, "turn %s: %s", event, text, extra={"event": event, **known})
