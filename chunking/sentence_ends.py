"""Finds where sentences end, online: in any script, with the white space after them.

Stops at the few characters that can matter and asks the rules about each. A newline always ends a sentence, after the
run of newlines. Nothing ends inside brackets, East Asian quotation marks or backticks that close within 80 characters.
The rules are measured against published sets in the tests; the sources are named there.
"""

from __future__ import annotations

import re

from streamchat.chunking.items import begins_item, following_marker, sign_of
from streamchat.chunking.sentence_signs import BULLETS, CODE_POINTS_QUOTED, FULL_STOPS, NEWLINES, QUOTES, STOPS
from streamchat.chunking.stops import RUN, sentence_end
from streamchat.chunking.waiting import GO_ON, WAIT

_CERTAIN = re.escape(NEWLINES + FULL_STOPS + "".join(QUOTES) + "`")
_GREEK_QUESTION = r"(?<=[\u0370-\u03ff\u1f00-\u1fff]);"
# Most stops that end nothing are passed over here, where it costs least: 3.14, example.com, "well... so".
_SIGN = re.compile(rf"[{_CERTAIN}]|[{re.escape(STOPS)}](?![0-9A-Za-z])|{_GREEK_QUESTION}")
_SIGN_IN_ITEM = re.compile(rf"[{_CERTAIN}{re.escape(STOPS)}{BULLETS})]|{_GREEK_QUESTION}")
_NEWLINE_RUN = re.compile(rf"(?:\r\n|[{NEWLINES}])(?:[ \t]{{0,16}}(?:\r\n|[{NEWLINES}])){{0,31}}")
_INDENTATION = 16
_NEWLINE = re.compile(f"[{NEWLINES}]")
_HELD = frozenset("`").union(QUOTES)
_BACKTICKS = re.compile("`{1,64}")


def end_of_newlines(text: str, at: int, *, final: bool) -> int:
    """Where the run of newlines ends that begins at ``at``, blank lines included but no indentation; or WAIT."""
    run = _NEWLINE_RUN.match(text, at)
    end = run.end() if run else at + 1
    undecided = len(text) - end <= _INDENTATION and not text[end:].strip(" \t") and not final
    return WAIT if undecided else end


class SentenceEnds:
    """Ends for Pieces: one sentence a piece."""

    __slots__ = ("_at", "_marker", "_start", "decided")

    def __init__(self) -> None:
        self.decided = -1
        self._start = 0  # where the sentence in hand began
        self._at = 0  # nothing before this is looked at again
        self._marker: str | None = None  # what begins the next list item; None: not known yet

    def next_end(self, text: str, *, final: bool) -> int:
        if not self._knows_marker(text, final):
            return WAIT
        sign = _SIGN_IN_ITEM if self._marker else _SIGN
        while found := sign.search(text, self._at):
            self._at = found.start()
            end = self._end_at(text, self._at, final)
            if end == WAIT:
                self._decide_up_to(found.start() if text[self._at] not in _HELD else _next_sign(sign, text, self._at))
                return WAIT
            if end != GO_ON:
                return self.begin(end)
        self._at = len(text)
        self._decide_up_to(len(text))
        return self.begin(len(text)) if final else WAIT

    def begin(self, start: int) -> int:
        """A new sentence begins at ``start``."""
        self._start = self._at = start
        self._marker = None
        self.decided = start
        return start

    def shift(self, count: int) -> None:
        self._start -= count
        self._at -= count
        self.decided -= count

    def _knows_marker(self, text: str, final: bool) -> bool:
        if self._marker is None and self._start < len(text):
            self._marker = following_marker(text, self._start, final=final)
        return self._marker is not None or final

    def _decide_up_to(self, sign: int) -> None:
        """Nothing ends up to the sign at ``sign``; but an item's marker may begin before it."""
        self.decided = sign - sign_of(self._marker) - 1 if self._marker else sign

    def _end_at(self, text: str, at: int, final: bool) -> int:
        """The end that the sign at ``at`` makes; else GO_ON, with what was looked at behind us."""
        if self._marker:
            begin = at - sign_of(self._marker)
            item = begins_item(text, begin, self._marker, final=final) if begin > self._start else False
            if item is not False:
                return WAIT if item is None else begin
        mark = text[at]
        if mark in NEWLINES:
            return end_of_newlines(text, at, final=final)
        if mark in QUOTES or mark == "`":
            return self._after_quote(text, at, final)
        return self._after_stops(text, at, final)

    def _after_stops(self, text: str, at: int, final: bool) -> int:
        run = RUN.match(text, at)
        stop = run.end() if run else at + 1
        end = sentence_end(text, self._start, at, stop, final=final) if run or text[at] == ";" else GO_ON
        if end == GO_ON:
            self._at = stop
        return end

    def _after_quote(self, text: str, at: int, final: bool) -> int:
        opening = _BACKTICKS.match(text, at)
        inside = opening.end() if opening else at + 1
        closing = opening[0] if opening else QUOTES[text[at]]
        close = text.find(closing, inside, inside + CODE_POINTS_QUOTED)
        line_ends = _NEWLINE.search(text, inside, inside + CODE_POINTS_QUOTED if close < 0 else close)
        if close < 0 and line_ends is None and len(text) < inside + CODE_POINTS_QUOTED and not final:
            return WAIT
        if close < 0 or line_ends:
            self._at = inside
            return GO_ON
        end = self._after_quoted_stop(text, at, close, final)
        if end == GO_ON:
            self._at = close + len(closing)
        return end

    def _after_quoted_stop(self, text: str, at: int, close: int, final: bool) -> int:
        """What is quoted may end with a sentence; a title (《…！》) or an aside in mid-sentence does not."""
        last = text[close - 1]
        if text[at] == "`" or last not in STOPS + FULL_STOPS or last in ".…":
            return GO_ON
        if (text[at] in "《〈" and last not in "。｡") or (text[at] in "（【" and at > self._start):
            return GO_ON
        return sentence_end(text, self._start, close - 1, close, final=final)


def _next_sign(sign: re.Pattern[str], text: str, at: int) -> int:
    found = sign.search(text, at + 1)
    return found.start() if found else len(text)
