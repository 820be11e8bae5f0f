"""Who may come in from the start: the callers that the settings name, or one whose token is made for this run."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from streamchat.serving.settings import CannotStart, Settings
from streamchat.stores.callers import name_callers, parse_token, read_tokens_file
from streamchat.stores.tokens import InvalidToken, TokenStore


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstCallers:
    """``names`` by their secrets; ``generated_token`` is "" unless one had to be made."""

    names: Mapping[str, str]
    admins: frozenset[str]
    generated_token: str = ""


async def first_callers(settings: Settings, token_store: TokenStore) -> FirstCallers:
    """A token is made when none is configured or stored. Raises CannotStart, and StoreDown."""
    generated = ""
    try:
        parsed = [parse_token(text) for text in settings.token]
        if settings.tokens_file is not None:
            parsed += read_tokens_file(settings.tokens_file)
        if not parsed and not await token_store.list():
            generated = secrets.token_urlsafe(24)
            parsed = [(None, generated)]
        names = name_callers(parsed)
    except InvalidToken as error:
        raise CannotStart(str(error)) from error
    admins = set(settings.admin)
    if unknown := sorted(admins - set(names.values())):
        raise CannotStart(f"--admin {unknown[0]}: no configured token has this name")
    if generated:
        admins.add(names[generated])  # whoever reads the start-up lines runs this server
    return FirstCallers(names=names, admins=frozenset(admins), generated_token=generated)
