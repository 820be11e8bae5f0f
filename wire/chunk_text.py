"""A chunk of the answer as JSON text, written from a template: nearly all frames are chunks.

The same text as JSON of the chunk's payload, at a third of the cost, and of many chunks at a seventh.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from json.encoder import encode_basestring
from operator import itemgetter
from typing import Final

from streamchat.presenting.frames import Chunk
from streamchat.presenting.permille import PERMILLE, permille_of

# Where each value stands in what a template is filled from; the event's id comes last.
_DATA: Final = 0
_CHUNK_NUMBER: Final = 1
_PROGRESS: Final = 2
_TOTAL: Final = 3
_POSITION: Final = 4
_STREAM: Final = 5
_NUMBER: Final = 6
_CONSTANT: Final = (_TOTAL, _STREAM)
_PLACES: Final = {
    "data": _DATA,
    "chunk_number": _CHUNK_NUMBER,
    "progress": _PROGRESS,
    "streaming_progress": _PROGRESS,
    "total_length": _TOTAL,
    "current_position": _POSITION,
}
_ESCAPED: Final = bytes(range(0x20)) + b'"\\'
# A number of tenths is the place of its text.
_PERCENTS: Final = [str(tenths / 10) for tenths in range(PERMILLE + 1)]


class ChunkTemplate:
    """Writes chunks that tell ``fields``, between ``before`` and ``after``, which closes the object.

    In ``after`` the first ``%s`` stands for the stream's id that the writer is given, the second for the chunk's
    number. Non-ASCII stays as it is, ends of lines of other alphabets too.
    """

    __slots__ = ("_constants", "_run", "_template", "_told", "_variables")

    def __init__(self, fields: tuple[str, ...], before: str = "", after: str = "}") -> None:
        names = ("data", *(name for name in fields if name in _PLACES))
        places = (*(_PLACES[name] for name in names), *(_STREAM, _NUMBER)[: after.count("%s")])
        told = ['"is_complete":false' if name == "is_complete" else f'"{name}":%s' for name in fields]
        self._template = before + ",".join(['{"success":true,"data":%s,"status":"streaming"', *told]) + after
        self._told = itemgetter(*places)
        # What is the same for all chunks of a run is filled in first; the quotes of the text are the template's then.
        self._constants = [place for place in places if place in _CONSTANT]
        self._variables = [place for place in places if place not in _CONSTANT]
        first, *others = self._template.split("%s")
        signs = ('"%%s"', *("%s" if place in _CONSTANT else "%%s" for place in places[1:]))
        self._run = first + "".join(sign + text for sign, text in zip(signs, others, strict=True))

    def write(self, chunk: Chunk, stream: str = "") -> str:
        """One chunk."""
        text, number, chunk_number, position, total, _ = chunk
        percent = "null" if total is None else _PERCENTS[permille_of(position, total)]
        total_told = "null" if total is None else total
        values = (encode_basestring(text), chunk_number, percent, total_told, position, stream, number)
        told: str = self._template % self._told(values)
        return told

    def write_run(self, chunks: Sequence[Chunk], stream: str = "") -> str:
        """Chunks of one answer, one after the other. By columns: what can be done to all at once costs little each."""
        total = chunks[0].total
        if len(chunks) == 1 or total is None:
            # It may be known further on.
            return "".join([self.write(chunk, stream) for chunk in chunks])
        constants = [str(total) if place == _TOTAL else stream for place in self._constants]
        first, *others = (self._run % tuple(constants)).split("%s")
        row: list[str] = []
        for text in others:
            row += ("", text)
        # The end of each and the beginning of the next are one piece.
        row[-1] += first
        parts = [first, *row * len(chunks)]
        texts, numbers, chunk_numbers, positions, _, _ = zip(*chunks, strict=True)
        # repr and not str: of an int the same, at a third of the cost.
        for at, place in enumerate(self._variables):
            column: Iterable[str]
            if place == _DATA:
                column = texts if _is_plain("".join(texts)) else [encode_basestring(text)[1:-1] for text in texts]
            elif place == _PROGRESS:
                column = [_PERCENTS[permille_of(position, total)] for position in positions]
            elif place == _POSITION:
                column = map(repr, positions)
            elif place == _CHUNK_NUMBER:
                column = map(repr, chunk_numbers)
            else:
                column = map(repr, numbers)
            parts[2 * at + 1 :: len(row)] = column
        parts[-1] = others[-1]
        return "".join(parts)


@cache
def chunk_template(fields: tuple[str, ...], before: str = "", after: str = "}") -> ChunkTemplate:
    """The one template of its kind."""
    return ChunkTemplate(fields, before, after)


def _is_plain(text: str) -> bool:
    """Whether the text stands in JSON as it is (RFC 8259, section 7)."""
    data = text.encode()
    return len(data.translate(None, _ESCAPED)) == len(data)
