"""One question to its end: its stream is followed, shown and kept, questions are answered, Ctrl-C stops the work."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from time import monotonic

from streamchat.client.answer_file import AnswerFile
from streamchat.client.exits import CannotGoOn, Exit, exit_of
from streamchat.client.frames import Frame, text_in
from streamchat.client.happenings import Asked, Happening, MediaCame, Said
from streamchat.client.media_files import MediaFiles
from streamchat.client.pursuit import Pursuit
from streamchat.client.questions import Answers
from streamchat.client.reading import Reading
from streamchat.client.server import NoAnswer, Server
from streamchat.client.summary import Summary, summary_of
from streamchat.client.views import View
from streamchat.client.wording import state_line


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How it ended, and what is known of it."""

    exit_status: Exit
    reading: Reading
    summary: Summary
    conversation_id: str | None


@dataclass(slots=True, kw_only=True)
class Asking:
    """Follows one ``pursuit``. Whatever goes wrong is said on ``view`` and told by the outcome."""

    server: Server
    view: View
    answers: Answers
    media_files: MediaFiles
    pursuit: Pursuit
    file: AnswerFile | None = None
    now: Callable[[], float] = monotonic

    def run(self) -> Outcome:
        reading, started = Reading(), self.now()
        self.view.begin(reading, started)
        try:
            word, exit_status = self._outcome(reading, started)
        finally:
            self.view.end()
        summary = summary_of(reading, self.now() - started)
        if self.file is not None:
            self.view.say(self.file.close(is_whole=exit_status is Exit.COMPLETE))
        if exit_status is Exit.COMPLETE and (self.media_files.has_failed or (self.file and self.file.has_failed)):
            exit_status = Exit.NOT_SAVED
        self.view.say(" · ".join([word, *summary.parts()]))
        return Outcome(
            exit_status=exit_status,
            reading=reading,
            summary=summary,
            conversation_id=self.pursuit.conversation_id,
        )

    def _outcome(self, reading: Reading, started: float) -> tuple[str, Exit]:
        """The end in a word, and the exit status."""
        try:
            self._follow(reading, started)
        except KeyboardInterrupt:
            return self._stop(), Exit.INTERRUPTED
        except CannotGoOn as reason:
            # First: it may be that nothing can be said any more.
            stopped = "" if reason.exit_status is Exit.LOST else self._stop()
            self.view.end()
            self.view.say("\n".join(filter(None, (str(reason), stopped))))
            return "not finished", reason.exit_status
        end = reading.end
        return (end.status or "ended", exit_of(end.status, end.code)) if end else ("not finished", Exit.LOST)

    def _follow(self, reading: Reading, started: float) -> None:
        try:
            with closing(self.server.frames(self.pursuit, self.view.say)) as frames:
                for frame in frames:
                    self._take(frame, reading, self.now() - started)
        except BrokenPipeError:  # the reader has seen enough
            raise
        except OSError as error:  # a full disk, most likely: nothing more can be shown
            raise CannotGoOn(f"cannot write the answer: {error.strerror or error}", Exit.NOT_SAVED) from error

    def _take(self, frame: Frame, reading: Reading, at: float) -> None:
        happenings = reading.take(frame, at)
        self._save(happenings)  # first: what was seen is in the file, whatever comes between
        self.view.show(frame, happenings)
        for happening in happenings:
            self._act(happening)

    def _save(self, happenings: list[Happening]) -> None:
        for happening in happenings:
            if self.file is not None and isinstance(happening, Said):
                self.file.take(happening.text)

    def _act(self, happening: Happening) -> None:
        match happening:
            case MediaCame():
                self.view.say(self.media_files.keep(happening))
            case Asked():
                self._answer(happening)

    def _answer(self, asked: Asked) -> None:
        """Ask until the server takes the answer, or wants none any more."""
        self.view.end()
        while True:
            given = self._typed(asked)
            try:
                self.server.give_input(self.pursuit.stream_id or "", given, asked.request_id)
                return
            except NoAnswer as reason:
                self.view.say(str(reason))
                if reason.code != "invalid_request":
                    return

    def _typed(self, asked: Asked) -> object:
        try:
            return self.answers.answer(asked)
        except EOFError:  # Ctrl-D: whoever sat there has left
            raise KeyboardInterrupt from None

    def _stop(self) -> str:
        """Stop the work on the server; what it says to that. A second Ctrl-C goes through: it ends at once."""
        self.view.end()
        if not self.pursuit.stream_id:
            return "interrupted before the server named the stream: nothing to cancel yet"
        try:
            state = self.server.cancel(self.pursuit.stream_id)
        except NoAnswer as reason:
            return f"interrupted; the server could not be told ({reason})"
        return state_line(text_in(state, "state"), text_in(state, "worker"))
