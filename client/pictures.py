"""What moves on a terminal: the bar of progress, and the end of a text that is longer than the screen."""

from __future__ import annotations

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.progress_bar import ProgressBar
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from streamchat.client.happenings import Stage
from streamchat.client.safe_text import one_line

ROOM_FOR_AN_ECHO = 3


def clock(seconds: float) -> str:
    """Minutes and seconds."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def progress_picture(stage: Stage, elapsed: float) -> RenderableType:
    """The stage's sentence, and under it bar, percent, elapsed and remaining time; as wide as the terminal."""
    times = Text(clock(elapsed), style="cyan")
    if stage.remaining is not None:
        left = max(0.0, stage.remaining - (elapsed - stage.at))
        times.append(f" ~{clock(left)} left", style="dim")
    percent = "" if stage.percent is None else f"{stage.percent:3.0f} %"
    bar = ProgressBar(total=100, completed=stage.percent or 0, pulse=stage.percent is None)
    row = Table.grid(padding=(0, 1), expand=True)
    row.add_column(ratio=1)
    for _ in range(2):
        row.add_column(no_wrap=True)
    row.add_row(bar, Text(percent), times)
    picture = Table.grid(expand=True)
    if stage.sentence:
        picture.add_row(Text(one_line(stage.sentence), no_wrap=True, overflow="ellipsis"))
    picture.add_row(row)
    return _Narrower(picture)


class LastLines:
    """The last lines of something, as many as ``height``: what no longer fits has been read by now."""

    def __init__(self, content: RenderableType, height: int) -> None:
        self._content = content
        self._height = height

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        lines = console.render_lines(self._content, options.update(height=None), pad=False)
        for line in lines[-max(1, self._height) :]:
            yield from line
            yield Segment.line()


class _Narrower:
    """With room for the ``^C`` that a terminal echoes: else the line breaks there, and not all of it is erased."""

    def __init__(self, content: RenderableType) -> None:
        self._content = content

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield from console.render(self._content, options.update(width=max(1, options.max_width - ROOM_FOR_AN_ECHO)))
