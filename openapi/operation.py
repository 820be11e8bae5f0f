"""One operation of the API, as its table says it: what no door's code tells about itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel

from streamchat.handlers.door import Door
from streamchat.openapi.errors import AS_EVENT, AS_JSON, ErrorShape

Method = Literal["get", "post", "delete"]
Admittance = Literal["bearer", "ticket", "nobody"]

JSON = "application/json"
EVENTS = "text/event-stream"
TEXT = "text/plain"
PAGE = "text/html"


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
    """One method of one address. ``path`` has the names of its parameters where the route has patterns.

    ``parameters`` are names of the components; ``codes`` are the errors beside those that any such door has.
    """

    name: str
    door: type[Door]
    method: Method
    path: str
    tag: str
    summary: str
    about: str = ""
    parameters: tuple[str, ...] = ()
    takes: type[BaseModel] | None = None
    asked: Any = None
    gives: tuple[Answer, ...]
    codes: tuple[str, ...] = ()
    admits: tuple[Admittance, ...] | None = None
    error_shape: ErrorShape | None = None

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

    @property
    def says_errors(self) -> ErrorShape:
        """How: as its door does."""
        streams = self.door.is_streaming and self.method != "delete"
        return self.error_shape or (AS_EVENT if streams else AS_JSON)
