"""An answer on a terminal: a bar while it is worked on, markdown while it arrives, lines for what else happens.

Blocks of the answer that are final are printed for good and scroll away as any text does; only the last block and the
bar are drawn again. Everything that came from the server is made safe before it is printed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import monotonic

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from streamchat.client.answer_markdown import LONGEST_BLOCK, AnswerMarkdown, split_final
from streamchat.client.frames import Frame
from streamchat.client.happenings import Ended, Happening, Said, Stage, Waiting
from streamchat.client.pictures import LastLines, progress_picture
from streamchat.client.reading import Reading
from streamchat.client.safe_text import safe
from streamchat.client.wording import line_of

REFRESHES_PER_SECOND = 8
# To find out which blocks are final all that is not yet final is read: too long for every piece of a fast answer.
SPLIT_SECONDS = 0.25
# Lines of the screen that are not the answer's: the bar, a blank line, the cursor's.
_OTHER_LINES = 4


class TerminalView:
    """Prints on ``console``; ``now`` is the monotonic clock."""

    def __init__(self, console: Console, now: Callable[[], float] = monotonic) -> None:
        self._console = console
        self._now = now
        self._live: Live | None = None
        self._started = 0.0
        self._reading = Reading()
        self._stage = self._reading.stage
        self._tail = ""
        self._split_again_at = 0.0
        self._is_first_block = True

    def begin(self, reading: Reading, started: float) -> None:
        self._started = started
        self._reading = reading
        self._stage = reading.stage
        self._tail, self._is_first_block = "", True
        self._split_again_at = started
        self._go_live()

    def show(self, frame: Frame, happenings: Sequence[Happening]) -> None:
        if self._live is None:
            self._go_live()
        for happening in happenings:
            self._show(happening)

    def say(self, sentence: str) -> None:
        # Above the block that is still growing: to print that now would cut it in two.
        self._print(Text(safe(sentence), style="dim"))

    def end(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None
            self._print_tail()
            if not self._is_first_block:
                self._console.print()

    def _go_live(self) -> None:
        self._live = Live(
            console=self._console,
            get_renderable=self._picture,
            refresh_per_second=REFRESHES_PER_SECOND,
            transient=True,
            vertical_overflow="crop",
        )
        self._live.start()

    def _show(self, happening: Happening) -> None:
        match happening:
            case Stage():
                self._stage = happening
            case Waiting():
                self._stage = Stage(sentence=line_of(happening))
            case Said(text=text):
                self._stage = self._reading.stage
                self._add(text)
            case Ended():
                self.end()
                self._line(happening, "red")
            case _:
                self._print_tail()
                self._line(happening, "cyan")

    def _line(self, happening: Happening, style: str) -> None:
        if line := line_of(happening):
            self._print(Text(line, style=style))
            self._is_first_block = False

    def _add(self, text: str) -> None:
        self._tail += text.replace("\r\n", "\n").replace("\r", "\n")
        if self._now() >= self._split_again_at:
            final, self._tail = split_final(self._tail)
            self._print_block(final)
            self._split_again_at = self._now() + SPLIT_SECONDS

    def _print_tail(self) -> None:
        tail, self._tail = self._tail, ""
        self._print_block(tail)

    def _print_block(self, text: str) -> None:
        if text.strip():
            parts = [AnswerMarkdown(text)] if self._is_first_block else ["", AnswerMarkdown(text)]
            self._is_first_block = False
            self._print(*parts)

    def _print(self, *parts: RenderableType) -> None:
        """Print for good, and what moves below it as it is now, in one write: else a block is seen twice."""
        with self._console:
            self._console.print(*parts, sep="\n")
            if self._live is not None:
                self._live.refresh()

    def _picture(self) -> RenderableType:
        """What is drawn again and again; called by the thread that refreshes the screen."""
        tail, parts = self._tail, list[RenderableType]()
        if tail.strip():
            parts += [] if self._is_first_block else [Text("")]
            # Of a line without an end only the end is on the screen: the whole of it would take too long to read.
            parts.append(LastLines(AnswerMarkdown(tail[-LONGEST_BLOCK * 2 :]), self._console.height - _OTHER_LINES))
        return Group(*parts, progress_picture(self._stage, self._now() - self._started))
