from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from stat import S_IMODE

import pytest

from streamchat.stores.sqlite_file import prepare_file


def _journal_mode(path: str) -> str:
    with closing(sqlite3.connect(path)) as connection:
        mode: str = connection.execute("PRAGMA journal_mode").fetchone()[0]
    return mode


def test_a_new_file_is_private_and_in_wal_mode(tmp_path: Path) -> None:
    path = tmp_path / "streamchat.db"
    prepare_file(str(path))
    assert S_IMODE(path.stat().st_mode) == 0o600
    assert _journal_mode(str(path)) == "wal"


def test_a_file_that_is_there_keeps_its_rights_and_rows(tmp_path: Path) -> None:
    path = tmp_path / "streamchat.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    path.chmod(0o640)
    prepare_file(str(path))
    assert S_IMODE(path.stat().st_mode) == 0o640
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT answer FROM kept").fetchall() == [(42,)]


def test_any_number_may_prepare_one_file_at_the_same_moment(tmp_path: Path) -> None:
    paths = [str(tmp_path / f"{number}.db") for number in range(20) for _ in range(8)]
    with ThreadPoolExecutor(max_workers=8) as threads:
        list(threads.map(prepare_file, paths))
    assert {_journal_mode(path) for path in paths} == {"wal"}


def test_what_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a database at all\n" * 100)
    with pytest.raises(sqlite3.DatabaseError, match="not a database"):
        prepare_file(str(path))
    assert path.read_text().startswith("not a database")
