"""The command line: options, STREAMCHAT_* variables and a file become Settings; signals become a drain."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import resource
import shlex
import signal
import sys
from collections.abc import Callable
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any, get_args

import click
import yaml

from streamchat import CannotLoad, __version__, load_bound
from streamchat.chunking.registry import BrokenStrategy
from streamchat.handlers.logs import set_up_logging
from streamchat.serving.collector import settle_collector
from streamchat.serving.server import Server
from streamchat.serving.settings import CannotStart, Settings
from streamchat.stores.commands import profiles, tokens
from streamchat.stores.database_url import InvalidDatabaseUrl
from streamchat.turns.process_query import UnusableFunction
from streamchat.turns.query import OnBusy


def _read_config(context: click.Context, _parameter: click.Parameter, path: str | None) -> str | None:
    """Make the file's keys the defaults of the options of the same names."""
    if path is None:
        return None
    try:
        content = yaml.safe_load(Path(path).read_text(encoding="utf-8")) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise click.BadParameter(" ".join(str(error).split())) from error
    known = {field.name for field in fields(Settings)}
    if not isinstance(content, dict):
        raise click.BadParameter(f"{path} must be a mapping of option names")
    content = {str(key).replace("-", "_"): _as_typed(value) for key, value in content.items() if value is not None}
    if unknown := sorted(content.keys() - known):
        raise click.BadParameter(f"{path} has unknown keys: {', '.join(unknown)}")
    for name in ("token", "admin", "allowed_origins", "attachment_types", "fetch_attachments"):
        if isinstance(content.get(name), str):
            content[name] = [content[name]]
    context.default_map = content
    return path


def _as_typed(value: object) -> str | list[str]:
    """A value of the file as somebody would type it, so that it is checked as strictly as an option."""
    return [str(item) for item in value] if isinstance(value, list) else str(value)


