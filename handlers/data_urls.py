"""Files as other people's clients send them: by an address, which may be a data: URL that has it all (RFC 2397)."""

from __future__ import annotations

from pydantic import ValidationError

from streamchat.handlers.chat_request import AttachmentField
from streamchat.handlers.errors import bad_field

_SCHEME = "data:"
_IN_BASE64 = ";base64"


def attachment_at(field: str, url: str, *, media_type: str | None = None, name: str | None = None) -> AttachmentField:
    """The file at ``url`` as an attachment; "" is no type and no name. Raises Refused, naming ``field``."""
    content = None
    if url[: len(_SCHEME)].lower() == _SCHEME:
        head, _, content = url[len(_SCHEME) :].partition(",")
        if not head.lower().endswith(_IN_BASE64):
            raise bad_field(field, "must be in base64, as a data: URL may be")
        media_type = media_type or head[: -len(_IN_BASE64)]
    source = {"url": url} if content is None else {"content": content}
    try:
        return AttachmentField(media_type=media_type or None, name=name or None, **source)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]["msg"]
        raise bad_field(field, problem.removeprefix("Value error, ")) from None
