"""The command line: arguments in, one question, a comparison or a chat, an exit status out."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import fields
from pathlib import Path
from typing import Any

import click

from streamchat.client.desk import Desk, Wishes
from streamchat.client.doors import ALL, DOORS
from streamchat.client.exits import CannotGoOn, Exit
from streamchat.client.given import attached, body_of, check, message_of, token_of
from streamchat.client.safe_text import safe
from streamchat.client.server import Server
from streamchat.client.standard_streams import drop_unwritten, open_closed

_FIELDS = (
    *("lang", "pace", "prompt", "prompt_mode", "conversation_id"),
    *("timeout", "on_disconnect", "on_busy", "chunking", "cache"),
)
_WISHES = tuple(field.name for field in fields(Wishes))
_SECONDS = click.FloatRange(0, 86_400, min_open=True)


@click.command(
    context_settings={"auto_envvar_prefix": "STREAMCHAT_CLIENT", "help_option_names": ["-h", "--help"]},
    epilog="""\b
Exit status:
    0  complete
    1  the server refused the question or failed at it
    2  wrong usage
    3  could not connect, or gave up resuming
    4  the answer took longer than allowed
    5  cancelled by someone else
    6  unauthorized: no valid token
    7  the backend asks something, and there is no terminal to ask it on
    8  the answer could not be written or saved as asked
  130  interrupted by Ctrl-C; the work on the server was cancelled
  141  whoever read the output has closed it; the work was left
  143  terminated; the work on the server was left""",
)
@click.argument("username", metavar="USERNAME", required=False)
@click.argument("message", metavar="MESSAGE", required=False)
@click.argument("token", metavar="TOKEN", required=False)
@click.option("--token", "token_option", envvar="STREAMCHAT_CLIENT_TOKEN", help="Instead of the argument.")
@click.option("--url", default="http://127.0.0.1:5001", show_default=True)
@click.option("--door", type=click.Choice([*DOORS, ALL]), default="smart", show_default=True, help="all: compare them.")
@click.option("--profiles", is_flag=True, help="List the profiles there are to talk to.")
@click.option("--lang", type=click.Choice(["zh", "en"]), help="Language of progress and errors.")
@click.option("--pace", type=click.Choice(["natural", "none"]), help="none: chunks as soon as they exist.")
@click.option("--prompt", help="Instructions beside the profile's own.")
@click.option("--prompt-mode", type=click.Choice(["append", "replace"]))
@click.option("--conversation-id", help="Go on with this conversation.")
@click.option("--attach", type=click.Path(dir_okay=False, path_type=Path), multiple=True, help="A file; repeatable.")
@click.option("--timeout", type=_SECONDS, help="Seconds; may only shorten the server's limit.")
@click.option("--on-disconnect", type=click.Choice(["cancel", "continue", "grace"]))
@click.option("--on-busy", type=click.Choice(["queue", "reject", "interrupt", "run"]))
@click.option("--chunking", metavar="STRATEGY[:SIZE]")
@click.option("--cache/--no-cache", default=None, help="May the answer come from the server's cache?")
@click.option("--save", type=click.Path(dir_okay=False, path_type=Path), help="Write the answer here while it comes.")
@click.option("--media-dir", type=click.Path(file_okay=False, path_type=Path), help="Save images, audio, files here.")
@click.option("--json", "as_json", is_flag=True, help="Print every frame as a line of JSON.")
@click.option("--plain", is_flag=True, help="On a terminal too: no bar, no markdown, no colour.")
@click.option("--history-file", type=click.Path(dir_okay=False, path_type=Path), help="Keep what is typed in a chat.")
@click.option("--retries", type=click.IntRange(0), default=5, show_default=True, help="Attempts in a row.")
@click.option("--stall", type=click.FloatRange(1), default=60, show_default=True, help="Seconds of silence.")
def main(username: str | None, message: str | None, token: str | None, **options: Any) -> None:  # noqa: ANN401
    """Ask the profile USERNAME the question MESSAGE and show the answer while it arrives.

    Without a MESSAGE: a chat. A MESSAGE that is - is read from standard input. On a terminal there are a bar, markdown
    and a summary; into a pipe goes the answer alone, and the rest to standard error. TOKEN may be left out when
    STREAMCHAT_CLIENT_TOKEN or STREAMCHAT_TOKEN holds it; every option has a variable too (STREAMCHAT_CLIENT_URL, ...).
    Ctrl-C stops the work on the server; a second one ends at once. A dropped connection is resumed where it broke, a
    silent one (--stall) counts as dropped.
    """
    open_closed()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    try:
        with _terminated_in_order():
            status = _run(username, message, token, options)
    except CannotGoOn as reason:
        click.echo(safe(str(reason)), err=True)
        status = reason.exit_status
    except (KeyboardInterrupt, click.Abort):  # the latter: at the prompt for the token
        status = Exit.INTERRUPTED
    except BrokenPipeError:
        status = Exit.UNREAD
    except OSError as error:
        with suppress(OSError):  # it may be this very output
            click.echo(f"cannot read or write: {error.strerror or error}", err=True)
        status = Exit.NOT_SAVED
    drop_unwritten()
    sys.exit(status)


@contextmanager
def _terminated_in_order() -> Iterator[None]:
    """SIGTERM leaves by way of every ``finally``: a bar that is being drawn hides the cursor."""
    before = signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(Exit.TERMINATED))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _run(username: str | None, message: str | None, token: str | None, options: dict[str, Any]) -> Exit:
    body = body_of({"username": username} | {name: options[name] for name in _FIELDS}) | attached(options["attach"])
    check(url=options["url"])
    if username is None and not options["profiles"]:
        raise click.UsageError("USERNAME is missing; --profiles lists who there is.")
    if message is None and options["door"] == ALL:
        raise click.UsageError("--door all compares the doors on a MESSAGE; there is none.")
    secret = token_of(argument=token, option=options["token_option"])
    server = Server(options["url"], secret, lang=options["lang"], stall_seconds=options["stall"])
    desk = Desk(server, Wishes(**{name: options[name] for name in _WISHES}))
    if options["profiles"]:
        return desk.list_profiles()
    if message is None:
        return desk.chat(options["door"], body)
    body |= body_of({"message": message_of(message)})
    return desk.compare(body) if options["door"] == ALL else desk.ask_once(options["door"], body)