class _SecondsRange(click.FloatRange):
    """Seconds within limits; NaN, which no comparison puts outside of them, is none."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ANN401
        seconds = super().convert(value, param, ctx)
        if seconds != seconds:
            self.fail(f"{value} is not a number.", param, ctx)
        return seconds


_DEFAULT = Settings()
_Seconds = _SecondsRange(min=0.0, max=86_400.0)
_Duration = _SecondsRange(min=0.0, min_open=True, max=86_400.0)
_Count = click.IntRange(min=1)
_Days = click.IntRange(0, 36_500)


def _option(name: str, text: str, kind: Any = None, **more: Any) -> Callable[[Any], Any]:  # noqa: ANN401
    default = getattr(_DEFAULT, name.removeprefix("--").replace("-", "_"))
    return click.option(name, type=kind, default=default, show_default=True, show_envvar=True, help=text, **more)


@click.group(invoke_without_command=True, context_settings={"auto_envvar_prefix": "STREAMCHAT"})
@click.version_option(__version__, prog_name="streamchat")
@click.option(
    "--config", is_eager=True, expose_value=False, callback=_read_config, help="YAML or JSON file of these options."
)
@_option("--host", "Address to listen on.")
@_option("--port", "Port to listen on; 0 takes a free one.", click.IntRange(0, 65_535))
@_option("--process-query", "Your function, as module:function; without it an embedded model answers.")
@_option("--token", "A bearer token, or name=token; repeatable.", multiple=True)
@_option("--tokens-file", "File with one token, or name=token, a line.", click.Path(dir_okay=False))
@_option("--admin", "Name of a configured token that may see all callers' figures; repeatable.", multiple=True)
@_option("--database-url", "SQLite or PostgreSQL URL for profiles, conversations, tokens and analytics.")
@_option(
    "--workers",
    "Run functions in threads, or in processes that can be killed (all --max-running are started at once).",
    click.Choice(["threads", "processes"]),
)
@_option("--max-running", "Functions that run at a time.", _Count)
@_option("--max-queued", "Turns that may wait for a worker.", click.IntRange(min=0))
@_option("--max-abandoned", "Functions past their end that are replaced by a new worker.", click.IntRange(min=0))
@_option("--start-timeout", "Seconds a worker process may take to import your module.", _Duration)
@_option("--process-timeout", "Seconds a function may take.", _Duration)
@_option("--input-timeout", "Seconds a question of a function to its user stays open at most.", _Duration)
@_option("--max-input-characters", "Characters of what a user says to a running function.", _Count)
@_option(
    "--on-busy",
    "A question while an earlier one of its conversation is not answered: let both run, let it wait (queue), "
    "refuse it, or stop the earlier one.",
    click.Choice(get_args(OnBusy)),
)
@_option("--linger", "Seconds a turn goes on that nobody reads.", _Seconds)
@_option("--remember", "Seconds a finished turn can be resumed.", _Seconds)
@_option("--keepalive", "Seconds of silence before a keep-alive.", _Duration)
@_option("--stall", "Seconds in which a client must take 16 KiB of what waits for it.", _Duration)
@_option("--drain", "Seconds that running turns have to finish at shutdown.", _Seconds)
@_option("--slow-turn", "Seconds after which a turn is worth a warning; 0 is never.", _Seconds)
@_option("--max-body-bytes", "Bytes of a request's body.", _Count)
@_option("--max-attachments", "Files that may come with a question.", _Count)
@_option("--max-attachment-bytes", "Bytes of one of them, decoded.", _Count)
@_option("--max-total-attachment-bytes", "Bytes of all of them; a body may be longer by as much.", _Count)
@_option(
    "--attachment-types",
    "Media type that may come with a question, as in image/png or image/*; repeatable.",
    multiple=True,
)
@_option(
    "--fetch-attachments",
    "Host, or HOST:PORT, that an attachment given as a URL is fetched from, or any; repeatable.",
    multiple=True,
)
@_option("--fetch-timeout", "Seconds that fetching one attachment may take.", _Duration)
@_option(
    "--max-connections", "Connections that may be open; fewer when the process may not open as many files.", _Count
)
@_option("--max-answer-characters", "Characters of an answer.", _Count)
@_option("--analytics-days", "Days that a record of each turn, without its text, is kept; 0 keeps none.", _Days)
@_option("--ticket-lifetime", "Seconds a ticket waits for its follower, at first and after each break.", _Duration)
@_option("--max-socket-turns", "Turns that a WebSocket follows at a time.", _Count)
@_option("--max-socket-messages", "Messages a second that are read from a WebSocket.", _Count)
@_option(
    "--allowed-origins",
    "Origin of another site whose pages may open a WebSocket, as in https://example.org, or * for all; repeatable.",
    multiple=True,
)
@_option(
    "--metrics-access", "Who may read /metrics: everybody, or callers with a token.", click.Choice(["open", "bearer"])
)
@_option("--metrics-address", "HOST:PORT for /metrics alone, which --port has no longer; port 0 takes a free one.")
@_option("--otel", "Send traces by OpenTelemetry; the OTEL_* variables say where to.", click.BOOL, is_flag=True)
@_option("--log-format", "How log lines look.", click.Choice(["text", "json"]))
@_option("--log-level", "Least level that is logged.", click.Choice(["debug", "info", "warning", "error"]))
@click.pass_context
def cli(context: click.Context, /, **options: Any) -> None:  # noqa: ANN401 - click's own
    """Serve a slow function as a chat API with progress, streaming, stop and resume."""
    try:
        settings = Settings(**options)
        context.obj = {"database_url": settings.database_url}
        if context.invoked_subcommand is None:
            _run(settings)
    except (CannotStart, CannotLoad, UnusableFunction, BrokenStrategy, InvalidDatabaseUrl) as error:
        raise click.ClickException(str(error)) from error


cli.add_command(profiles)
cli.add_command(tokens)


def _run(settings: Settings) -> None:
    set_up_logging(settings.log_format, settings.log_level)
    _raise_file_limit()
    spec, reason = settings.process_query, ""
    if spec is None:
        from streamchat.backends.choose import embedded_or_persona

        choice = embedded_or_persona(_teller(settings))
        spec, reason = choice.spec, choice.reason
    server = Server(settings, partial(load_bound, spec, str(Path.cwd()), settings.log_format, settings.log_level))
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_serve(server, reason))
        _leave()


def _teller(settings: Settings) -> Callable[[str], None]:
    """Says something to whoever watches; standard error has nothing but JSON in it when that was asked for."""
    if settings.log_format == "json":
        return logging.getLogger("streamchat").info
    return partial(click.echo, err=True)


def _leave() -> None:
    """Exit with status 0. Python would wait for hung workers, and for threads that functions have left behind."""
    for flush in (logging.shutdown, sys.stdout.flush, sys.stderr.flush):
        with contextlib.suppress(OSError, ValueError):  # a function may have closed them
            flush()
    os._exit(0)


def _raise_file_limit() -> None:
    """Each stream is an open file; the soft limit of a shell (often 1,024) is far below what the loop can hold."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    with contextlib.suppress(ImportError):
        import uvloop

        return uvloop.new_event_loop
    return None


async def _serve(server: Server, reason: str) -> None:
    await server.open()
    try:
        server.listen()
    except CannotStart:
        await server.close()
        raise
    settle_collector()
    stopped, tell = asyncio.Event(), _teller(server.settings)

    def stop() -> None:
        if stopped.is_set():
            os._exit(130)
        stopped.set()
        with contextlib.suppress(OSError, ValueError):  # nobody may be there to read it
            tell("Stopping: running turns may finish; press Ctrl-C again to end at once.")

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    _announce(server, reason)
    await stopped.wait()
    await server.drain()
    await server.close()


def _announce(server: Server, reason: str) -> None:
    settings = server.settings
    address = _url(settings.host, server.port)
    shown = server.generated_token or "YOUR_TOKEN"
    lines = [
        f"streamchat {__version__} on {address} (test page: {address}/)",
        f"  backend  {server.bound.name}{f' ({reason})' if reason else ''}",
        f"  storage  {server.database}",
        f"  limits   {settings.max_running} running ({settings.workers}), {settings.max_queued} queued, "
        f"{settings.process_timeout:g} s each, {settings.max_body_bytes} bytes a request",
    ]
    if server.metrics_address is not None:
        lines.append(f"  metrics  {_url(*server.metrics_address)}/metrics ({settings.metrics_access})")
    if server.generated_token:
        lines.append(f"  token    {server.generated_token} (made for this run, as none is configured)")
    body = json.dumps({"username": server.sample_username, "message": "What is a rollup?", "lang": "en"})
    lines += [
        "  try      "
        f"curl -N {address}/api/stream_chat_smart -H 'Authorization: Bearer {shown}' "
        f"-H 'Content-Type: application/json' -d {shlex.quote(body)}"
    ]
    click.echo("\n".join(lines))
    sys.stdout.flush()


def _url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
