import os
import signal
from configparser import ConfigParser
from pathlib import Path

import pytest

from streamchat.backends import embedded
from streamchat.backends.choose import PERSONA, embedded_or_persona


def test_a_library_that_loads_is_no_obstacle():
    assert embedded._verdict(0, "") is None


def test_an_illegal_instruction_is_put_down_to_the_processor():
    assert "AVX2" in embedded._verdict(-signal.SIGILL, "")


def test_a_missing_system_library_is_named():
    errors = "Traceback ...\nImportError: libgomp.so.1: cannot open shared object file: No such file or directory\n"
    assert "apt install libgomp1" in embedded._verdict(1, errors)


@pytest.mark.parametrize(
    ("status", "errors", "told"), [(1, "a\nImportError: no\n", "ImportError: no"), (-11, "", "status -11")]
)
def test_any_other_end_of_the_trial_is_told(status, errors, told):
    assert embedded._verdict(status, errors) == f"xllamacpp can't be loaded: {_end(told)}"


def _end(told):
    return f"it ended with {told}" if told.startswith("status") else told


def test_what_is_not_installed_is_named_with_the_command_that_brings_it(monkeypatch):
    monkeypatch.setattr(embedded, "_NEEDED", ("os", "no_such_library"))
    assert embedded.why_not() == "not installed: no_such_library (pip install 'streamchat[local]' brings them)"


def test_what_is_needed_is_what_the_extra_brings():
    extras = ConfigParser()
    extras.read(Path(__file__).parents[2] / "setup.cfg")
    brought = extras["options.extras_require"]["local"].split()
    assert {name.partition(">")[0] for name in brought} == set(embedded._NEEDED)


def test_one_core_is_left_to_the_server(monkeypatch):
    monkeypatch.setattr(embedded, "_cores", lambda: 4)
    assert embedded.threads() == 3
    monkeypatch.setattr(embedded, "_cores", lambda: 1)
    assert embedded.threads() == 1


def test_to_stop_what_never_started_is_nothing():
    embedded.stop()
    assert embedded.URL_VARIABLE not in os.environ


@pytest.mark.slow
def test_a_file_that_is_no_model_is_refused_in_one_sentence(tmp_path):
    if (reason := embedded.why_not()) is not None:
        pytest.skip(reason)
    (tmp_path / "no.gguf").write_text("no model")
    with pytest.raises(embedded.ModelNotStarted, match="can't load"):
        embedded.start(tmp_path / "no.gguf")
    assert embedded.URL_VARIABLE not in os.environ


@pytest.mark.slow
def test_it_can_be_stopped_the_moment_it_has_started():
    for _ in range(5):
        choice = embedded_or_persona(print)
        if choice.spec == PERSONA:
            pytest.skip(choice.reason)
        embedded.stop()
        assert embedded.URL_VARIABLE not in os.environ
