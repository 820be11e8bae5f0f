"""Strategy ``sentences``: a sentence a chunk, with the white space after it.

``size`` is an upper bound in code points: a longer sentence is cut between words. Short ones are not put together.
"""

from __future__ import annotations

from streamchat.chunking.pieces import Pieces
from streamchat.chunking.sentence_ends import SentenceEnds
from streamchat.chunking.word_ends import fit_words


def make_sentences(size: int) -> Pieces:
    """A chunker that gives out sentences."""
    return Pieces(SentenceEnds(), fit_words, size)
