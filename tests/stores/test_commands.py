from __future__ import annotations

from pathlib import Path

import pytest
from click import Group
from click.testing import CliRunner, Result

from streamchat.stores.commands import profiles, tokens
from streamchat.stores.profile_files import read_profiles


class Terminal:
    """Runs commands as an operator would, on one database."""

    def __init__(self, folder: Path) -> None:
        self.url = f"sqlite:///{folder}/streamchat.db"

    def __call__(self, group: Group, *arguments: str | Path) -> Result:
        return CliRunner().invoke(group, [str(part) for part in arguments], obj={"database_url": self.url})


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    return Terminal(tmp_path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "mine"
    made.mkdir()
    (made / "bob.yaml").write_text("username: bob\ndisplay_name: Bob 👋\nposts: [One., '二。\n\n  x']\n", "utf-8")
    (made / "zoe.json").write_text('{"username": "zoe", "settings": {"lang": "en"}}', "utf-8")
    return made


def _is_one_error(result: Result, *parts: str) -> bool:
    lines = result.stderr.splitlines()
    return result.exit_code == 1 and len(lines) == 1 and all(part in lines[0] for part in ("Error: ", *parts))


def test_imported_profiles_are_listed(terminal: Terminal, folder: Path) -> None:
    imported = terminal(profiles, "import", folder / "bob.yaml", folder / "zoe.json")
    assert (imported.exit_code, imported.stdout) == (0, "imported bob\nimported zoe\n")
    listed = terminal(profiles, "list")
    assert (listed.exit_code, listed.stdout) == (0, "bob\tBob 👋\t2 posts\nzoe\tzoe\t0 posts\n")


def test_what_show_prints_can_be_imported(terminal: Terminal, folder: Path, tmp_path: Path) -> None:
    terminal(profiles, "import", folder)
    shown = terminal(profiles, "show", "bob")
    (tmp_path / "shown.yaml").write_text(shown.stdout, "utf-8")
    assert read_profiles(tmp_path / "shown.yaml") == read_profiles(folder / "bob.yaml")


def test_importing_again_replaces(terminal: Terminal, folder: Path) -> None:
    terminal(profiles, "import", folder)
    (folder / "bob.yaml").write_text("username: bob\n")
    terminal(profiles, "import", folder / "bob.yaml")
    assert terminal(profiles, "list").stdout.splitlines()[0] == "bob\tbob\t0 posts"


def test_a_mistake_in_one_file_imports_nothing(terminal: Terminal, folder: Path) -> None:
    (folder / "zz.yaml").write_text("username: 1")
    failed = terminal(profiles, "import", folder / "bob.yaml", folder / "zz.yaml")
    assert _is_one_error(failed, "zz.yaml", "username: must be text")
    assert terminal(profiles, "list").stdout == ""


def test_removed_profiles_are_gone(terminal: Terminal, folder: Path) -> None:
    terminal(profiles, "import", folder)
    assert terminal(profiles, "remove", "bob").stdout == "removed bob\n"
    assert _is_one_error(terminal(profiles, "remove", "bob"), "bob")
    assert _is_one_error(terminal(profiles, "show", "bob"), "bob")


def test_a_token_is_printed_once_and_listed_without_its_secret(terminal: Terminal) -> None:
    created = terminal(tokens, "create", "ada")
    secret = created.stdout.strip()
    assert created.exit_code == 0
    assert len(secret) >= 40
    assert "cannot be shown again" in created.stderr
    listed = terminal(tokens, "list")
    assert listed.stdout.startswith("ada\t20")
    assert listed.stdout.endswith(" UTC\n")
    assert secret not in listed.stdout


def test_an_admins_token_is_marked_in_the_list(terminal: Terminal) -> None:
    for arguments in (("ada",), ("ops", "--admin")):
        assert terminal(tokens, "create", *arguments).exit_code == 0
    ada, ops = terminal(tokens, "list").stdout.splitlines()
    assert (ada.split("\t")[2:], ops.split("\t")[2:]) == ([], ["admin"])


def test_a_token_is_revoked_once(terminal: Terminal) -> None:
    terminal(tokens, "create", "ada")
    assert terminal(tokens, "revoke", "ada").stdout == "revoked ada\n"
    assert _is_one_error(terminal(tokens, "revoke", "ada"), "ada")
    assert terminal(tokens, "list").stdout == ""


def test_a_name_that_is_taken_or_impossible_is_refused(terminal: Terminal) -> None:
    terminal(tokens, "create", "ada")
    assert _is_one_error(terminal(tokens, "create", "ada"), "ada already")
    assert _is_one_error(terminal(tokens, "create", "a b"), "caller's name")


@pytest.mark.parametrize("url", ["mysql://db/chat", "sqlite:////nowhere/at/all.db", "nonsense"])
def test_a_database_that_cannot_be_opened_is_one_clear_error(tmp_path: Path, url: str) -> None:
    terminal = Terminal(tmp_path)
    terminal.url = url
    assert _is_one_error(terminal(profiles, "list"), "database")
    assert _is_one_error(terminal(tokens, "list"), "database")


def test_every_command_says_what_it_does() -> None:
    for group in (profiles, tokens):
        for command in group.commands.values():
            assert command.help
