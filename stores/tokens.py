"""Bearer tokens that the operator makes and revokes. The secret is shown once; the database has its hash."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import delete, select

from streamchat.stores.database import Database
from streamchat.stores.schema import tokens

# A caller's name goes into log lines and metrics.
MAX_NAME_CHARACTERS: Final = 64

_SECRET_BYTES: Final = 32


class InvalidToken(ValueError):
    """A name or secret that cannot be used. The sentence never holds the secret."""


class TokenExists(ValueError):
    """There is a token of this name already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRecord:
    """What may be known about a token afterwards."""

    name: str
    created_at: datetime
    is_admin: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Whoever has a token. An admin may see the figures of all callers, and nothing else of theirs."""

    name: str
    is_admin: bool = False


def hash_of(secret: str) -> str:
    """The SHA-256 of the secret, in hex. Enough without salt or rounds: our secrets are 256 random bits.

    Takes any text, lone surrogates included: what a client sends must not break a look-up.
    """
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def check_caller_name(name: str) -> None:
    """Refuse a name that would not be safe in a log line, a metric or `name=secret` (InvalidToken)."""
    visible = name.isprintable() and not any(character.isspace() or character == "=" for character in name)
    if not (visible and 0 < len(name) <= MAX_NAME_CHARACTERS):
        raise InvalidToken(
            f"a caller's name must have 1 to {MAX_NAME_CHARACTERS} visible characters, without blanks and '='"
        )


class TokenStore:
    """The tokens in the database. Every method may raise StoreDown."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, name: str, *, is_admin: bool = False) -> str:
        """A new secret for this caller, not to be had again. Raises InvalidToken or TokenExists."""
        check_caller_name(name)
        secret = secrets.token_urlsafe(_SECRET_BYTES)
        row = {
            "name": name,
            "secret_hash": hash_of(secret),
            "created_at": datetime.now(UTC),
            "is_admin": is_admin,
        }
        insert = self._database.insert(tokens).values(row)
        made = insert.on_conflict_do_nothing(index_elements=[tokens.c.name]).returning(tokens.c.name)
        async with self._database.writing() as connection:
            is_new = await connection.scalar(made) is not None
        if not is_new:
            raise TokenExists(f"there is a token named {name} already: revoke it first, or choose another name")
        return secret

    async def list(self) -> list[TokenRecord]:
        """Every token, the oldest first."""
        query = select(tokens.c.name, tokens.c.created_at, tokens.c.is_admin).order_by(tokens.c.created_at)
        async with self._database.reading() as connection:
            rows = (await connection.execute(query)).mappings().all()
        return [TokenRecord(**row) for row in rows]

    async def revoke(self, name: str) -> bool:
        """Whether there was such a token; it opens nothing from now on."""
        try:
            check_caller_name(name)
        except InvalidToken:
            return False
        async with self._database.writing() as connection:
            revoked = await connection.execute(delete(tokens).where(tokens.c.name == name))
        return revoked.rowcount > 0

    async def caller_of(self, secret: str) -> Caller | None:
        """Whose secret it is. Compared by hash, so the time taken says nothing about the secret."""
        query = select(tokens.c.name, tokens.c.is_admin).where(tokens.c.secret_hash == hash_of(secret))
        async with self._database.reading() as connection:
            row = (await connection.execute(query)).mappings().first()
        return None if row is None else Caller(**row)
