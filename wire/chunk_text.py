"""A chunk of the answer as JSON text, written from a template: nearly all frames are chunks.

The same text as JSON of the chunk's payload, at a third of the cost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from json.encoder import encode_basestring
from operator import itemgetter

from streamchat.presenting.frames import Chunk

# Where each field's value stands in what the template is filled from; the event's id comes last.
_PLACES = {
    "data": 0,
    "chunk_number": 1,
    "progress": 2,
    "streaming_progress": 2,
    "total_length": 3,
    "current_position": 4,
}
_STREAM, _NUMBER = 5, 6


class ChunkTemplate:
    """Writes chunks that tell ``fields``, between ``before`` and ``after``, which closes the object.

    In ``after`` the first ``%s`` stands for the stream's id that the writer is given, the second for the chunk's
    number. Non-ASCII stays as it is, ends of lines of other alphabets too.
    """

    __slots__ = ("_known", "_places", "_unknown")

    def __init__(self, fields: tuple[str, ...], before: str = "", after: str = "}") -> None:
        names = ("data", *(name for name in fields if name in _PLACES))
        self._places = itemgetter(*(_PLACES[name] for name in names), *(_STREAM, _NUMBER)[: after.count("%s")])
        self._known = before + _template(fields, {"progress": "%.1f", "streaming_progress": "%.1f"}) + after
        self._unknown = before + _template(fields, {}) + after

    def write(self, chunk: Chunk, stream: str = "") -> str:
        """One chunk."""
        text, number, chunk_number, position, total, _ = chunk
        data = encode_basestring(text)
        if total is None:
            told: object = self._places((data, chunk_number, "null", "null", position, stream, number))
            return self._unknown % told
        told = self._places((data, chunk_number, 100.0 * position / total, total, position, stream, number))
        return self._known % told

    def write_run(self, chunks: Sequence[Chunk], stream: str = "") -> str:
        """Chunks of one answer, one after the other."""
        if len(chunks) == 1:
            return self.write(chunks[0], stream)
        if chunks[0].total is None:
            # It may be known further on.
            return "".join([self.write(chunk, stream) for chunk in chunks])
        told: list[object] = []
        for text, number, chunk_number, position, total, _ in chunks:
            assert total is not None
            percent = 100.0 * position / total
            told += self._places((encode_basestring(text), chunk_number, percent, total, position, stream, number))
        return self._known * len(chunks) % tuple(told)


@cache
def chunk_template(fields: tuple[str, ...], before: str = "", after: str = "}") -> ChunkTemplate:
    """The one template of its kind."""
    return ChunkTemplate(fields, before, after)


def _template(fields: tuple[str, ...], formats: Mapping[str, str]) -> str:
    told = [
        '"is_complete":false' if name == "is_complete" else f'"{name}":{formats.get(name, "%s")}' for name in fields
    ]
    return ",".join(['{"success":true,"data":%s,"status":"streaming"', *told])
