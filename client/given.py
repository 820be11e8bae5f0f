"""Arguments that were given, as the request's fields; a usage error for what could never be sent."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from streamchat.client.attachments import attachment
from streamchat.client.frames import Frame

_TEXT = r"[^\ud800-\udfff]+"  # lone surrogates are what Python makes of arguments that are no UTF-8
_WRITTEN = {
    "url": r"https?://(\[[0-9a-f:.]+\]|[^/\s:\[\]]+)(:[0-9]{1,5})?(/\S*)?",
    "token": r"[!-~]+",
    "chunking": r"[^:]+(:[0-9]+)?",
}
_BEGINNINGS = {"url": ": it begins with http:// or https://"}
STANDARD_INPUT = "-"


def check(**values: str) -> None:
    """A usage error for the first value that is not written as it must be; it is not shown, it may be the token."""
    for name, value in values.items():
        if not re.fullmatch(_WRITTEN.get(name, _TEXT), value):
            sentence = f"it is empty, or not written as it must be{_BEGINNINGS.get(name, '')}"
            raise click.BadParameter(sentence, param_hint=name.upper())


def body_of(fields: Mapping[str, Any]) -> Frame:
    """The body for the options that were given: an option that was not is not sent."""
    body = {name: value for name, value in fields.items() if value not in (None, ())}
    check(**{name: value for name, value in body.items() if isinstance(value, str)})
    if "chunking" in body:
        strategy, colon, size = body["chunking"].partition(":")
        body["chunking"] = {"strategy": strategy} | ({"size": int(size)} if colon else {})
    return body


def attached(paths: tuple[Path, ...]) -> Frame:
    """The field that carries these files; nothing when there are none."""
    try:
        return {"attachments": [attachment(path) for path in paths]} if paths else {}
    except OSError as error:
        raise click.BadParameter(f"cannot read {error.filename}: {error.strerror}", param_hint="--attach") from error


def message_of(message: str) -> str:
    """The question; ``-`` is what standard input holds."""
    if message != STANDARD_INPUT:
        return message
    return sys.stdin.buffer.read().decode(errors="replace")


def token_of(*, argument: str | None, option: str | None) -> str:
    """The token: the argument, the option, the server's own variable; on a terminal the user may type it unseen."""
    token = argument or option or _servers_token(os.environ.get("STREAMCHAT_TOKEN", ""))
    if argument is None and not token and sys.stdin.isatty() and sys.stderr.isatty():
        token = click.prompt("Token", hide_input=True, err=True)
    check(token=argument if argument == "" else token)
    return token


def _servers_token(value: str) -> str:
    """The first of what the server's variable holds: tokens separated by blanks, each ``SECRET`` or ``NAME=SECRET``."""
    first = (value.split() or [""])[0]
    name, equals, secret = first.partition("=")
    # A token in base64 may end with the sign that separates it from a name.
    return secret if equals and secret.strip("=") else name + equals + secret
