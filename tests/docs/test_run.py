"""What the pages say can be done is done: their commands run, their files work, or they say why not here."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.blocks import PAGES, blocks_of
from tests.docs.reader import Reader

RUN = {"console", "python", "json", "yaml", "js"}
SHOWN = {"", "text", "{toctree}"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_block_is_run_or_says_why_not(page: Path) -> None:
    for block in blocks_of(page):
        place = f"{page.name}:{block.line}"
        assert block.language in RUN | SHOWN or block.reason, f"{place}: what is {block.language}?"
        if block.language == "" and block.is_command:
            assert block.reason, f"{place}: a command that is not run; make it a console block, or say why not"
        if block.language == "js" and not block.name:
            assert block.reason, f"{place}: a script without a name can't be run"


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_reader_gets_through_the_page(page: Path, tmp_path: Path) -> None:
    blocks = [block for block in blocks_of(page) if block.language in RUN and not block.reason]
    with Reader(tmp_path) as reader:
        for block in blocks:
            try:
                reader.follow(block)
            except Exception as error:
                raise AssertionError(f"{page.name}:{block.line}: {error}") from error
    if reader.lacking:
        pytest.skip(f"all but what needs {', '.join(reader.lacking)}, which is not installed")
