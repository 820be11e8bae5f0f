"""Which OpenAI-compatible server is asked, and how: a record, read once from the environment. Knows no network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, Json, TypeAdapter, ValidationError

from streamchat.backends.openai_attachments import Kind

OPENAI_URL: Final = "https://api.openai.com/v1"
PREFIX: Final = "STREAMCHAT_OPENAI_"
# What the settings of a profile may say otherwise. Not where its questions go: the key goes there with them.
PROFILE_SETTINGS: Final = ("model", "temperature", "max_tokens")

_LOOPBACK = ("localhost", "::1")


class NotConfigured(ValueError):
    """A setting is missing or impossible; the sentence names it and never quotes a value that may be a key."""


def _is_base_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must begin with http:// or https:// and a host")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("must have no user, password, query or fragment; the key has a setting of its own")
    if parts.path.rstrip("/").endswith("/completions"):
        raise ValueError("must end before /chat/completions, in most cases with /v1")
    return url.rstrip("/")


def _kinds(text: object) -> object:
    """The variable's words; "none" is none of them."""
    if not isinstance(text, str):
        return text
    return () if text == "none" else tuple(word.strip() for word in text.split(","))


def _is_header_text(key: str) -> str:
    # Refused here, in words that do not quote it.
    if not key.isascii() or not key.isprintable() or " " in key:
        raise ValueError("must be printable ASCII without blanks")
    return key


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """One server and model. ``temperature`` and ``max_tokens`` are left to the server where they are None.

    ``extra_body`` goes into every request as it is. ``retries`` are those before the first token. ``attachments`` are
    the kinds that the model takes. ``tools`` is module:list, ``tool_rounds`` how often the model may ask for some in
    one answer, ``tool_seconds`` what one call may take.
    """

    base_url: Annotated[str, AfterValidator(_is_base_url)] = OPENAI_URL
    api_key: Annotated[str, AfterValidator(_is_header_text)] = field(default="", repr=False)
    model: Annotated[str, Field(min_length=1)]
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    extra_body: Json[dict[str, Any]] = field(default_factory=dict)
    retries: Annotated[int, Field(ge=0, le=10)] = 2
    attachments: Annotated[tuple[Kind, ...], BeforeValidator(_kinds)] = ("image", "text")
    tools: str = ""
    tool_rounds: Annotated[int, Field(ge=1, le=100)] = 8
    tool_seconds: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 30.0

    @property
    def is_openai(self) -> bool:
        """Whether it is OpenAI's own server, which differs from those that are compatible with it."""
        return urlsplit(self.base_url).hostname == urlsplit(OPENAI_URL).hostname

    @property
    def is_loopback(self) -> bool:
        """Whether the server is on this machine, where no proxy has to see what is said."""
        host = urlsplit(self.base_url).hostname or ""
        return host in _LOOPBACK or host.startswith("127.")

    def for_profile(self, profile: Mapping[str, Any]) -> Upstream:
        """The same with what the profile's settings say."""
        settings = profile.get("settings") or {}
        return replace(self, **{name: settings[name] for name in PROFILE_SETTINGS if settings.get(name) is not None})


def upstream_from(environ: Mapping[str, str]) -> Upstream:
    """The upstream that the variables describe; docs/backends.md has their table. An empty one is one not set.

    OPENAI_BASE_URL and OPENAI_API_KEY count together only: a key for OpenAI must not go to a server that
    STREAMCHAT_OPENAI_BASE_URL names. Raises NotConfigured.
    """
    given = {name: environ.get(PREFIX + name.upper(), "").strip() for name in Upstream.__dataclass_fields__}
    names = {name: PREFIX + name.upper() for name in given}
    if not given["base_url"]:
        for name in ("base_url", "api_key"):
            if not given[name]:
                given[name], names[name] = environ.get(f"OPENAI_{name.upper()}", "").strip(), f"OPENAI_{name.upper()}"
    try:
        upstream = TypeAdapter(Upstream).validate_python({name: value for name, value in given.items() if value})
    except ValidationError as error:
        raise NotConfigured("; ".join(_sentences(error, names))) from None
    if upstream.is_openai and not upstream.api_key:
        raise NotConfigured(f"{OPENAI_URL} needs a key: set {PREFIX}API_KEY or OPENAI_API_KEY")
    return upstream


def _sentences(error: ValidationError, names: Mapping[str, str]) -> list[str]:
    found = error.errors(include_url=False, include_input=False, include_context=False)
    return [f"{names[str(one['loc'][0])]}: {_told(one['type'], one['msg'])}" for one in found]


def _told(kind: str, message: str) -> str:
    return "is not set" if kind == "missing" else message.removeprefix("Value error, ")
