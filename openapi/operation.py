"""One operation of the API, as its section says it: what no door's code tells about itself."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel

from streamchat.handlers.door import Door
from streamchat.handlers.routes import door_at
from streamchat.openapi.bodies import JSON
from streamchat.openapi.errors import AS_EVENT, AS_JSON, ErrorShape

Admittance = Literal["bearer", "ticket", "nobody"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What an operation answers when all is well. ``shape``: of its JSON, or of the data of its events.

    ``example`` makes one; ``headers`` are beside X-Request-Id.
    """

    about: str
    status: int = 200
    media_type: str | None = JSON
    shape: Any = None
    headers: tuple[str, ...] = ()
    example: Callable[[], Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method of one address. ``at``: both, as in "GET /api/streams/{stream_id}"; the routes know whose that is.

    ``parameters`` are names of the components, beside those in the path; ``codes`` are the errors beside those that any
    such door has.
    """

    at: str
    name: str
    summary: str
    about: str = ""
    parameters: tuple[str, ...] = ()
    takes: type[BaseModel] | None = None
    asked: Any = None
    gives: tuple[Answer, ...]
    codes: tuple[str, ...] = ()
    admits: tuple[Admittance, ...] | None = None

    @property
    def method(self) -> str:
        """In lower case."""
        return self.at.partition(" ")[0].lower()

    @property
    def path(self) -> str:
        """With the names of its parameters where the route has patterns."""
        return self.at.partition(" ")[2]

    @property
    def in_path(self) -> tuple[str, ...]:
        """The names of the parameters in the path."""
        return tuple(re.findall(r"\{([a-z_]+)\}", self.path))

    @property
    def door(self) -> type[Door]:
        """Who answers."""
        return door_at(self.path)

    @property
    def admitted(self) -> tuple[Admittance, ...]:
        """Who may ask: any of these."""
        return self.admits or (("bearer",) if self.door.needs_token else ("nobody",))

    @property
    def errors(self) -> tuple[str, ...]:
        """All codes that it may be answered with."""
        checks = ("unauthorized", "overloaded") if self.admitted != ("nobody",) else ()
        body = ("invalid_request", "body_too_large", "unsupported_media_type") if self.takes else ()
        return (*self.codes, *checks, *body, "internal_error")


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Operations that are shown together. ``error_shape``: how they say an error, where a dialect has its own way."""

    name: str
    about: str
    operations: tuple[Operation, ...]
    error_shape: ErrorShape | None = None

    def says_errors(self, operation: Operation) -> ErrorShape:
        """How this operation says one: as its door does."""
        streams = operation.door.is_streaming and operation.method != "delete"
        return self.error_shape or (AS_EVENT if streams else AS_JSON)
