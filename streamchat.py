"""Turn a slow function into a chat API: the front door for people who start, embed or import it.

The rooms are wired together in streamchat.serving; they are imported when they are needed, because importing
any room imports this module first.
"""

from __future__ import annotations

import importlib
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

_HERE = Path(__file__).resolve().parent
# A module with a __path__ is a package: the rooms beside this file (checkout), or in the folder
# streamchat/ beside it (wheel), are imported as streamchat.turns, streamchat.handlers, ...
__path__ = [str(_HERE / "streamchat" if (_HERE / "streamchat").is_dir() else _HERE)]

__version__ = "0.1.0"

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamchat.handlers.logs import LogFormat
    from streamchat.serving.server import Server
    from streamchat.turns.process_query import BoundFunction


class CannotLoad(Exception):
    """There is no such function; the message is one sentence for whoever starts the server."""


def load(spec: str, folder: str | None = None) -> Callable[..., Any]:
    """The function that ``module:function`` names, looked for in ``folder`` (default: the current one) first.

    The checkout goes last on the path: its folders have names that a user's own modules may have too.
    Raises CannotLoad.
    """
    module_name, separator, function_name = spec.partition(":")
    if not (separator and module_name and function_name):
        raise CannotLoad(f"--process-query must be module:function, not {spec!r}")
    here, user = str(_HERE), folder or str(Path.cwd())
    sys.path[:] = [user, *(entry for entry in sys.path if entry not in ("", user, here)), here]
    try:
        found: Any = importlib.import_module(module_name)
        for name in function_name.split("."):
            found = getattr(found, name)
    except Exception as error:
        raise CannotLoad(f"--process-query {spec}: {type(error).__name__}: {error}") from error
    return found  # type: ignore[no-any-return]


def load_bound(spec: str, folder: str, log_format: LogFormat, log_level: str) -> BoundFunction:
    """The function of ``spec`` with its arguments read; what a worker process calls when it begins.

    The log lines of whoever calls it look like this from then on, those of the function's module included.
    """
    from streamchat.handlers.logs import set_up_logging
    from streamchat.turns.process_query import BoundFunction

    set_up_logging(log_format, log_level)
    return BoundFunction(load(spec, folder), spec)


async def make_app(process_query: Callable[..., Any], **settings: Any) -> Server:  # noqa: ANN401 - the fields of Settings
    """A server around a function at hand, opened on the running loop and listening: for tests and for embedding.

    ``settings`` are the fields of ``streamchat.serving.settings.Settings``. Whoever makes it drains and closes it.
    """
    from streamchat.serving.server import Server
    from streamchat.serving.settings import Settings
    from streamchat.turns.process_query import BoundFunction

    server = Server(Settings(**settings), partial(BoundFunction, process_query))
    await server.open()
    try:
        server.listen()
    except BaseException:
        await server.close()
        raise
    return server


def main() -> None:
    """Run the command line."""
    from streamchat.serving.command_line import cli

    cli(prog_name="streamchat")


if __name__ == "__main__":
    # The script is __main__; its classes must be those that everyone else imports from streamchat.
    importlib.import_module("streamchat").main()
