"""Profiles: who answers, and in which voice. Knows no file and no HTTP.

The fields and their values are those of the contract (sections 2 and 7).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Literal, get_args
from unicodedata import category

from sqlalchemy import delete, func, select

from streamchat.stores.database import Database
from streamchat.stores.recent import Recent
from streamchat.stores.schema import profiles
from streamchat.stores.text import is_key, is_storable

Door = Literal["basic", "advanced", "smart"]
Language = Literal["zh", "en"]
OnDisconnect = Literal["cancel", "continue", "grace"]

# In characters (code points). A username goes into URLs, model names and log lines.
MAX_USERNAME_CHARACTERS: Final = 100
MAX_DISPLAY_NAME_CHARACTERS: Final = 200
# A system prompt is sent to the model with every question.
MAX_SYSTEM_PROMPT_CHARACTERS: Final = 20_000
# Posts are read whole with their profile for every question.
MAX_POSTS: Final = 1_000
MAX_POST_CHARACTERS: Final = 10_000
# Suggestions are buttons on a page.
MAX_SUGGESTIONS: Final = 20
MAX_SUGGESTION_CHARACTERS: Final = 300
MAX_MODEL_CHARACTERS: Final = 200
# What OpenAI's API takes (https://platform.openai.com/docs/api-reference/chat/create); and more tokens than any model.
MAX_TEMPERATURE: Final = 2
MAX_TOKENS: Final = 10_000_000
# A profile is asked for with every question; one that another process changes is seen this many seconds later.
CACHE_SECONDS: Final = 2.0
MAX_CACHED: Final = 200

# Control characters, line and paragraph separators. Not all of what is "unprintable": emoji have joiners in them.
_LINE_BREAKING: Final = ("Cc", "Zl", "Zp")


class InvalidProfile(ValueError):
    """A profile that breaks a rule; the sentence starts with the field."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileSettings:
    """What a conversation with this profile starts with, unless the request says otherwise. None: the server's.

    ``model``, ``temperature`` and ``max_tokens`` are for functions that ask a model; callers can read them.
    """

    door: Door | None = None
    lang: Language | None = None
    on_disconnect: OnDisconnect | None = None
    model: str | None = None
    temperature: float | None = None
    max_tokens: int | None = None

    def __post_init__(self) -> None:
        """Refuse a value that the contract does not list, or that no model takes (InvalidProfile)."""
        _check_choice("settings.door", self.door, get_args(Door))
        _check_choice("settings.lang", self.lang, get_args(Language))
        _check_choice("settings.on_disconnect", self.on_disconnect, get_args(OnDisconnect))
        if self.model is not None:
            _check_name("settings.model", self.model, MAX_MODEL_CHARACTERS)
        _check_number("settings.temperature", self.temperature, (int, float), 0, MAX_TEMPERATURE)
        _check_number("settings.max_tokens", self.max_tokens, (int,), 1, MAX_TOKENS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One voice to talk to. Whatever was made can be stored: making it checks it (InvalidProfile)."""

    username: str
    display_name: str
    system_prompt: str = ""
    posts: tuple[str, ...] = ()
    suggestions: tuple[str, ...] = ()
    settings: ProfileSettings = field(default_factory=ProfileSettings)

    def __post_init__(self) -> None:
        """Check every field against its type and limit."""
        _check_name("username", self.username, MAX_USERNAME_CHARACTERS)
        _check_name("display_name", self.display_name, MAX_DISPLAY_NAME_CHARACTERS)
        _check_text("system_prompt", self.system_prompt, MAX_SYSTEM_PROMPT_CHARACTERS)
        _check_texts("posts", self.posts, MAX_POSTS, MAX_POST_CHARACTERS)
        _check_texts("suggestions", self.suggestions, MAX_SUGGESTIONS, MAX_SUGGESTION_CHARACTERS)


def profile_of(document: object) -> Profile:
    """The profile that a document (the mapping in a file, or a row) describes. Raises InvalidProfile."""
    fields = _mapping("profile", document, Profile.__dataclass_fields__)
    if "username" not in fields:
        raise InvalidProfile("username: missing")
    settings = _mapping("settings", fields.get("settings", {}), ProfileSettings.__dataclass_fields__)
    complete: dict[str, Any] = {"display_name": fields["username"], **fields}
    complete |= {name: _tuple(name, fields[name]) for name in ("posts", "suggestions") if name in fields}
    return Profile(**(complete | {"settings": ProfileSettings(**settings)}))


def document_of(profile: Profile) -> dict[str, Any]:
    """The document that `profile_of` reads the same profile from; settings that are not set are left out."""
    settings = {name: value for name, value in asdict(profile.settings).items() if value is not None}
    lists = {"posts": list(profile.posts), "suggestions": list(profile.suggestions)}
    return asdict(profile) | lists | {"settings": settings}


class ProfileStore:
    """The profiles in the database. Every method may raise StoreDown."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._recent: Recent[Profile] = Recent(seconds=CACHE_SECONDS, most=MAX_CACHED, clock=clock)
        self._readings: dict[str, asyncio.Task[Profile | None]] = {}

    async def get(self, username: str) -> Profile | None:
        """The profile of this name, exactly spelled, as it was at most CACHE_SECONDS ago; None if there is none."""
        recent = self._recent.get(username)
        if recent is not None:
            return recent
        reading = self._readings.get(username)
        if reading is None:
            # Everyone who asks while the row is being read waits for that one reading: when the memory of a busy
            # profile ends, a thousand questions must not all go for the database's few connections.
            reading = self._readings[username] = asyncio.create_task(self._read(username), name="read a profile")
            reading.add_done_callback(lambda done: self._remember(username, done))
        return await asyncio.shield(reading)

    def _remember(self, username: str, reading: asyncio.Task[Profile | None]) -> None:
        if self._readings.get(username) is not reading:
            return  # it was changed meanwhile: what was read may be what it had been
        del self._readings[username]
        profile = None if reading.cancelled() or reading.exception() else reading.result()
        if profile is not None:
            self._recent.put(username, profile)

    def _forget(self, username: str) -> None:
        self._recent.forget(username)
        self._readings.pop(username, None)

    async def _read(self, username: str) -> Profile | None:
        if not is_key(username):
            return None
        async with self._database.reading() as connection:
            found = await connection.execute(select(profiles).where(profiles.c.username == username))
            row = found.mappings().first()
        return None if row is None else profile_of(row)

    async def list(self) -> list[Profile]:
        """Every profile, by username."""
        async with self._database.reading() as connection:
            rows = (await connection.execute(select(profiles))).mappings().all()
        # Sorted here, because the databases disagree about the order of letters.
        return sorted(map(profile_of, rows), key=lambda profile: profile.username)

    async def put(self, profile: Profile) -> None:
        """Keep the profile, in place of the one of the same name."""
        document = document_of(profile)
        insert = self._database.insert(profiles).values(document)
        async with self._database.writing() as connection:
            await connection.execute(insert.on_conflict_do_update(index_elements=[profiles.c.username], set_=document))
        self._forget(profile.username)

    async def remove(self, username: str) -> bool:
        """Whether there was such a profile; its conversations stay."""
        if not is_key(username):
            return False
        async with self._database.writing() as connection:
            removed = await connection.execute(delete(profiles).where(profiles.c.username == username))
        self._forget(username)
        return removed.rowcount > 0

    async def seed(self, samples: Iterable[Profile]) -> int:
        """Put the samples into a table that is empty; how many were put."""
        documents = [document_of(profile) for profile in samples]
        # Returned by the database, because another server may have put the same row a moment ago.
        insert = self._database.insert(profiles).values(documents).on_conflict_do_nothing()
        put = insert.returning(profiles.c.username)
        async with self._database.writing() as connection:
            if not documents or await connection.scalar(select(func.count()).select_from(profiles)):
                return 0
            return len((await connection.execute(put)).all())


def _check_choice(name: str, value: object, allowed: tuple[str, ...]) -> None:
    if value is not None and (not isinstance(value, str) or value not in allowed):
        raise InvalidProfile(f"{name}: must be one of {', '.join(allowed)}")


def _check_number(name: str, value: object, kinds: tuple[type, ...], least: float, most: float) -> None:
    if value is not None and (type(value) not in kinds or not least <= value <= most):  # type: ignore[operator]
        kind = "a number" if float in kinds else "a whole number"
        raise InvalidProfile(f"{name}: must be {kind} from {least} to {most}")


def _check_name(name: str, value: object, most: int) -> None:
    _check_text(name, value, most)
    if not str(value).strip():
        raise InvalidProfile(f"{name}: must not be empty")
    if any(category(character) in _LINE_BREAKING for character in str(value)) or str(value) != str(value).strip():
        raise InvalidProfile(f"{name}: must be one line without control characters or blanks around it")


def _check_text(name: str, value: object, most: int) -> None:
    if not isinstance(value, str):
        raise InvalidProfile(f"{name}: must be text, not {_kind(value)}")
    if len(value) > most:
        raise InvalidProfile(f"{name}: has {len(value)} characters, at most {most} are allowed")
    if not is_storable(value):
        raise InvalidProfile(f"{name}: must not have U+0000 or a lone surrogate in it")


def _check_texts(name: str, values: tuple[object, ...], most: int, most_characters: int) -> None:
    if len(values) > most:
        raise InvalidProfile(f"{name}: has {len(values)} entries, at most {most} are allowed")
    for number, value in enumerate(values, 1):
        _check_text(f"{name}[{number}]", value, most_characters)
        if not str(value).strip():
            raise InvalidProfile(f"{name}[{number}]: must not be empty")


def _mapping(name: str, value: object, known: Iterable[str]) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise InvalidProfile(f"{name}: must be a mapping of fields, not {_kind(value)}")
    for key in value:
        if key not in known:
            raise InvalidProfile(f"{_printable(key)}: unknown field; known are {', '.join(known)}")
    return dict(value)


def _tuple(name: str, value: object) -> tuple[object, ...]:
    if not isinstance(value, (list, tuple)):
        raise InvalidProfile(f"{name}: must be a list of texts, not {_kind(value)}")
    return tuple(value)


def _kind(value: object) -> str:
    return "nothing" if value is None else type(value).__name__


def _printable(key: object) -> str:
    return key if isinstance(key, str) and key.isprintable() else ascii(key)
