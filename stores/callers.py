"""Who is calling: the configured tokens first, then the token table. Knows no header and no HTTP.

Configured tokens need no database, so that a server with a broken one still answers its operator.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping
from hashlib import blake2b
from pathlib import Path
from secrets import token_bytes
from typing import Final

from streamchat.stores.recent import Recent
from streamchat.stores.tokens import Caller, InvalidToken, TokenStore, check_caller_name

# A revoked token may open doors for this long; a busy caller asks the database this often.
CACHE_SECONDS: Final = 5.0
MAX_CACHED: Final = 1_000

DEFAULT_NAME: Final = "default"

_KEY_BYTES: Final = 32


class Callers:
    """Turns secrets into callers."""

    def __init__(
        self,
        configured: Mapping[str, str],
        tokens: TokenStore,
        clock: Callable[[], float] = time.monotonic,
        *,
        admins: Collection[str] = (),
    ) -> None:
        """`configured`: secret to name, as `name_callers` makes it; only hashes are kept. `admins`: names of these."""
        self._key = token_bytes(_KEY_BYTES)
        self._configured = {
            self._hash(secret): Caller(name=name, is_admin=name in admins) for secret, name in configured.items()
        }
        self._tokens = tokens
        self._cache: Recent[Caller] = Recent(seconds=CACHE_SECONDS, most=MAX_CACHED, clock=clock)

    async def caller_of(self, secret: str) -> Caller | None:
        """The caller, None for a secret that nobody has. Raises StoreDown when only the table can tell."""
        hashed = self._hash(secret)
        caller = self._configured.get(hashed) or self._cache.get(hashed)
        if caller is None:
            caller = await self._tokens.caller_of(secret)
            if caller is not None:
                self._cache.put(hashed, caller)
        return caller

    def _hash(self, secret: str) -> str:
        # Under a key that nobody knows: how long a look-up takes says nothing about which secret came close.
        return blake2b(secret.encode("utf-8", "surrogatepass"), key=self._key).hexdigest()


def parse_token(text: str) -> tuple[str | None, str]:
    """The name (None if there is none) and the secret of `name=secret` or `secret`. Raises InvalidToken.

    Padding is no separator: `c2VjcmV0==` is a secret without a name.
    """
    name, separator, secret = text.partition("=")
    if not separator or not secret.strip("="):
        _check_secret(text)
        return None, text
    check_caller_name(name)
    _check_secret(secret)
    return name, secret


def read_tokens_file(path: str | Path) -> list[tuple[str | None, str]]:
    """The tokens of a file: one a line as `parse_token` takes it; empty lines and `#` lines say nothing.

    Raises InvalidToken naming the file and the line, never the secret.
    """
    try:
        lines = Path(path).read_text("utf-8-sig").split("\n")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise InvalidToken(f"{path}: cannot be read: {reason}") from None
    meant = [(number, line.strip()) for number, line in enumerate(lines, 1)]
    return [_parse_line(path, number, line) for number, line in meant if line and not line.startswith("#")]


def name_callers(parsed: Iterable[tuple[str | None, str]]) -> dict[str, str]:
    """Secret to name. The unnamed ones become default, default-2, …, past the names that are taken.

    Several secrets may share a name (an old and a new one, say); one secret with two names is InvalidToken.
    """
    pairs = list(parsed)
    named: dict[str, str] = {}
    for name, secret in pairs:
        if name is not None and named.setdefault(secret, name) != name:
            raise InvalidToken(f"{named[secret]} and {name} have the same token")
    callers: dict[str, str] = {}
    for _, secret in pairs:
        if secret not in callers:
            callers[secret] = named.get(secret) or _free_name({*named.values(), *callers.values()})
    return callers


def _free_name(taken: set[str]) -> str:
    name, number = DEFAULT_NAME, 1
    while name in taken:
        number += 1
        name = f"{DEFAULT_NAME}-{number}"
    return name


def _check_secret(secret: str) -> None:
    if not secret.strip("=") or not secret.isprintable() or any(map(str.isspace, secret)):
        raise InvalidToken("a token must be visible characters without blanks: TOKEN or NAME=TOKEN")


def _parse_line(path: str | Path, number: int, line: str) -> tuple[str | None, str]:
    try:
        return parse_token(line)
    except InvalidToken as error:
        raise InvalidToken(f"{path}, line {number}: {error}") from None
