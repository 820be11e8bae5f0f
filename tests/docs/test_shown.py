"""What a page shows of something else is that: the examples' code, and the README in its other language."""

from __future__ import annotations

from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from tests.docs.blocks import CHECKOUT, blocks_of
from tests.docs.test_links import links_of

ENGLISH, CHINESE = CHECKOUT / "README.md", CHECKOUT / "README.zh-CN.md"
EXAMPLES = sorted((CHECKOUT / "examples").glob("*.py"))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_the_examples_page_has_each_example_as_it_is(example: Path) -> None:
    shown = [block.text for block in blocks_of(CHECKOUT / "docs" / "examples.md") if block.name == example.name]
    assert shown == [f"# {example.name}\n{example.read_text(encoding='utf-8')}"]


def outline(page: Path) -> list[str]:
    """Headings by their level, tables by their rows, and lists by their items, in order."""
    tokens = MarkdownIt().enable("table").parse(page.read_text(encoding="utf-8"))
    kinds = ("h1", "h2", "h3", "tr", "li", "pre", "img")
    return [token.tag for token in tokens if token.nesting == 1 and token.tag in kinds]


def test_the_readmes_are_built_alike() -> None:
    assert outline(CHINESE) == outline(ENGLISH)


def test_the_readmes_show_the_same_commands_and_code() -> None:
    assert [(block.language, block.text, block.reason) for block in blocks_of(CHINESE)] == [
        (block.language, block.text, block.reason) for block in blocks_of(ENGLISH)
    ]


def test_the_readmes_lead_to_the_same_places() -> None:
    assert set(links_of(CHINESE)) - {ENGLISH.name} == set(links_of(ENGLISH)) - {CHINESE.name}
    assert {ENGLISH.name} <= set(links_of(CHINESE))
    assert {CHINESE.name} <= set(links_of(ENGLISH))


def test_the_readmes_tables_have_the_same_addresses_and_figures() -> None:
    assert figures(CHINESE) == figures(ENGLISH)


def figures(page: Path) -> list[list[str]]:
    """The cells of each table's row that are code or figures: no translation changes those."""
    lines = page.read_text(encoding="utf-8").splitlines()
    rows = [line.split("|")[1:-1] for line in lines if line.startswith("| ")]
    return [[cell.strip() for cell in row if cell.strip(" `0123456789,.µskBm") == "" or "`/" in cell] for row in rows]
