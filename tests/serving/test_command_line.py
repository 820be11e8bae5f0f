"""Options, variables and a file become settings; what is impossible is one sentence and an exit code."""

import logging
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from streamchat.serving.command_line import cli
from streamchat.serving.settings import Settings

# A start that gets past the checks of values fails at this one, with another exit code, instead of serving.
NEVER_STARTS = ("--process-query", "answers:answer", "--token", "has blanks")


@pytest.fixture(autouse=True)
def process_as_before() -> Iterator[None]:
    """What a start changes in its process is put back."""
    root, path, modules = logging.getLogger(), sys.path[:], set(sys.modules)
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        if name in ("answers", "broken"):
            del sys.modules[name]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's folder with a function in it, and nothing about us in the environment."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "answers.py").write_text("def answer(message):\n    return message\n\nnumber = 7\n")
    return tmp_path


def run(*arguments: str, **variables: str) -> Result:
    return CliRunner(env=variables).invoke(cli, list(arguments), prog_name="streamchat")


def said(result: Result) -> str:
    """What went wrong: the last line, the only one beside click's usage hint."""
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    *usage, sentence = result.stderr.strip().splitlines()
    assert sentence.startswith("Error: ")
    assert all(line.startswith(("Usage:", "Try ")) or not line for line in usage), result.stderr
    return sentence


# Where settings come from. Which database a command opens shows which setting it took.


def database_of(folder: Path) -> str:
    (found,) = (file.stem for file in folder.glob("*.db"))
    return found


def test_an_option_goes_before_a_variable_and_a_variable_before_the_file(folder: Path) -> None:
    (folder / "settings.yaml").write_text("database-url: sqlite:///file.db\n")
    sources = (
        ("option", ["--database-url", "sqlite:///option.db"], {"STREAMCHAT_DATABASE_URL": "sqlite:///variable.db"}),
        ("variable", [], {"STREAMCHAT_DATABASE_URL": "sqlite:///variable.db"}),
        ("file", [], {}),
    )
    for expected, options, variables in sources:
        result = run("--config", "settings.yaml", *options, "profiles", "list", **variables)
        assert result.exit_code == 0, result.output
        assert database_of(folder) == expected
        for file in folder.glob("*.db*"):
            file.unlink()


def test_the_default_is_a_database_in_the_current_folder(folder: Path) -> None:
    assert run("profiles", "list").exit_code == 0
    assert database_of(folder) == "streamchat"


@pytest.mark.parametrize("name", ["database-url", "database_url"])
@pytest.mark.parametrize("written", ["yaml", "json"])
def test_a_file_is_yaml_or_json_and_its_keys_have_dashes_or_not(folder: Path, name: str, written: str) -> None:
    text = f"{name}: sqlite:///file.db\n" if written == "yaml" else f'{{"{name}": "sqlite:///file.db"}}'
    (folder / f"settings.{written}").write_text(text)
    assert run("--config", f"settings.{written}", "profiles", "list").exit_code == 0
    assert database_of(folder) == "file"


def test_the_file_itself_may_be_named_by_a_variable(folder: Path) -> None:
    (folder / "settings.yaml").write_text("database-url: sqlite:///file.db\n")
    assert run("profiles", "list", STREAMCHAT_CONFIG="settings.yaml").exit_code == 0
    assert database_of(folder) == "file"


@pytest.mark.parametrize(
    "text", ["token: has blanks\n", "token: [fine, has blanks]\n", "token: [fine]\nhost: host.invalid\n"]
)
def test_a_token_in_the_file_is_one_or_a_list(folder: Path, text: str) -> None:
    (folder / "settings.yaml").write_text(text)
    result = run("--config", "settings.yaml", "--process-query", "answers:answer", "--port", "0")
    assert result.exit_code == 1
    assert ("host.invalid" if "host" in text else "visible characters without blanks") in said(result)


