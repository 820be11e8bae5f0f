"""Strategy ``words``: as many whole display words as fit into ``size`` code points, ended sooner at a sentence end.

A single longer word stays whole up to four times ``size``. This is what the advanced and smart doors use.
"""

from __future__ import annotations

from streamchat.chunking.pieces import Pieces
from streamchat.chunking.sentence_ends import SentenceEnds
from streamchat.chunking.word_ends import fit_whole_words


def make_words(size: int) -> Pieces:
    """A chunker that packs words."""
    return Pieces(SentenceEnds(), fit_whole_words, size)
