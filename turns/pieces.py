"""An answer that comes in pieces: each of them becomes facts. Knows no executor."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator
from contextlib import aclosing, closing, nullcontext
from typing import Any, Final

from streamchat.turns.emitter import Emitter
from streamchat.turns.whole_text import NotText, whole_text

# A longer piece is handed on in parts of this size: reading one fact must not hold up whoever shows it.
MAX_PIECE_CHARACTERS: Final = 2_048
# Of an async source that has them all at hand.
PIECES_AT_ONCE: Final = 64


def emit_all(pieces: Iterator[Any], emitter: Emitter) -> None:
    """Emit each piece; whatever becomes of it, a generator is closed. Raises NotText."""
    with closing(pieces) if isinstance(pieces, Generator) else nullcontext():
        for piece in pieces:
            _emit_piece(piece, emitter)


async def emit_async(pieces: AsyncIterator[Any], emitter: Emitter) -> None:
    """The same for an async source, on the running loop."""
    async with aclosing(pieces) if isinstance(pieces, AsyncGenerator) else nullcontext():
        count = 0
        async for piece in pieces:
            _emit_piece(piece, emitter)
            count += 1
            if count % PIECES_AT_ONCE == 0:
                # A source that never has to wait would hold its loop for good, and could not be stopped.
                await asyncio.sleep(0)


def _emit_piece(piece: Any, emitter: Emitter) -> None:  # noqa: ANN401
    if not isinstance(piece, str):
        raise NotText("yielded", piece)
    # Asked here, because nearly every piece is so.
    text = piece if type(piece) is str and piece.isascii() else whole_text(piece)
    if len(text) > MAX_PIECE_CHARACTERS:
        for start in range(0, len(text), MAX_PIECE_CHARACTERS):
            emitter.emit(text[start : start + MAX_PIECE_CHARACTERS])
    elif text:
        emitter.emit(text)
