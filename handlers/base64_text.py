"""Base64 (RFC 4648, section 4) of megabytes, decoded without holding up the loop."""

from __future__ import annotations

import asyncio
import binascii

# Decoded at a time; a multiple of four characters, and 1 ms of work.
_SLICE_CHARACTERS = 524_288


async def decoded(content: str) -> bytes | None:
    """The bytes of it; None when it is no base64. Lets others go on between two slices."""
    if len(content) % 4:
        return None
    data = bytearray()
    try:
        for start in range(0, len(content), _SLICE_CHARACTERS):
            piece = content[start : start + _SLICE_CHARACTERS]
            if "=" in piece[:-2] or (piece.endswith("=") and start + len(piece) < len(content)):
                return None
            data += binascii.a2b_base64(piece, strict_mode=True)
            await asyncio.sleep(0)
    except ValueError:
        return None
    return bytes(data)


def decoded_bytes(content: str) -> int:
    """How many bytes it will be."""
    return len(content) * 3 // 4 - (content[-2:].count("="))
