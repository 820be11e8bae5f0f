"""Whether a run of stops (``.``, ``?!``, ``……``, ``。``) ends the sentence, from what stands before and after it.

Every function reads a bounded piece of the text around the run and answers a position, GO_ON or WAIT. Knows no lists,
no brackets and no state.
"""

from __future__ import annotations

import re

from streamchat.chunking.abbreviated import ends_with_plain_word, is_abbreviation
from streamchat.chunking.clusters import extends
from streamchat.chunking.sentence_signs import BLANKS, CLOSING, CONTINUING, FULL_STOPS, NEWLINES, OPENING, PAIRED, STOPS
from streamchat.chunking.waiting import GO_ON, WAIT

# The bounds keep a run of stops or blanks that never ends from being read again and again.
RUN = re.compile(f"[{re.escape(STOPS + FULL_STOPS)}]{{1,64}}(?: \\.){{0,16}}")
_BLANK_RUN = re.compile(f"[{BLANKS}]{{0,64}}")
_FULL_STOP = re.compile(f"[{FULL_STOPS}]")
_OPENING_RUN = re.compile(f"(?:[{re.escape(OPENING)}]|[-–—]{{1,3}}[ ]?){{0,8}}")
_WORD_I = re.compile(r"I\b")
_CLOSING = frozenset(CLOSING)
_EITHER = frozenset("\"'“‘*_~")
# Matches to the end of the text as well: then too little has come to tell.
_REFERENCE = re.compile(r"\[\^?(?:\Z|\d{1,3}(?:\]|\Z))")
# The label of an item in running text: (a), b), 3); to the end of the text likewise.
_LABEL = re.compile(r"\(?(?:[a-z]|[ivx]{1,4}|\d{1,2})(?:\)\s|\)?\Z)|\(\Z")
_CLOSING_LIMIT = 16
_PARITY_REACH = 1000
# Marks that carry a sentence on after a stop and a blank.
_CARRYING = frozenset("&,;:/=+.…|)»›%")
_FIRST_WIDE = "\u2e80"


def sentence_end(text: str, start: int, at: int, stop: int, *, final: bool) -> int:
    """The end of the sentence that began at ``start``, if the run of stops in ``[at, stop)`` ends it."""
    after = _after_closing(text, start, stop)
    blank = _BLANK_RUN.match(text, after)
    begin = blank.end() if blank else after
    if begin == len(text):
        return begin if final else WAIT
    if text[begin] in NEWLINES or extends(text, begin):
        return GO_ON
    if _FULL_STOP.search(text, at, stop):
        return _after_full_stop(text, stop, after, begin, final)
    if begin == after:
        return _when_touching(text, at, stop, begin)
    return _when_spaced(text, start, at, stop, begin, final)


def _after_closing(text: str, start: int, at: int) -> int:
    """Past the marks, and references like [1], that belong to what has just ended."""
    last = min(len(text), at + _CLOSING_LIMIT)
    while at < last:
        mark, following = text[at], text[at + 1 : at + 2]
        if mark in _EITHER and at + len(_mark_run(text, at)) == len(text):
            return len(text)  # what follows decides what it is
        if mark in _CLOSING or (mark == "'" and not following.isalnum()) or (mark in "“‘" and following.isspace()):
            at += 1
        elif mark in PAIRED and _closes(text, start, at):
            at += len(_mark_run(text, at))
        elif mark == "[" and (reference := _REFERENCE.match(text, at)):
            at = reference.end()
        else:
            break
    return at


def _closes(text: str, start: int, at: int) -> bool:
    """Whether the quotation or emphasis mark at ``at`` closes: a blank follows, or one before it has opened."""
    mark = _mark_run(text, at)
    if text[at - 1] in STOPS + FULL_STOPS and text[at + len(mark) : at + len(mark) + 1].isspace():
        return True
    return text.count(mark, max(start, at - _PARITY_REACH, 0), at) % 2 == 1


def _mark_run(text: str, at: int) -> str:
    return text[at] if text[at] == '"' or text[at + 1 : at + 2] != text[at] else text[at] * 2


def _after_full_stop(text: str, stop: int, after: int, begin: int, final: bool) -> int:
    following = text[begin]
    if following in CONTINUING or (text[stop - 1] == "．" and following.isdigit()):
        return GO_ON
    if after > stop and following in "とっ":  # a quotation in Japanese is followed by と or って
        if following == "っ" and begin + 1 == len(text) and not final:
            return WAIT
        return GO_ON if following == "と" or text.startswith("って", begin) else begin
    return begin


def _when_touching(text: str, at: int, stop: int, begin: int) -> int:
    """Without a blank only scripts that write none begin a sentence: 3.14, example.com and v2.0 go on."""
    if text[begin] < _FIRST_WIDE or text[begin] in CONTINUING:
        return GO_ON
    if text[stop - 1] in "!?‼⁇⁈⁉":
        return begin
    return begin if stop - at == 1 and text[at] == "." and text[at - 1 : at] >= _FIRST_WIDE else GO_ON


def _when_spaced(text: str, start: int, at: int, stop: int, begin: int, final: bool) -> int:
    opening = _OPENING_RUN.match(text, begin)
    first = opening.end() if opening else begin
    if first == len(text):
        return begin if final else WAIT
    if text[begin] in PAIRED and _closes(text, start, begin):
        return GO_ON
    letter = text[first]
    label = _LABEL.match(text, begin)
    if label and label.end() == len(text) and not final:
        return WAIT
    if label and ")" in label[0]:
        return begin
    if letter.islower():
        alone = first == begin and text[at:stop] == "." and text[stop].isspace()
        return begin if alone and ends_with_plain_word(text, start, at) else GO_ON
    if letter in _CARRYING:
        return GO_ON
    if stop - at == 1 and text[at] == ".":
        abbreviation = is_abbreviation(text, start, at, first, final=final)
        return WAIT if abbreviation is None else GO_ON if abbreviation else begin
    if text[stop - 1] in ".…":
        return _after_ellipsis(text, start, at, stop, begin, first, final)
    return begin


def _after_ellipsis(text: str, start: int, at: int, stop: int, begin: int, first: int, final: bool) -> int:
    if at == start or text[at - 1 : at] == "[" or text[first].isdigit():
        return GO_ON
    if text.startswith(". . . .", at) and text[at - 1 : at].isalnum() and text[stop].isspace():
        return at + 2  # a full stop, and then three dots that open the next sentence
    if text.startswith("....", at) or text.startswith(". . . .", at):
        return begin
    if text[first] == "I" and first + 1 == len(text) and not final:
        return WAIT
    return GO_ON if _WORD_I.match(text, first) else begin
