"""What a user can give to the client, and what it gives back, is in the docs."""

from pathlib import Path

import click
import pytest

from streamchat.client.command import main
from streamchat.client.exits import Exit

DOCUMENT = (Path(__file__).parents[2] / "docs" / "client.md").read_text(encoding="utf-8")
OPTIONS = [name for option in main.params if isinstance(option, click.Option) for name in option.opts]


@pytest.mark.parametrize("option", OPTIONS)
def test_an_option_is_documented(option: str) -> None:
    assert f"| `{option}`" in DOCUMENT or f", `{option}` |" in DOCUMENT


@pytest.mark.parametrize("status", Exit)
def test_an_exit_status_is_documented_and_in_the_help(status: Exit) -> None:
    assert f"\n| {int(status)} |" in DOCUMENT
    assert f" {int(status)}  " in (main.epilog or "")
