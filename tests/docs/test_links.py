"""Links within the project lead somewhere, to the heading too: on the pages as they lie, with no site built."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from urllib.parse import unquote

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.anchors import anchors_plugin

from tests.docs.blocks import CHECKOUT, PAGES

MORE = [CHECKOUT / "CONTRIBUTING.md", CHECKOUT / "CHANGELOG.md"]
ADDRESSES = {"link_open": "href", "image": "src"}


@cache
def tokens_of(page: Path) -> list[Token]:
    parser = MarkdownIt().enable("table").use(anchors_plugin, max_level=6)
    tokens = parser.parse(page.read_text(encoding="utf-8"))
    return [inner for token in tokens for inner in (token, *(token.children or ()))]


def anchors_of(page: Path) -> set[str]:
    return {str(token.attrs["id"]) for token in tokens_of(page) if token.type == "heading_open" and "id" in token.attrs}


def links_of(page: Path) -> Iterator[str]:
    """The addresses of links and pictures that lie in the project."""
    for token in tokens_of(page):
        address = str(token.attrs.get(ADDRESSES.get(token.type, ""), ""))
        if address and "://" not in address:
            yield unquote(address)


@pytest.mark.parametrize("page", PAGES + MORE, ids=lambda page: page.name)
def test_a_link_leads_to_a_file_and_a_heading_that_are_there(page: Path) -> None:
    for link in links_of(page):
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), link
        assert target.is_relative_to(CHECKOUT), link
        assert not anchor or anchor in anchors_of(target), link
