"""How a turn is shown: the door's own strategy, another one, or one that an installed package brings."""

from pathlib import Path

import pytest

from tests.handlers.house import SMART, STREAMING_DOORS, House, answer_in, saying, with_server

ANSWER = "One, two, three. Four, five."
PACKAGE = """
from streamchat.chunking.registry import Strategy


class AtCommas:
    def __init__(self, size):
        self.text = ""

    def feed(self, text):
        *done, self.text = (self.text + text).split(",")
        return [piece + "," for piece in done]

    def flush(self):
        return [self.text] if self.text else []


class Broken(AtCommas):
    def flush(self):
        raise RuntimeError("a bug in somebody's package")


commas = Strategy(name="commas", make=AtCommas, default_size=1, min_size=1, max_size=9)
broken = Strategy(name="broken", make=Broken, default_size=1, min_size=1, max_size=9)
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installed distribution that brings two strategies."""
    (tmp_path / "streamchat_commas.py").write_text(PACKAGE)
    about = tmp_path / "streamchat_commas-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: streamchat-commas\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(
        "[streamchat.chunking]\ncommas = streamchat_commas:commas\nbroken = streamchat_commas:broken\n"
    )
    monkeypatch.syspath_prepend(tmp_path)


@pytest.mark.usefixtures("package")
def test_a_strategy_that_a_package_brings_is_asked_for_by_name() -> None:
    async def scenario(house: House) -> None:
        for door in STREAMING_DOORS:
            frames = (await house.ask(door, chunking={"strategy": "commas"})).frames
            chunks = [frame.payload["data"] for frame in frames if frame.status == "streaming"]
            assert chunks == ["One,", " two,", " three. Four,", " five."]

    with_server(saying(ANSWER), scenario)


@pytest.mark.usefixtures("package")
def test_a_bug_of_ours_in_the_middle_of_a_stream_is_a_terminal_frame() -> None:
    async def scenario(house: House) -> None:
        for door in STREAMING_DOORS:
            response = await house.ask(door, chunking={"strategy": "broken"}, lang="en")
            assert response.status == 200
            end = response.frames[-1].payload
            assert (end["status"], end["code"], end["is_complete"]) == ("error", "internal_error", True)
            assert [frame.is_terminal for frame in response.frames].count(True) == 1
            assert "somebody" not in end["error"]
        assert answer_in((await house.ask()).frames) == ANSWER

    with_server(saying(ANSWER), scenario)


@pytest.mark.usefixtures("package")
def test_a_bug_of_ours_on_the_json_door_is_a_500() -> None:
    async def scenario(house: House) -> None:
        response = await house.ask("/api/chat", chunking={"strategy": "broken"})
        assert (response.status, response.json["code"]) == (500, "internal_error")

    with_server(saying(ANSWER), scenario)


def test_an_unknown_strategy_is_refused_with_those_there_are() -> None:
    async def scenario(house: House) -> None:
        (frame,) = (await house.ask(chunking={"strategy": "commas"})).frames
        assert frame.payload["field"] == "chunking.strategy"
        for known in ("characters", "lines", "markdown", "sentences", "words"):
            assert known in frame.payload["error"]

    with_server(saying(ANSWER), scenario)


def test_a_resume_is_shown_as_the_question_asked_to_be_shown() -> None:
    async def scenario(house: House) -> None:
        stream = await house.ask(SMART, chunking={"strategy": "characters", "size": 3}, lang="en")
        again = await house.get(f"/api/streams/{stream.headers['x-stream-id']}?lang=zh")
        assert [frame.raw for frame in again.frames] == [frame.raw for frame in stream.frames if frame.number]

    with_server(saying(ANSWER), scenario)
