"""The strategies there are."""

from __future__ import annotations

from importlib.metadata import EntryPoint

import pytest

from streamchat.chunking import registry
from streamchat.chunking.registry import (
    BadSize,
    BrokenStrategy,
    Registry,
    Strategy,
    UnknownStrategy,
    installed,
    shipped,
)


def test_five_strategies_are_shipped() -> None:
    assert Registry(shipped()).names() == ["characters", "lines", "markdown", "sentences", "words"]


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UnknownStrategy, match="no strategy 'syllables'; there are characters, lines"):
        Registry(shipped()).get("syllables")


@pytest.mark.parametrize("size", [0, -1, 10_001, True, 2.5, "20"])
def test_an_impossible_size_is_refused_with_the_limits(size: object) -> None:
    with pytest.raises(BadSize, match="size of characters is a whole number from 1 to 10000"):
        Registry(shipped()).chunker("characters", size)  # type: ignore[arg-type]


def test_no_size_is_the_default_size() -> None:
    assert Registry(shipped()).chunker("characters", None).feed("x" * 21) == ["x" * 20]


def test_two_strategies_of_one_name_are_refused() -> None:
    with pytest.raises(BrokenStrategy, match="two strategies are named 'characters'"):
        Registry([*shipped(), shipped()[0]])


def install(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    entry = EntryPoint(name="mine", value=value, group=registry.GROUP)
    monkeypatch.setattr(registry, "entry_points", lambda group: [entry] if group == registry.GROUP else [])


MINE = Strategy(name="mine", make=shipped()[0].make, default_size=1, min_size=1, max_size=9)


def test_an_installed_strategy_joins_by_its_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "MINE", MINE, raising=False)
    install(monkeypatch, "streamchat.chunking.registry:MINE")
    assert Registry([*shipped(), *installed()]).chunker("mine", None).feed("ab") == ["a"]


def test_an_installed_strategy_that_does_not_load_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, "no_such_module:MINE")
    with pytest.raises(BrokenStrategy, match=r"mine \(no_such_module:MINE\) does not load: ModuleNotFoundError"):
        installed()


def test_an_installed_thing_that_is_no_strategy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, "json:dumps")
    with pytest.raises(BrokenStrategy, match=r"mine \(json:dumps\) is no Strategy"):
        installed()
