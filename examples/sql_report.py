"""A slow SQL report: its stages are shown while it runs, and a stop interrupts the statement itself.

``streamchat --process-query sql_report:process_query`` serves it.
"""

import sqlite3

SALES = """
    WITH RECURSIVE sale(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM sale WHERE n < 999999)
    SELECT n, n % 12 + 1 AS month, n * 7919 % 500 AS euros FROM sale
"""
REPORT = "SELECT month, count(*), sum(euros) FROM sales GROUP BY month ORDER BY month"


def process_query(message, progress, cancelled):
    """The sales of a year by month, as a table in Markdown."""
    with sqlite3.connect(":memory:") as database:
        # SQLite asks this every 10,000 of its steps, and gives up when it is true.
        database.set_progress_handler(cancelled.is_set, 10_000)
        progress("Collecting the sales", 10)
        database.execute(f"CREATE TABLE sales AS {SALES}")
        progress("Adding them up", 70)
        rows = database.execute(REPORT).fetchall()
    lines = [f"| {month} | {count:,} | {euros:,} |" for month, count, euros in rows]
    return "\n".join(["| month | sales | euros |", "|---:|---:|---:|", *lines])
