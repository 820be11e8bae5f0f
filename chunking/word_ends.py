"""Where a line of text is cut between display words, whatever its script.

A display word is what a reader sees as one: it ends at white space, and in scripts that write none (Chinese, Japanese,
Thai …) where ICU's dictionaries say. URLs, ``don't`` and ``3.14`` stay whole, closing marks stay with the word before
them and opening marks with the word after; an emoji is a word. Knows no sentences.
"""

from __future__ import annotations

import re
from itertools import accumulate

from icu4py.breakers import WordBreaker

from streamchat.chunking.clusters import extends, is_cluster_end, last_cluster_end
from streamchat.chunking.waiting import WAIT

# ICU's dictionaries decide a word by what follows it; this many code points after it are enough.
_LOOK_AHEAD = 4
# A word longer than the size stays whole up to this multiple of it.
_PATIENCE = 4

_BLANK = r"[^\S\xa0\u2007\u202f]"
# Scripts without spaces between words, their punctuation, and pictures.
_DENSE = (
    r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2300-\u23ff\u2600-\u27bf\u2b00-\u2bff\u2e80-\u303f"
    r"\u3040-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff01-\uff9f\U0001f000-\U0001faff\U00020000-\U0003ffff"
)
_NEVER_FIRST = re.compile(
    r"[\s!%),.:;?\]}'\"*_~`°·ˇ»’”‥…‰›℃、。〃々〉》」』】〕〗〞ぁぃぅぇぉっゃゅょァィゥェォッャュョー！％），．／：；？］｝｡｣､～·—-]"
)
_NEVER_LAST = re.compile(r"[(\[{'\"*_~`«‘“‹〈《「『【〔〖〝（［｛｢$£¥＄￡￥#@—-]")
_LAST_BLANK = re.compile(f".*{_BLANK}(?=\\S)", re.DOTALL)
_BLANKS = re.compile(f"{_BLANK}{{1,64}}")
_DENSE_CHARACTER = re.compile(f"[{_DENSE}]")
_WORD_STOP = re.compile(f"{_BLANK}|(?!{_NEVER_FIRST.pattern})[{_DENSE}]")


def fit_words(text: str, start: int, size: int, final: bool) -> int:
    """The end of the last word in ``(start, start + size]``; failing that, of the last cluster; or WAIT."""
    end = _last_word_end(text, start, start + size, final)
    return end if end is not None else last_cluster_end(text, start, start + size, final=final)


def fit_whole_words(text: str, start: int, size: int, final: bool) -> int:
    """As fit_words, but a single word longer than ``size`` stays whole up to four times that; or WAIT."""
    end = _last_word_end(text, start, start + size, final)
    return end if end is not None else _long_word_end(text, start, start + size, start + _PATIENCE * size, final)


def _last_word_end(text: str, start: int, limit: int, final: bool) -> int | None:
    """The last word end in ``(start, limit]``; WAIT; or None when a single word fills it."""
    if len(text) <= limit:
        return len(text) if final else WAIT
    begin = _last_spaced_end(text, start, limit)
    if text[start : limit + 1].isascii() or not _DENSE_CHARACTER.search(text, begin or start, limit + 1):
        return begin
    if len(text) < limit + _LOOK_AHEAD and not final:
        return WAIT
    return _last_dense_end(text, begin or start, limit) or begin


def _last_spaced_end(text: str, start: int, limit: int) -> int | None:
    """The last place in ``(start, limit]`` where white space has ended and a word begins."""
    at = text.rfind(" ", start, limit) + 1
    if at > start and text[at].isalnum() and text[at] < "\u0300":
        return at
    while found := _LAST_BLANK.match(text, start, limit + 1):
        if not extends(text, found.end()):
            return found.end()
        limit = found.end() - 1
    return None


def _last_dense_end(text: str, begin: int, limit: int) -> int | None:
    """The last place in ``(begin, limit]`` where two words part that no white space separates."""
    words = WordBreaker(text[begin : limit + _LOOK_AHEAD], "zh")
    for at in reversed(list(accumulate(map(len, words), initial=begin))):
        if begin < at <= limit and _may_part(text, at) and is_cluster_end(text, begin, at):
            return at
    return None


def _may_part(text: str, at: int) -> bool:
    if _NEVER_FIRST.match(text, at) or _NEVER_LAST.match(text, at - 1):
        return False
    return _DENSE_CHARACTER.match(text, at - 1) is not None or _DENSE_CHARACTER.match(text, at) is not None


def _long_word_end(text: str, start: int, limit: int, last: int, final: bool) -> int:
    """Where the word that fills ``(start, limit]`` ends, with the blanks after it; at the latest ``last``."""
    if _WORD_STOP.match(text, limit) or _WORD_STOP.match(text, limit - 1):
        return last_cluster_end(text, start, limit, final=final)
    stop = _WORD_STOP.search(text, limit, last)
    if stop is None:
        return last_cluster_end(text, start, last, final=final)
    blanks = _BLANKS.match(text, stop.start(), last)
    return last_cluster_end(text, start, blanks.end() if blanks else stop.start(), final=final)
