"""Whether a full stop belongs to an abbreviation, an initial or a number rather than to the sentence.

Reads the word before the stop and, only where that leaves it open, the word after it.
"""

from __future__ import annotations

import re

from streamchat.chunking import abbreviations as words

_REACH = 32
_PLAIN = 4
_OPENERS = "\"'“‘„«([{¿¡*_#•⁃"
# What stands alone before a stop at the begin of a sentence is the number of a list item.
_ITEM = re.compile(r"[\s•⁃‣◦▪*_#>(\[-]{0,8}(?:\d{1,3}|[A-Za-z]|[ivxIVX]{1,5})")
_ELISION = re.compile(r"(?:dell|all|nell|sull|dall|l|d)['’]")
_DOTTED = re.compile(r"[^\W\d_]{1,3}(?:\.-?[^\W\d_]{1,3})+")
_NEXT_WORD = re.compile(r"[^\W\d_]{1,24}(?:['’][^\W\d_]{1,3})?")
_TIME_PHRASE = re.compile(
    r"\W{0,3}(?:at|by|around|about|before|after|until|from|since|on)\s[\w\s:,.–-]{1,24}", re.IGNORECASE
)


def is_abbreviation(text: str, start: int, at: int, following: int, *, final: bool) -> bool | None:
    """Whether the stop at ``at``, followed by a blank and a word at ``following``, ends no sentence; None is WAIT."""
    begin = max(start, at - _REACH, 0)
    before = text[begin:at]
    if not before or before[-1].isspace():
        return False
    if begin == start and _ITEM.fullmatch(before):
        return True
    word = _ELISION.sub("", before.rsplit(None, 1)[-1].lstrip(_OPENERS))
    if not word:
        return False
    if text[following].isdigit():
        return _before_number(word)
    return _before_word(text, start, at, word, following, final)


def ends_with_plain_word(text: str, start: int, at: int) -> bool:
    """Whether the stop at ``at`` follows a word so plain that a sentence ends even if the next begins in lower case."""
    word = text[max(start, at - _REACH, 0) : at].rpartition(" ")[2].lower()
    if len(word) < _PLAIN:
        return word in words.SHORT_AND_PLAIN
    return word.replace("'", "").isalpha() and word not in words.ALL


def _before_number(word: str) -> bool:
    key = word.lower()
    return key in words.BEFORE_A_NUMBER or _is_title(word, key) or _DOTTED.fullmatch(key) is not None


def _before_word(text: str, start: int, at: int, word: str, following: int, final: bool) -> bool | None:
    key = word.lower()
    if _is_title(word, key):
        return True
    if not _may_end(word, key):
        return False
    found = _NEXT_WORD.match(text, following)
    if found is None:
        return not text[following].isspace() and len(word) == 1
    if len(text) - found.end() < 2 and not final:
        return None
    following_word = found[0].lower().replace("’", "'")
    if key in words.TIMES:
        return not _follows_time(text, start, at, following_word)
    if word.isdecimal():
        return following_word in words.MONTHS_AFTER_A_DAY
    if len(following_word) == 1 and text.startswith(".", found.end()):
        return True
    return following_word not in words.STARTERS


def _is_title(word: str, key: str) -> bool:
    return key in words.NEVER_LAST or (key in words.TITLES and word[0].isupper())


def _may_end(word: str, key: str) -> bool:
    if len(word) == 1:
        return word.isalpha() and word < "\u2e80"
    if word.isdecimal():
        return len(word) <= 2
    return (
        key in words.MAY_END or (key in words.NAMES_THAT_MAY_END and word[0].isupper()) or bool(_DOTTED.fullmatch(key))
    )


def _follows_time(text: str, start: int, at: int, following_word: str) -> bool:
    """Whether a sentence begins after a time of day: ``At 5 a.m.`` alone only leads into one."""
    if following_word in words.AFTER_A_TIME:
        return False
    return not (at - start < _REACH and _TIME_PHRASE.fullmatch(text, max(start, 0), at))
