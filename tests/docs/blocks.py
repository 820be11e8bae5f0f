"""The code blocks of a page, each with the reason for which it is not run, where it says one.

A block that cannot be run here has a comment before it: ``<!-- not run: why -->``. Readers of the page don't see it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

CHECKOUT = Path(__file__).resolve().parents[2]
PAGES = [CHECKOUT / "README.md", CHECKOUT / "README.zh-CN.md", *sorted((CHECKOUT / "docs").glob("*.md"))]

_REASON = re.compile(r"<!-- not run: (.+?) -->\s*", re.DOTALL)
_NAME = re.compile(r"(?:#|//) ([\w.-]+\.\w+)\n")
_COMMAND = re.compile(
    r"(?:\$ )?(?:[A-Z_]+=\S+ )*(?:\S*/)?(?:streamchat|streamchat-client|curl|python3?|pip|node|scripts/\w+) "
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A code block: the language it says it is in ("" of an indented one), its text, its first line in the page."""

    language: str
    text: str
    line: int
    reason: str

    @property
    def name(self) -> str:
        """The file that the block is, by its first line; "" when it is none."""
        found = _NAME.match(self.text)
        return found[1] if found else ""

    @property
    def is_command(self) -> bool:
        """Whether somebody would type this. In capitals is what they would put something else for: a synopsis."""
        return bool(_COMMAND.match(self.text)) and not re.search(r" (NAME|PATH|USERNAME)\b", self.text)


def blocks_of(page: Path) -> list[Block]:
    """All of them, in order."""
    return list(_blocks(MarkdownIt().enable("table").parse(page.read_text(encoding="utf-8"))))


def _blocks(tokens: list[Token]) -> Iterator[Block]:
    reason = ""
    for token in tokens:
        if token.type in ("fence", "code_block"):
            language = token.info.strip() if token.type == "fence" else ""
            assert token.map is not None
            yield Block(language=language, text=token.content, line=token.map[0] + 1, reason=reason)
        found = _REASON.fullmatch(token.content) if token.type == "html_block" else None
        reason = found[1] if found else ""
