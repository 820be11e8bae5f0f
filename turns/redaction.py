"""What a log may have of an exception: its traceback, without what it quotes of prompts and inputs."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from urllib.parse import quote, quote_plus

from streamchat.turns.query import Query

# What an exception's text may have from a prompt: words of four characters and more, two where words are short. What
# JSON, Python or an address escapes ends a word, as in "%20word" and "\\nword".
_QUOTABLE = re.compile(r"%[0-9A-Fa-f]{2}|\\+u[0-9a-fA-F]{4}|\\+x[0-9a-f]{2}|\\+[nrt]|\w{4,}|[^\W\x00-\u2fff]{2,}")
# Two characters and more that are not ASCII, escaped (once or twice): whose they are can't be seen, so nobody's.
_ESCAPED = re.compile(r"(?:\\+u[0-9a-fA-F]{4}){2,}|(?:%[89A-Fa-f][0-9A-Fa-f]){4,}|(?:\\+x[89a-f][0-9a-f]){4,}")


def redacted(detail: str, query: Query, heard: Sequence[str]) -> str:
    """The traceback without what its exceptions quote of prompts and inputs, whole or in part: no log is for these.

    The lines of source code in it are the developer's own and stay as they are.
    """
    secrets = [query.message, query.prompt, query.system_prompt, *(said.get("content", "") for said in query.history)]
    secrets += heard
    secrets += [attachment.name for attachment in query.attachments]
    for whole in {form for secret in secrets for form in _written_forms(secret) if len(form) >= 4}:
        detail = detail.replace(whole, "[...]")
    # Files are long: looked through for words, but not for themselves as a whole.
    files = [attachment.content.decode(errors="ignore") for attachment in query.attachments if attachment.is_text]
    private = "\n".join([*secrets, *files]).casefold()
    lines, source_lines = [], 0
    for line in detail.splitlines():
        if line.startswith('  File "'):
            source_lines = 2  # the line of code and the carets under it
        elif line.startswith("    ") and source_lines:
            source_lines -= 1
        else:
            line = _QUOTABLE.sub(lambda found: _unless_private(found[0], private), _ESCAPED.sub("[...]", line))
        lines.append(line)
    return "\n".join(lines)


def _unless_private(text: str, private: str) -> str:
    """A word stays unless it is in the prompts; of Chinese and Japanese two characters in a row are enough."""
    parts = [text] if text.isascii() else [text[at : at + 2] for at in range(len(text) - 1)]
    return "[...]" if any(part.casefold() in private for part in parts) else text


def _written_forms(secret: str) -> tuple[str, ...]:
    """A text as exceptions show it: as it is, in quotes, in JSON, as an HTTP client's address, as bytes."""
    data = secret.encode(errors="replace")
    in_address = quote(data), quote(data, safe=""), quote_plus(data)
    return secret, repr(secret)[1:-1], json.dumps(secret)[1:-1], *in_address, repr(data)[2:-1]
