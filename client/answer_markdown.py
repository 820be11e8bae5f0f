"""Markdown that is still arriving, for a terminal: which part of it is final, and how it looks. Pure but for rich.

HTML is shown as it was written, never hidden; line breaks stay line breaks; the address of a link is shown.
"""

from __future__ import annotations

from typing import ClassVar

from markdown_it import MarkdownIt
from markdown_it.token import Token
from rich.console import Console, ConsoleOptions, JustifyMethod, RenderResult
from rich.markdown import Heading, Markdown, MarkdownElement
from rich.segment import Segment
from rich.text import Text

from streamchat.client.safe_text import safe

# Characters: the last block is read again for each line and each refresh.
LONGEST_BLOCK = 3_000

# Levels. The parser leaves out without a word what lies deeper, and counts two for each item of a list.
DEEPEST = 60

_PARSER = MarkdownIt("commonmark", {"html": False, "maxNesting": DEEPEST}).enable("strikethrough").enable("table")


def split_final(text: str) -> tuple[str, str]:
    """The blocks that what follows cannot change, and the last block, which it can.

    A last block that is very long is cut at a line's end all the same, and a cut block of code is opened again.
    """
    blocks = [token for token in _PARSER.parse(text) if token.level == 0 and token.map and token.nesting >= 0]
    starts = [token.map[0] for token in blocks if token.map]
    lines = text.split("\n")
    if len(text) > LONGEST_BLOCK and len(lines) > starts[-1] + 2:
        fence = [lines[starts[-1]]] if blocks[-1].type == "fence" else []
        return _joined(lines[:-1]), "\n".join([*fence, lines[-1]])
    return ("", text) if len(starts) < 2 else (_joined(lines[: starts[-1]]), "\n".join(lines[starts[-1] :]))


def _joined(lines: list[str]) -> str:
    return "\n".join(lines) + "\n"


class AnswerMarkdown:
    """The text as rich shows it, without blank lines around it; safe for a terminal, whatever it says."""

    def __init__(self, text: str) -> None:
        self._markdown: _Markdown | Text = _Markdown("", code_theme="ansi_dark", hyperlinks=False)
        tokens = [_for_reading(token) for token in _PARSER.parse(safe(text))]
        if max((token.level for token in tokens), default=0) < DEEPEST - 2:
            self._markdown.parsed = tokens
        else:  # something may be missing: as it was written, then
            self._markdown = Text(safe(text))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        lines = console.render_lines(self._markdown, options.update(height=None), pad=False)
        full = [number for number, line in enumerate(lines) if any(segment.text.strip() for segment in line)]
        for line in lines[full[0] : full[-1] + 1] if full else ():
            yield from line
            yield Segment.line()


class _Heading(Heading):
    """Every heading begins at the left, as what follows it does."""

    LEVEL_ALIGN: ClassVar[dict[str, JustifyMethod]] = {}


class _Markdown(Markdown):
    elements: ClassVar[dict[str, type[MarkdownElement]]] = {**Markdown.elements, "heading_open": _Heading}


def _for_reading(token: Token) -> Token:
    for child in token.children or ():
        if child.type == "softbreak":
            child.type = "hardbreak"
        child.content = safe(child.content)  # an entity may have become a control character
    return token
