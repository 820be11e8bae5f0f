from __future__ import annotations

import asyncio
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from stat import S_IMODE

import psycopg
import pytest
from sqlalchemy import insert, text

from streamchat.stores.database import Database, StoreDown
from streamchat.stores.profiles import Profile, ProfileStore
from streamchat.stores.schema import tokens

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
BOB = Profile(username="bob", display_name="Bob")


@pytest.mark.gen_test
async def test_ping_of_an_open_database_is_silent(database: Database) -> None:
    await database.ping()


@pytest.mark.gen_test
async def test_a_ping_that_begins_as_another_ends_takes_nothing_from_it(database: Database) -> None:
    first = asyncio.create_task(database.ping(), name="first ping")
    others = []
    while not first.done():
        others.append(asyncio.create_task(database.ping(), name="another ping"))
        await asyncio.sleep(0)
    await asyncio.gather(first, *others)


@pytest.mark.gen_test
async def test_any_number_may_ping_at_the_same_moment_and_leave_or_close_meanwhile(database: Database) -> None:
    await asyncio.gather(*(database.ping() for _ in range(100)))
    leaving = asyncio.create_task(database.ping(), name="leaving")
    await asyncio.sleep(0)
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    await database.close()
    with pytest.raises(StoreDown, match="not open"):
        await database.ping()


@pytest.mark.gen_test
async def test_what_was_written_is_there_when_opened_again(database_url: str) -> None:
    for expected in ([], [BOB]):
        database = Database(database_url)
        await database.open()
        assert await ProfileStore(database).list() == expected
        await ProfileStore(database).put(BOB)
        await database.close()


@pytest.mark.gen_test(timeout=60)
async def test_several_can_create_the_tables_at_the_same_moment(database_url: str) -> None:
    databases = [Database(database_url) for _ in range(5)]
    await asyncio.gather(*(database.open() for database in databases))
    counts = await asyncio.gather(*(ProfileStore(database).seed([BOB]) for database in databases))
    assert sum(counts) == 1
    assert await ProfileStore(databases[0]).list() == [BOB]
    for database in databases:
        await database.close()


@pytest.mark.gen_test(timeout=60)
async def test_many_writers_and_readers_do_not_disturb_each_other(database: Database) -> None:
    store = ProfileStore(database)
    names = [f"user-{number:02}" for number in range(40)]
    await asyncio.gather(*(store.put(Profile(username=name, display_name=name)) for name in names))
    read = await asyncio.gather(*(store.get(name) for name in names))
    assert [profile and profile.username for profile in read] == names


@pytest.mark.gen_test
async def test_a_transaction_that_fails_leaves_nothing(database: Database) -> None:
    async def write_one_and_fail() -> None:
        async with database.writing() as connection:
            await connection.execute(insert(tokens).values(name="bob", secret_hash="x", created_at=NOON))
            await connection.execute(text("INSERT INTO nowhere VALUES (1)"))

    with pytest.raises(StoreDown):
        await write_one_and_fail()
    async with database.reading() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM tokens")) == 0


@pytest.mark.gen_test(timeout=60)
async def test_a_cancelled_piece_of_work_leaves_the_database_usable(database: Database) -> None:
    store = ProfileStore(database)
    for _ in range(20):
        task = asyncio.create_task(store.put(BOB), name="put")
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    await store.put(BOB)
    assert await store.list() == [BOB]


@pytest.mark.gen_test
async def test_the_error_holds_no_parameters(database: Database) -> None:
    async def fail() -> None:
        async with database.reading() as connection:
            await connection.execute(text("SELECT * FROM nowhere WHERE message = :m"), {"m": "my secret"})

    with pytest.raises(StoreDown) as caught:
        await fail()
    assert str(caught.value).startswith("the database refused: ")
    assert "my secret" not in str(caught.value)
    assert "my secret" not in str(caught.value.__cause__)


@pytest.mark.gen_test
async def test_a_database_that_is_not_open_is_down(database_url: str) -> None:
    database = Database(database_url)
    with pytest.raises(StoreDown, match="not open"):
        await database.ping()
    await database.open()
    await database.close()
    await database.close()
    with pytest.raises(StoreDown, match="not open"):
        await ProfileStore(database).put(BOB)


