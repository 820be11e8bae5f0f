"""The databases that the stores are tested on: SQLite always, PostgreSQL where there is one."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import make_url
from tornado.ioloop import IOLoop

from streamchat.stores.database import Database


def _program(name: str) -> Path | None:
    found = shutil.which(name) or next(iter(Path("/usr/lib/postgresql").glob(f"*/bin/{name}")), None)
    return Path(found) if found else None


def _run_as_server(*command: object) -> None:
    # PostgreSQL refuses to run as root; packages bring a user of its own.
    user = "postgres" if os.geteuid() == 0 else None
    subprocess.run(
        [str(part) for part in command],
        user=user,
        group=user,
        extra_groups=[] if user else None,
        cwd="/",
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=60,
    )


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a PostgreSQL: the one that is named, or a throw-away one on a socket in a temporary folder."""
    if named := os.environ.get("STREAMCHAT_TEST_POSTGRES_URL"):
        yield named
        return
    initdb, pg_ctl = _program("initdb"), _program("pg_ctl")
    if initdb is None or pg_ctl is None:
        pytest.skip("STREAMCHAT_TEST_POSTGRES_URL is not set and no initdb is installed")
    with tempfile.TemporaryDirectory(prefix="pg-") as folder:
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres")
        data, options = f"{folder}/data", f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off"
        _run_as_server(initdb, "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync")
        _run_as_server(pg_ctl, "-D", data, "-w", "-l", f"{folder}/log", "-o", options, "start")
        try:
            yield f"postgresql://postgres@/postgres?host={folder}"
        finally:
            _run_as_server(pg_ctl, "-D", data, "-w", "-m", "immediate", "stop")


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """The URL of an empty schema of its own."""
    schema = f"streamchat_{uuid4().hex}"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {schema}".encode())
        # A session in a far zone: times must come out as UTC all the same.
        options = f"-csearch_path={schema} -ctimezone=Asia/Shanghai"
        yield make_url(postgres_server).update_query_dict({"options": options}).render_as_string(False)
        connection.execute(f"DROP SCHEMA {schema} CASCADE".encode())


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database, of each kind in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/streamchat.db"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
def database(database_url: str, io_loop: IOLoop) -> Iterator[Database]:
    """An open, empty database of each kind in turn."""
    opened = Database(database_url)
    io_loop.run_sync(opened.open)
    yield opened
    io_loop.run_sync(opened.close)
