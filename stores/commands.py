"""`streamchat profiles …` and `streamchat tokens …`: the stores for an operator's hands.

The database URL is `ctx.obj["database_url"]`, put there by the composition root. Results go to standard output as
plain text; an error is one sentence on standard error and exit status 1.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import click
import yaml

from streamchat.stores.database import Database, StoreDown
from streamchat.stores.database_url import InvalidDatabaseUrl
from streamchat.stores.profile_files import read_profiles
from streamchat.stores.profiles import InvalidProfile, Profile, ProfileStore, document_of
from streamchat.stores.tokens import InvalidToken, TokenExists, TokenStore

_Result = TypeVar("_Result")


@click.group()
def profiles() -> None:
    """Who can be talked to: import, list, show and remove profiles."""


@profiles.command("import")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...", type=click.Path())
@click.pass_context
def import_profiles(context: click.Context, paths: tuple[str, ...]) -> None:
    """Read profiles from YAML or JSON files or folders, and keep them in place of those of the same name."""

    async def put_all(database: Database) -> list[Profile]:
        # All files are read before the first profile is put: a mistake in the last one changes nothing.
        found = [profile for path in paths for profile in read_profiles(path)]
        for profile in found:
            await ProfileStore(database).put(profile)
        return found

    for profile in _with_database(context, put_all):
        click.echo(f"imported {profile.username}")


@profiles.command("list")
@click.pass_context
def list_profiles(context: click.Context) -> None:
    """Print a line a profile: username, display name, number of posts."""
    for profile in _with_database(context, lambda database: ProfileStore(database).list()):
        click.echo(f"{profile.username}\t{profile.display_name}\t{len(profile.posts)} posts")


@profiles.command("show")
@click.argument("name")
@click.pass_context
def show_profile(context: click.Context, name: str) -> None:
    """Print the profile as the YAML that import reads."""
    profile = _with_database(context, lambda database: ProfileStore(database).get(name))
    if profile is None:
        raise click.ClickException(f"no profile is named {name}")
    click.echo(yaml.safe_dump(document_of(profile), allow_unicode=True, sort_keys=False), nl=False)


@profiles.command("remove")
@click.argument("name")
@click.pass_context
def remove_profile(context: click.Context, name: str) -> None:
    """Remove the profile; its conversations stay."""
    if not _with_database(context, lambda database: ProfileStore(database).remove(name)):
        raise click.ClickException(f"no profile is named {name}")
    click.echo(f"removed {name}")


@click.group()
def tokens() -> None:
    """Who may call: create, list and revoke bearer tokens."""


@tokens.command("create")
@click.argument("name")
@click.option("--admin", "is_admin", is_flag=True, help="May see the figures of all callers (/api/analytics).")
@click.pass_context
def create_token(context: click.Context, name: str, is_admin: bool) -> None:
    """Make a token for the caller NAME and print it, this once."""
    click.echo(_with_database(context, lambda database: TokenStore(database).create(name, is_admin=is_admin)))
    click.echo("Keep it well: it is not stored and cannot be shown again.", err=True)


@tokens.command("list")
@click.pass_context
def list_tokens(context: click.Context) -> None:
    """Print a line a token: the caller's name, when it was made (UTC), and "admin" if it is one."""
    for record in _with_database(context, lambda database: TokenStore(database).list()):
        mark = "\tadmin" if record.is_admin else ""
        click.echo(f"{record.name}\t{record.created_at:%Y-%m-%d %H:%M:%S} UTC{mark}")


@tokens.command("revoke")
@click.argument("name")
@click.pass_context
def revoke_token(context: click.Context, name: str) -> None:
    """Revoke the token; a running server notices within seconds."""
    if not _with_database(context, lambda database: TokenStore(database).revoke(name)):
        raise click.ClickException(f"no token is named {name}")
    click.echo(f"revoked {name}")


def _with_database(context: click.Context, work: Callable[[Database], Awaitable[_Result]]) -> _Result:
    """What the work returns, with the database opened before and closed after it."""

    async def run() -> _Result:
        database = Database(context.obj["database_url"])
        await database.open()
        try:
            return await work(database)
        finally:
            await database.close()

    try:
        return asyncio.run(run())
    except (InvalidDatabaseUrl, InvalidProfile, InvalidToken, StoreDown, TokenExists) as error:
        raise click.ClickException(str(error)) from error
