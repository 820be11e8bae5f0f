"""Which strategies there are: the shipped ones, and those that installed packages bring.

A package brings one by an entry point of the group ``streamchat.chunking`` that loads a ``Strategy``. Knows no request
and no status code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points

from streamchat.chunking.characters import Characters
from streamchat.chunking.chunker import Chunker
from streamchat.chunking.lines import make_lines
from streamchat.chunking.markdown import make_markdown
from streamchat.chunking.sentences import make_sentences
from streamchat.chunking.words import make_words

GROUP = "streamchat.chunking"


class UnknownStrategy(ValueError):
    """No strategy has this name; the message lists those that have one."""


class BadSize(ValueError):
    """The size is no whole number within the strategy's limits; the message names them."""


class BrokenStrategy(Exception):
    """What a package brings under the entry point group cannot be used; the message names it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Strategy:
    """One way to cut a text; what a size counts (code points, clusters) is the strategy's own."""

    name: str
    make: Callable[[int], Chunker]
    default_size: int
    min_size: int
    max_size: int


class Registry:
    """The strategies of one server, by name; the later of two with the same name is refused."""

    def __init__(self, strategies: Iterable[Strategy]) -> None:
        self._strategies: dict[str, Strategy] = {}
        for strategy in strategies:
            self._add(strategy)

    def get(self, name: str) -> Strategy:
        """The strategy of this name, or UnknownStrategy."""
        try:
            return self._strategies[name]
        except KeyError:
            raise UnknownStrategy(f"no strategy {name!r}; there are {', '.join(self.names())}") from None

    def names(self) -> list[str]:
        """Every name, sorted."""
        return sorted(self._strategies)

    def chunker(self, name: str, size: int | None) -> Chunker:
        """A new chunker of the strategy ``name``; ``size`` None is its default. UnknownStrategy, BadSize."""
        strategy = self.get(name)
        chosen = strategy.default_size if size is None else size
        whole = isinstance(chosen, int) and not isinstance(chosen, bool)
        if not whole or not strategy.min_size <= chosen <= strategy.max_size:
            raise BadSize(f"size of {name} is a whole number from {strategy.min_size} to {strategy.max_size}")
        return strategy.make(chosen)

    def _add(self, strategy: Strategy) -> None:
        if strategy.name in self._strategies:
            raise BrokenStrategy(f"two strategies are named {strategy.name!r}")
        self._strategies[strategy.name] = strategy


def shipped() -> list[Strategy]:
    """The strategies of this room. ``characters`` counts clusters, all others code points."""
    return [
        Strategy(name="characters", make=Characters, default_size=20, min_size=1, max_size=10_000),
        Strategy(name="words", make=make_words, default_size=30, min_size=4, max_size=10_000),
        Strategy(name="sentences", make=make_sentences, default_size=200, min_size=10, max_size=10_000),
        Strategy(name="markdown", make=make_markdown, default_size=200, min_size=10, max_size=10_000),
        Strategy(name="lines", make=make_lines, default_size=1000, min_size=10, max_size=10_000),
    ]


def installed() -> list[Strategy]:
    """The strategies that installed packages bring, or BrokenStrategy for the first that cannot be used."""
    return [_load(entry) for entry in entry_points(group=GROUP)]


def _load(entry: EntryPoint) -> Strategy:
    try:
        strategy = entry.load()
    except Exception as error:  # a plug-in may fail in any way
        raise BrokenStrategy(f"chunking strategy {entry.name} ({entry.value}) does not load: {error!r}") from error
    if not isinstance(strategy, Strategy):
        raise BrokenStrategy(f"chunking strategy {entry.name} ({entry.value}) is no Strategy but {strategy!r}")
    return strategy
