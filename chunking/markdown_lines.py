"""What kind of line begins here: prose, or one that is never cut inside.

Fences follow CommonMark 0.31 section 4.5 and tables GFM section 4.10, with any indentation, because models indent both
inside list items. Knows no chunks.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_CONTAINER = r"[ \t>]{0,64}(?:(?:[-*+]|\d{1,9}[.)])[ \t]{1,8}){0,3}"
_CONTAINER_BEGUN = re.compile(_CONTAINER + r"(?:[-*+]|\d{1,9}[.)]?)?(?:`{1,2}|~{1,2})?")
_FENCE = re.compile(_CONTAINER + r"(`{3,}|~{3,})([^\n\r]*)")
_ROW = re.compile(_CONTAINER + r"\|")
_DELIMITER_ROW = re.compile(r"[ \t>]{0,64}\|?(?:[ \t]*:?-+:?[ \t]*\|)+(?:[ \t]*:?-+:?)?[ \t]*")
_BARE_FENCE = re.compile(r"[ \t>]{0,64}(`{3,}|~{3,})[ \t]*")
_LONGEST_DELIMITER_ROW = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """What the lines above have begun: a fence by its marker (empty: none), or the body of a table."""

    fence: str = ""
    table: bool = False


def is_solid(text: str, begin: int, block: Block, *, final: bool) -> bool | None:
    """Whether the line that begins at ``begin`` is never cut inside; None when too little of it has come."""
    if block.fence or block.table:
        return True
    if not final and _CONTAINER_BEGUN.fullmatch(text, begin):
        return None
    return _FENCE.match(text, begin) is not None or _ROW.match(text, begin) is not None


def block_after(line: str, block: Block) -> Block:
    """What goes on after ``line`` (a whole line, line endings included, blank lines after it too)."""
    content = line.partition("\n")[0].rstrip("\r")
    if block.fence:
        return Block() if _closes(content, block.fence) else block
    fence = _FENCE.match(content)
    if fence and not (fence[1][0] == "`" and "`" in fence[2]):
        return Block(fence=fence[1])
    if line.count("\n") > 1:
        return Block()
    starts_table = len(content) < _LONGEST_DELIMITER_ROW and _DELIMITER_ROW.fullmatch(content)
    return Block(table=block.table or bool(starts_table))


def _closes(content: str, fence: str) -> bool:
    bare = _BARE_FENCE.fullmatch(content)
    return bare is not None and bare[1].startswith(fence)
