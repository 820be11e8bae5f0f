"""What comes with a question: checked at the door, and fetched where a caller has only said where it is.

Knows no bodies and no frames; who may ask is settled before.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import httpx

from streamchat.handlers.attachment_rules import AttachmentRules
from streamchat.handlers.base64_text import decoded, decoded_bytes
from streamchat.handlers.chat_request import AttachmentField
from streamchat.handlers.errors import bad_field, too_large
from streamchat.handlers.fetching import Fetched, Fetcher, FetchFailed, NotFetchable
from streamchat.handlers.media_types import UNKNOWN, problem_with, recognised
from streamchat.metrics.door_metrics import DoorMetrics
from streamchat.turns.attachment import Attachment
from streamchat.turns.conversation_lines import NotReady
from streamchat.turns.events import Ended

# A reason has a sentence of its own, as what the caller can do about it differs. Why an address is not reached is not
# told: it would show the network that the server is in.
_REASONS = {"too_large": "attachment_too_large", "wrong_type": "attachment_wrong_type"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """An attachment that is to be fetched. ``media_type`` is what the caller says of it, None for nothing."""

    url: httpx.URL
    name: str
    media_type: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenIn:
    """A question's attachments after the checks at the door, in the caller's order."""

    items: tuple[Attachment | Wanted, ...] = ()

    @property
    def ready(self) -> tuple[Attachment, ...]:
        """Those that came with the question."""
        return tuple(item for item in self.items if isinstance(item, Attachment))

    @property
    def is_whole(self) -> bool:
        """Whether nothing is to be fetched."""
        return len(self.ready) == len(self.items)


class AttachmentDesk:
    """Takes attachments in. ``takes``: the types that the function takes, none when it does not ask for any."""

    def __init__(
        self, rules: AttachmentRules, takes: Sequence[str], fetcher: Fetcher | None, metrics: DoorMetrics
    ) -> None:
        self._rules = rules
        self._takes = takes
        self._fetcher = fetcher
        self._metrics = metrics

    @property
    def max_encoded_bytes(self) -> int:
        """How much longer a body may be for the attachments in it: base64 makes four characters of three bytes."""
        return self._rules.max_total_bytes * 4 // 3 + 4 * self._rules.max_count if self._takes else 0

    async def take_in(self, given: Sequence[AttachmentField]) -> TakenIn:
        """Check and decode what a question brings. Raises Refused, naming the field; then nothing has happened."""
        if not given:
            return TakenIn()
        if not self._takes:
            raise bad_field("attachments", "must be left out: the function of this server takes none")
        if len(given) > self._rules.max_count:
            raise bad_field("attachments", f"must be no more than {self._rules.max_count} (--max-attachments)")
        self._check_sizes(given)
        return TakenIn(items=tuple([await self._item(f"attachments.{n}", one) for n, one in enumerate(given)]))

    def count(self, taken: TakenIn) -> None:
        """The question has become a turn: what came with it counts. What is to be fetched counts when it has come."""
        for attachment in taken.ready:
            self._metrics.attachment_taken(attachment.media_type)

    def room_for(self, taken: TakenIn) -> int:
        """The most bytes that these will hold once they are whole."""
        ready = sum(len(item.content) for item in taken.ready)
        return ready if taken.is_whole else self._rules.max_total_bytes

    async def fetch(self, taken: TakenIn) -> tuple[Attachment, ...]:
        """All of them, whole. Raises NotReady when one can't be had, which ends the turn."""
        left = self._rules.max_total_bytes - sum(len(item.content) for item in taken.ready)
        whole = []
        for place, item in enumerate(taken.items):
            if isinstance(item, Wanted):
                item = await self._fetched(item, f"attachments.{place}", left)
                left -= len(item.content)
            whole.append(item)
        return tuple(whole)

    def _check_sizes(self, given: Iterable[AttachmentField]) -> None:
        rules, total = self._rules, 0
        for place, one in enumerate(given):
            size = decoded_bytes(one.content or "")
            total += size
            if size > rules.max_bytes:
                raise too_large(rules.max_bytes, "--max-attachment-bytes", field=f"attachments.{place}.content")
        if total > rules.max_total_bytes:
            raise too_large(rules.max_total_bytes, "--max-total-attachment-bytes", field="attachments")

    async def _item(self, field: str, given: AttachmentField) -> Attachment | Wanted:
        if given.media_type is not None and (problem := self._rules.problem_with_type(given.media_type, self._takes)):
            raise bad_field(f"{field}.media_type", problem)
        if given.url is not None:
            return self._wanted(field, given, given.url)
        assert given.media_type is not None
        assert given.content is not None
        content = await decoded(given.content)
        if content is None:
            raise bad_field(f"{field}.content", "must be base64, with its padding and without line breaks")
        if problem := problem_with(given.media_type, content):
            raise bad_field(f"{field}.content", problem)
        return Attachment(media_type=given.media_type, name=given.name or "", content=content)

    def _wanted(self, field: str, given: AttachmentField, url: str) -> Wanted:
        if self._fetcher is None:
            raise bad_field(
                f"{field}.url", "must be left out: this server fetches nothing (--fetch-attachments); send the content"
            )
        try:
            return Wanted(url=self._fetcher.check(url), name=given.name or "", media_type=given.media_type)
        except NotFetchable as error:
            raise bad_field(f"{field}.url", str(error)) from None

    async def _fetched(self, wanted: Wanted, field: str, left: int) -> Attachment:
        assert self._fetcher is not None
        try:
            fetched = await self._fetcher.fetch(wanted.url, min(self._rules.max_bytes, left))
            attachment = self._checked(wanted, fetched)
        except FetchFailed as failure:
            self._metrics.attachment_fetched(failure.why)
            reason = _REASONS.get(failure.why, "attachment_unreachable")
            detail = f"{field}: {failure}"
            ended = Ended(cause="error", code="attachment_unavailable", reason=reason, detail=detail)
            raise NotReady(ended) from failure
        self._metrics.attachment_fetched("fetched")
        self._metrics.attachment_taken(attachment.media_type)
        return attachment

    def _checked(self, wanted: Wanted, fetched: Fetched) -> Attachment:
        media_type = fetched.media_type
        if media_type == UNKNOWN:
            media_type = wanted.media_type or recognised(fetched.content) or UNKNOWN
        problem = self._rules.problem_with_type(media_type, self._takes) or problem_with(media_type, fetched.content)
        if wanted.media_type not in (None, media_type):
            problem = f"is not {wanted.media_type}"
        if problem:
            raise FetchFailed("wrong_type", f"{wanted.url.host}: what it gave as {media_type} {problem}")
        return Attachment(media_type=media_type, name=wanted.name, content=fetched.content)
