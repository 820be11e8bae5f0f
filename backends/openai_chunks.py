"""The JSON of one answer's chunks. Nearly all of them differ in their text alone, and that is read without the rest."""

from __future__ import annotations

from typing import Any, Final

from pydantic_core import from_json

_KEYS: Final = (b'"content":"', b'"content": "')
# As numbers: Python takes longer to find a byte that is given as bytes.
_QUOTE: Final = 0x22
_BACKSLASH: Final = 0x5C
# Texts to try a template with. Two, because one may be the text that it was made of.
_TRIALS: Final = ("a", "b")


class ChunkReader:
    """Reads the events of one answer, in their order.

    What stood before and after the text of two events is a template: of an event that fits it, only the text is read.
    """

    __slots__ = ("_after", "_before", "_chunk", "_delta")

    def __init__(self) -> None:
        self._before = self._after = b""
        self._chunk: object = None
        self._delta: dict[str, Any] | None = None  # of the chunk, once there is a template

    def read(self, event: bytes) -> object:
        """The event as JSON; it may be the object of an event before, with another text. ValueError if it is none."""
        delta, before, after = self._delta, self._before, self._after
        if delta is not None and event.startswith(before) and event.endswith(after):
            raw = event[len(before) : -len(after)]
            # One with an escape in it is left to those who know JSON, and so is a control character, which is an error.
            if len(event) >= len(before) + len(after) and _BACKSLASH not in raw and _QUOTE not in raw:
                text = raw.decode()
                if text.isprintable():
                    delta["content"] = text
                    return self._chunk
        chunk = from_json(event)
        self._learn(event, chunk)
        return chunk

    def _learn(self, event: bytes, chunk: object) -> None:
        delta = _delta_of(chunk)
        if delta is None or not delta["content"]:
            return
        for key in _KEYS:
            before, found, after = event.partition(key + delta["content"].encode() + b'"')
            if found:
                before, after = before + key, b'"' + after
                has_come_twice = before == self._before and after == self._after
                self._before, self._after = before, after
                self._chunk = _template(before, after, chunk, delta["content"]) if has_come_twice else None
                self._delta = _delta_of(self._chunk)
                return


def _template(before: bytes, after: bytes, chunk: object, text: str) -> object:
    """The chunk again, if any text between the two would be its text; None if not: the same may stand elsewhere."""
    template: object = None
    for trial in _TRIALS:
        template = from_json(before + trial.encode() + after)
        delta = _delta_of(template)
        if delta is None or delta["content"] != trial:
            return None
        delta["content"] = text
        if template != chunk:
            return None
    return template


def _delta_of(chunk: Any) -> dict[str, Any] | None:  # noqa: ANN401
    """What has the text of the chunk, if it has one."""
    try:
        delta = chunk["choices"][0]["delta"]
        return delta if isinstance(delta["content"], str) else None
    except (TypeError, KeyError, IndexError):
        return None
