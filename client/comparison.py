"""The same question at several doors, side by side. Knows no stream: outcomes in, a table out."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from rich.table import Table

from streamchat.client.asking import Outcome
from streamchat.client.exits import Exit
from streamchat.client.safe_text import one_line

Measure = Callable[[Outcome], float | None]

MEASURES: dict[str, Measure] = {
    "first frame, s": lambda outcome: outcome.summary.first_frame,
    "processing, s": lambda outcome: outcome.summary.processing,
    "first text, s": lambda outcome: outcome.summary.first_text,
    "total, s": lambda outcome: outcome.summary.total,
    "chunks": lambda outcome: outcome.summary.chunks,
    "characters": lambda outcome: outcome.summary.characters,
    "characters/s": lambda outcome: outcome.summary.speed,
}


def comparison_table(outcomes: Mapping[str, Outcome]) -> Table:
    """A column a door, so that it fits a narrow terminal."""
    table = Table()
    table.add_column("")
    for door in outcomes:
        table.add_column(door, justify="right")
    for row in _rows(outcomes):
        table.add_row(*row)
    return table


def comparison_lines(outcomes: Mapping[str, Outcome]) -> str:
    """The same for a program: a line a measure, fields separated by tabs."""
    return "".join("\t".join(row) + "\n" for row in [["door", *outcomes], *_rows(outcomes)])


def exit_of_all(outcomes: Mapping[str, Outcome]) -> Exit:
    """Complete if every door's answer was, else the first door's status that was not."""
    return next((outcome.exit_status for outcome in outcomes.values() if outcome.exit_status), Exit.COMPLETE)


def _rows(outcomes: Mapping[str, Outcome]) -> list[list[str]]:
    ends = [one_line(outcome.reading.end.status if outcome.reading.end else "broken") for outcome in outcomes.values()]
    rows = [["end", *ends]]
    for name, measure in MEASURES.items():
        rows.append([name, *(_number(measure(outcome)) for outcome in outcomes.values())])
    return rows


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return str(value) if isinstance(value, int) else f"{value:.2f}"
