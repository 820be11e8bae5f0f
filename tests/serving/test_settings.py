"""The one record of settings agrees with the command line."""

from dataclasses import FrozenInstanceError, fields
from typing import Any

import click
import pytest

from streamchat.serving.command_line import cli
from streamchat.serving.settings import CannotStart, Settings

OPTIONS = {parameter.name: parameter for parameter in cli.params if isinstance(parameter, click.Option)}


@pytest.mark.parametrize("field", [field.name for field in fields(Settings)])
def test_every_setting_is_an_option_with_the_same_default(field: str) -> None:
    assert OPTIONS[field].default == getattr(Settings(), field)


def test_settings_do_not_change() -> None:
    with pytest.raises(FrozenInstanceError):
        Settings().port = 1  # type: ignore[misc]


def test_the_defaults_are_those_of_the_contract() -> None:
    defaults = Settings()

    assert (defaults.host, defaults.port, defaults.database_url) == ("127.0.0.1", 5001, "sqlite:///streamchat.db")
    assert (defaults.max_running, defaults.max_queued, defaults.max_body_bytes) == (32, 128, 1_048_576)
    assert (defaults.process_timeout, defaults.linger, defaults.keepalive, defaults.drain) == (150, 30, 15, 20)
    assert (defaults.workers, defaults.log_format) == ("threads", "text")


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ({"attachment_types": ("image/*", "pictures")}, "attachment_types must be media types.* not 'pictures'"),
        ({"attachment_types": ("*",)}, "not '\\*'"),
        ({"fetch_attachments": ("https://example.org",)}, "fetch_attachments must be HOST, HOST:PORT or any"),
        ({"fetch_attachments": ("*.example.org",)}, "fetch_attachments must be"),
        ({"max_total_attachment_bytes": 0}, "max_total_attachment_bytes must be more than 0"),
        ({"fetch_timeout": float("nan")}, "fetch_timeout must be more than 0"),
    ],
)
def test_what_can_be_said_but_not_be_done_stops_the_start(setting: dict[str, Any], told: str) -> None:
    with pytest.raises(CannotStart, match=told):
        Settings(**setting)
