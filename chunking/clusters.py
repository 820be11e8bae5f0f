r"""User-perceived characters: where a text may be cut without tearing one.

A cluster is what Unicode calls an extended grapheme cluster (UAX #29 section 3.1.1, CR LF included); the tables are
those of the ``regex`` library. The one exception: a cluster longer than 128 code points is cut after 128 (the longest
published sequence has 125), so that no text can make a reader wait for ever. Knows no words and no sentences.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import accumulate, takewhile

import regex

from streamchat.chunking.waiting import WAIT

LONGEST_CLUSTER = 128
# \X looks back over a whole run of flags, which is quadratic on a long one: it only ever sees a short slice.
_SLICE = 160

# Characters that are clusters by themselves whenever both neighbours are of this kind too. For speed only: a test
# holds them against the tables of ``regex``.
SIMPLE = (
    r"\t\n\x0b\x0c\x1c-\x7e\xa0-\xa8\xaa-\xac\xaf-\u02ff\u0370-\u0373\u0400-\u0482\u048a-\u0523"
    r"\u05d0-\u05ea\u0620-\u064a\u2010-\u2027\u3001-\u3029\u3041-\u3096\u30a0-\u30ff\u3400-\u4dbf"
    r"\u4e00-\u9fff\uff01-\uff9d"
)
_SIMPLE_RUN = re.compile(f"[{SIMPLE}]{{2,}}")
_SIMPLE_PAIR = re.compile(f"[{SIMPLE}]{{2}}")
_SETTLED = re.compile(f"[{SIMPLE}\n]")
_CLUSTER = regex.compile(r"\X")
_EXTENDING = regex.compile(r"[\p{GCB=Extend}\p{GCB=ZWJ}\p{GCB=SpacingMark}]")


def next_cluster_ends(text: str, start: int, *, final: bool) -> Sequence[int]:
    """The ends of the next clusters from ``start`` (where one begins), some of them; none when none is decided.

    The last cluster of a text that may still grow is not decided: the next code point may join it.
    """
    if text.isascii() and "\r" not in text:
        # Nothing in ASCII joins a neighbour but CR LF (UAX #29 GB3): known without a look at each character.
        return range(start + 1, len(text) + final)
    if run := _SIMPLE_RUN.match(text, start):
        last = run.end() if final and run.end() == len(text) else run.end() - 1
        return range(start + 1, last + 1)
    ends = list(accumulate(map(len, _CLUSTER.findall(text[start : start + _SLICE])), initial=start))
    if not (final and start + _SLICE >= len(text)):
        del ends[-1:]
    whole = list(takewhile(lambda end: end <= start + LONGEST_CLUSTER, ends[1:]))
    return whole or ([start + LONGEST_CLUSTER] if len(text) - start > LONGEST_CLUSTER else [])


def last_cluster_end(text: str, start: int, limit: int, *, final: bool) -> int:
    """The last cluster end in ``(start, limit]``, or the first one after it when there is none; or WAIT."""
    if start < limit and _SIMPLE_PAIR.match(text, limit - 1):
        return limit
    best = WAIT
    for end in _cluster_ends(text, start, final=final):
        if end > limit:
            return end if best == WAIT else best
        best = end
        if end == limit:
            return end
    return len(text) if final else WAIT


def is_cluster_end(text: str, start: int, at: int) -> bool:
    """Whether ``at`` ends a cluster, where ``start`` is known to begin one and ``at`` is before the text's end."""
    if _SIMPLE_PAIR.match(text, at - 1):
        return True
    return at in takewhile(lambda end: end <= at, _cluster_ends(text, start, final=True))


def extends(text: str, at: int) -> bool:
    """Whether the code point at ``at`` joins the cluster before it, whatever that is (UAX #29 GB9 and GB9a)."""
    return text[at] >= "\u0300" and _EXTENDING.match(text, at) is not None


def _cluster_ends(text: str, start: int, *, final: bool) -> Iterator[int]:
    while ends := next_cluster_ends(text, start, final=final):
        yield from ends
        start = ends[-1]


def settled_end(text: str) -> int:
    """How much of ``text`` can be let go though more may come: all of it, or all but an unfinished last cluster.

    After a plain letter, ideograph or sign anything may go; an emoji, a flag, a mark, a CR may be joined by what comes.
    """
    if not text or _SETTLED.fullmatch(text[-1]):
        return len(text)
    start = max(0, len(text) - LONGEST_CLUSTER)
    return max((end for end in _cluster_ends(text, start, final=False) if end < len(text)), default=start)
