"""Adds to the tables of an older version the columns that came later. Knows no table of ours.

A column is added, never changed or removed; it must have a default, or allow NULL, for the rows that are there.
"""

from __future__ import annotations

from sqlalchemy import Connection, MetaData, inspect
from sqlalchemy.schema import CreateColumn


def add_missing_columns(connection: Connection, tables: MetaData) -> None:
    """Give each table, all of which must exist, the columns it has not got; whoever calls sees to it that it is alone.

    A second server that still runs the older version goes on: it names the columns that it writes.
    """
    inspector, quote = inspect(connection), connection.dialect.identifier_preparer
    for table in tables.sorted_tables:
        there = {column["name"] for column in inspector.get_columns(table.name)}
        for column in table.columns:
            if column.name not in there:
                definition = CreateColumn(column).compile(dialect=connection.dialect)
                connection.exec_driver_sql(f"ALTER TABLE {quote.format_table(table)} ADD COLUMN {definition}")