@pytest.mark.gen_test
async def test_ping_fails_when_the_tables_are_gone(database: Database) -> None:
    async with database.writing() as connection:
        await connection.execute(text("DROP TABLE profiles"))
    with pytest.raises(StoreDown):
        await database.ping()


@pytest.mark.parametrize("place", ["missing/streamchat.db", ""])
@pytest.mark.gen_test
async def test_a_file_that_cannot_be_is_one_clear_error(tmp_path: Path, place: str) -> None:
    database = Database(f"sqlite:///{tmp_path}/{place}")
    with pytest.raises(StoreDown, match="cannot be opened"):
        await database.open()
    with pytest.raises(StoreDown, match="not open"):
        await database.ping()


@pytest.mark.gen_test
async def test_a_file_that_is_no_database_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not a database at all\n" * 100)
    with pytest.raises(StoreDown, match="not a database"):
        await Database(f"sqlite:///{tmp_path}/notes.txt").open()


@pytest.mark.gen_test
async def test_a_server_that_is_not_there_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(StoreDown) as caught:
        await Database(f"postgresql://ada:hunter2@/chat?host={tmp_path}").open()
    assert "hunter2" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.gen_test
async def test_sqlite_is_private_and_lets_readers_read_beside_a_writer(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/streamchat.db")
    await database.open()
    async with database.reading() as connection:
        settings = [
            await connection.scalar(text(f"PRAGMA {name}")) for name in ("journal_mode", "busy_timeout", "foreign_keys")
        ]
    assert settings == ["wal", 5000, 1]
    assert {S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()} == {0o600}
    async with database.writing():
        await database.ping()
    await database.close()


@pytest.mark.gen_test
async def test_a_temporary_database_is_shared_by_its_connections_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    database = Database("sqlite://")
    await database.open()
    await ProfileStore(database).put(BOB)
    async with database.reading(), database.reading():
        assert await ProfileStore(database).list() == [BOB]
    await database.close()
    assert list(tmp_path.iterdir()) == []


def test_a_database_is_shown_as_it_was_named_without_the_password() -> None:
    shown = str(Database("postgresql://ada:hunter2@db/chat?password=hunter2"))
    assert "hunter2" not in shown
    assert (shown.startswith("postgresql://ada:"), shown.endswith("@db/chat")) == (True, True)
    assert str(Database("sqlite:///streamchat.db")) == "sqlite:///streamchat.db"


def test_processes_share_one_sqlite_file(tmp_path: Path) -> None:
    program = (
        "import asyncio, sys\n"
        "from streamchat.stores.database import Database\n"
        "from streamchat.stores.tokens import TokenStore\n"
        "async def main():\n"
        "    database = Database(sys.argv[1])\n"
        "    await database.open()\n"
        "    for number in range(10):\n"
        "        await TokenStore(database).create(f'{sys.argv[2]}-{number}')\n"
        "    print(len(await TokenStore(database).list()))\n"
        "    await database.close()\n"
        "asyncio.run(main())\n"
    )
    commands = [
        [sys.executable, "-c", program, f"sqlite:///{tmp_path}/streamchat.db", f"process-{number}"]
        for number in range(3)
    ]
    running = [
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2])
        for command in commands
    ]
    printed = [process.communicate(timeout=60)[0] for process in running]
    assert [process.returncode for process in running] == [0, 0, 0]
    assert max(int(count) for count in printed) == 30


@pytest.mark.slow
@pytest.mark.gen_test
async def test_a_connection_that_the_server_cut_is_replaced(postgres_url: str) -> None:
    database = Database(postgres_url)
    await database.open()
    await ProfileStore(database).put(BOB)
    with psycopg.connect(postgres_url, autocommit=True) as operator:
        operator.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE pid <> pg_backend_pid() AND application_name = 'streamchat'"
        )
    assert await ProfileStore(database).list() == [BOB]
    await database.close()