def test_an_empty_file_changes_nothing(folder: Path) -> None:
    (folder / "settings.yaml").write_text("# nothing yet\n")
    assert run("--config", "settings.yaml", "profiles", "list").exit_code == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("prot: 5001\n", "unknown keys: prot"),
        ("config: other.yaml\n", "unknown keys: config"),
        ("7: x\n", "unknown keys: 7"),
        ("- port\n", "must be a mapping"),
        ("just text", "must be a mapping"),
        ("port: [unclosed\n", "--config"),
        ("port: \x00\n", "--config"),
        ("port: five\n", "five"),
        ("port: 70000\n", "70000"),
        ("workers: fibres\n", "fibres"),
        ("log-level: loud\n", "loud"),
        ("max-running: 1.5\n", "1.5"),
        ("drain: .nan\n", "nan"),
        ("host: x\nport: true\n", "True"),
        ("fetch-timeout: 0\n", "fetch-timeout"),
        ("max-attachments: 0\n", "max-attachments"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_sentence_and_exit_code_2(folder: Path, text: str, expected: str) -> None:
    (folder / "settings.yaml").write_text(text)
    result = run("--config", "settings.yaml", *NEVER_STARTS)
    assert (result.exit_code, expected in said(result)) == (2, True), result.stderr


def test_a_file_that_is_not_there_is_one_sentence_and_exit_code_2(folder: Path) -> None:
    result = run("--config", "nowhere.yaml")
    assert (result.exit_code, "nowhere.yaml" in said(result)) == (2, True)


# What is impossible.


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("port", "70000"),
        ("port", "-1"),
        ("port", "http"),
        ("workers", "fibres"),
        ("max-running", "0"),
        ("max-running", "many"),
        ("max-queued", "-1"),
        ("max-abandoned", "-1"),
        ("process-timeout", "0"),
        ("process-timeout", "nan"),
        ("process-timeout", "inf"),
        ("linger", "-1"),
        ("keepalive", "0"),
        ("stall", "0"),
        ("drain", "-0.1"),
        ("remember", "100000"),
        ("max-body-bytes", "0"),
        ("max-answer-characters", "0"),
        ("slow-turn", "-1"),
        ("metrics-access", "closed"),
        ("log-format", "xml"),
        ("log-level", "loud"),
    ],
)
def test_an_impossible_value_is_one_sentence_and_exit_code_2(folder: Path, option: str, value: str) -> None:
    by_option = run(f"--{option}", value, *NEVER_STARTS)
    by_variable = run(*NEVER_STARTS, **{f"STREAMCHAT_{option.upper().replace('-', '_')}": value})
    for result in (by_option, by_variable):
        assert result.exit_code == 2
        assert f"--{option}" in said(result)
    assert list(folder.glob("*.db")) == []


def test_an_unknown_option_is_exit_code_2(folder: Path) -> None:
    assert run("--colour", "blue").exit_code == 2


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--process-query", "answers"], "module:function"),
        (["--process-query", ":answer"], "module:function"),
        (["--process-query", "answers:"], "module:function"),
        (["--process-query", "nowhere:answer"], "nowhere"),
        (["--process-query", "answers:nothing"], "nothing"),
        (["--process-query", "answers:number"], "callable"),
        (["--process-query", "answers:answer", "--token", "has blanks"], "token"),
        (["--process-query", "answers:answer", "--tokens-file", "nowhere"], "nowhere"),
        (["--process-query", "answers:answer", "--database-url", "mysql://x/y"], "mysql"),
        (["--process-query", "answers:answer", "--database-url", "nonsense"], "database URL"),
        (["--process-query", "answers:answer", "--host", "host.invalid"], "host.invalid"),
        (["--process-query", "answers:answer", "--metrics-address", "9464"], "--metrics-address must be HOST:PORT"),
        (["--process-query", "answers:answer", "--metrics-address", "host.invalid:0"], "host.invalid"),
    ],
)
def test_what_cannot_start_is_one_sentence_and_exit_code_1(folder: Path, arguments: list[str], expected: str) -> None:
    result = run(*arguments, "--port", "0")
    assert (result.exit_code, expected in said(result)) == (1, True), result.stderr


def test_a_users_module_that_lacks_a_package_is_one_sentence_that_says_which(folder: Path) -> None:
    (folder / "broken.py").write_text("import no_such_package\n")
    result = run("--process-query", "broken:answer")
    assert (result.exit_code, "no_such_package" in said(result)) == (1, True), result.stderr


def test_a_secret_is_in_no_error(folder: Path) -> None:
    result = run("--process-query", "answers:answer", "--token", "alice=my secret", "--port", "0")
    assert "secret" not in result.output


# Help.


def test_help_names_every_setting_with_its_default_and_its_variable(folder: Path) -> None:
    result = run("--help")
    text = " ".join(result.output.split())
    assert result.exit_code == 0
    for field in fields(Settings):
        assert f"--{field.name.replace('_', '-')}" in text
        assert f"STREAMCHAT_{field.name.upper()}" in text.replace(" ", "")
        if type(field.default) in (int, float):  # a flag has no number to show
            assert f"default: {field.default}" in text
    for word in ("Seconds", "Bytes", "Characters", "profiles", "tokens"):
        assert word in text


def test_version_is_said() -> None:
    assert run("--version").output.startswith("streamchat, version ")
