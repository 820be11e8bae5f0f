"""``"".join(data)`` is the answer, to the byte: every text, door, strategy and shape of function."""

import pytest
import regex

from tests.handlers.house import CHAT_DOORS, SMART, STREAMING_DOORS, Gate, House, answer_in, saying, with_server

TEXTS = {
    "english": 'Dr. Smith paid $3.14 (e.g. for pi). "Really?" he asked... Yes!  Two  blanks, a tab\tand U.S. taxes. '
    * 3,
    "chinese": "以太坊是一个去中心化的平台。它支持智能合约！你知道“卷叠”吗？……《白皮书》里写得很清楚，不是吗？" * 3,
    "japanese": "「イーサリアムは面白い。」と彼は言った。ｶﾀｶﾅも、ひらがなも、漢字もあります。は\u3099（結合文字）。"
    * 3,
    "arabic": "مرحبا بالعالم، كيف حالك؟ هذه جملة أطول قليلاً لكي تُقسَّم إلى أجزاء. السلام عليكم!" * 3,
    "emoji": "👨‍👩‍👧‍👦🏳️‍🌈🇩🇪🇯🇵🇨🇳👍🏽e\u0301e\u0301🤷🏿‍♀️1️⃣ party 🎉🎉🎉 " * 8,
    "markdown": "# Title\n\n* one\n* two\n\n```python\ndef f():\n    return 1\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n[l](http://x.y/z?a=1.5)\n",
    "crlf": "line one\r\nline two\r\n\r\n\r\nline three\r\n",
    "line ends": "next line\x85line separator\u2028paragraph separator\u2029form feed\x0cvertical tab\x0bend",
    "json": '"quotes" \\backslash\\ /slash/ \x00 \x1b[0m \u2060 \ufeff <b>&amp;</b>',
    "blanks": "   \n \t ",
    "one long word": "Donaudampfschifffahrtsgesellschaft" * 20,
    "one letter": "a",
    "nothing": "",
}
STRATEGIES = ("characters", "words", "sentences", "markdown", "lines")


def pieces_or_whole(message: str) -> object:
    """Answers with the text that the message names: as a whole, or three code points at a time."""
    shape, _, name = message.partition(" ")
    text = TEXTS[name]
    return text if shape == "whole" else (text[at : at + 3] for at in range(0, len(text), 3))


def cuts(chunks: list[str]) -> set[int]:
    """Where a text is cut when these are its chunks."""
    ends = [0]
    for chunk in chunks:
        ends.append(ends[-1] + len(chunk))
    return set(ends)


@pytest.mark.parametrize("name", TEXTS)
def test_the_chunks_are_the_answer_on_every_door(name: str) -> None:
    async def scenario(house: House) -> None:
        for door in STREAMING_DOORS:
            for shape in ("whole", "pieces"):
                response = await house.ask(door, message=f"{shape} {name}")
                assert answer_in(response.frames) == TEXTS[name], (door, shape)
                assert response.frames[-1].status == "complete"

    with_server(pieces_or_whole, scenario)


@pytest.mark.parametrize("name", TEXTS)
def test_the_chunks_are_the_answer_with_every_strategy(name: str) -> None:
    async def scenario(house: House) -> None:
        for strategy in STRATEGIES:
            for shape in ("whole", "pieces"):
                response = await house.ask(message=f"{shape} {name}", chunking={"strategy": strategy})
                assert answer_in(response.frames) == TEXTS[name], (strategy, shape)

    with_server(pieces_or_whole, scenario)


@pytest.mark.parametrize("name", TEXTS)
def test_the_chunks_are_the_same_however_the_text_arrived(name: str) -> None:
    async def scenario(house: House) -> None:
        for door in STREAMING_DOORS:
            whole, pieces = [
                [
                    frame.payload["data"]
                    for frame in (await house.ask(door, message=f"{shape} {name}")).frames
                    if frame.status == "streaming"
                ]
                for shape in ("whole", "pieces")
            ]
            assert whole == pieces, door

    with_server(pieces_or_whole, scenario)


@pytest.mark.parametrize("name", ["emoji", "japanese", "crlf", "arabic"])
def test_no_chunk_splits_a_user_perceived_character(name: str) -> None:
    boundaries = cuts(regex.findall(r"\X", TEXTS[name]))

    async def scenario(house: House) -> None:
        for door in STREAMING_DOORS:
            frames = (await house.ask(door, message=f"pieces {name}")).frames
            chunks = [frame.payload["data"] for frame in frames if frame.status == "streaming"]
            assert len(chunks) > 1
            assert cuts(chunks) <= boundaries, door

    with_server(pieces_or_whole, scenario)


@pytest.mark.parametrize("name", TEXTS)
def test_the_json_door_gives_the_answer_in_one_body(name: str) -> None:
    async def scenario(house: House) -> None:
        for shape in ("whole", "pieces"):
            body = (await house.ask("/api/chat", message=f"{shape} {name}")).json
            assert (body["data"], body["status"], body["success"]) == (TEXTS[name], "complete", True)

    with_server(pieces_or_whole, scenario)


def test_no_frame_has_a_line_end_that_a_line_reader_would_split_at() -> None:
    async def scenario(house: House) -> None:
        response = await house.ask(message="whole line ends")
        for frame in response.frames:
            assert len(frame.raw.decode().splitlines()) == 3, frame.raw

    with_server(pieces_or_whole, scenario)


def test_chinese_stays_readable_on_the_wire() -> None:
    async def scenario(house: House) -> None:
        assert "以太坊".encode() in (await house.ask(message="whole chinese")).body

    with_server(pieces_or_whole, scenario)


def test_a_lone_surrogate_in_an_answer_becomes_a_replacement_character() -> None:
    async def scenario(house: House) -> None:
        for door in CHAT_DOORS:
            response = await house.ask(door)
            assert "�" in response.body.decode()
            assert response.status == 200

    with_server(saying("broken \ud83d here"), scenario)


def test_positions_count_code_points_and_end_at_the_total() -> None:
    async def scenario(house: House) -> None:
        frames = (await house.ask(STREAMING_DOORS[0], message="whole emoji")).frames
        chunks = [frame.payload for frame in frames if frame.status == "streaming"]
        total = len(TEXTS["emoji"])
        assert {chunk["total_length"] for chunk in chunks} == {total}
        assert [chunk["current_position"] for chunk in chunks] == sorted(
            cuts([chunk["data"] for chunk in chunks]) - {0}
        )
        assert (chunks[-1]["current_position"], chunks[-1]["progress"]) == (total, 100.0)

    with_server(pieces_or_whole, scenario)


def test_a_source_that_is_still_talking_has_no_total() -> None:
    gate = Gate()

    def talking(message: str) -> object:
        yield "The first sentence is out. "
        gate("")
        yield "The second one follows."

    async def scenario(house: House) -> None:
        for door in STREAMING_DOORS:
            gate.opened.clear()
            async with house.connect() as connection:
                await house.begin(connection, door, chunking={"strategy": "characters", "size": 5})
                payload = (await connection.read_until("streaming"))[-1].payload
                gate.opened.set()
                assert answer_in([frame async for frame in connection.frames()]) != ""
            figures = {payload.get(name) for name in ("total_length", "progress", "streaming_progress")}
            assert figures == {None}, door

    with_server(talking, scenario)


def test_ten_megabytes_arrive_whole() -> None:
    answer = "0123456789abcdef" * 655_360

    async def scenario(house: House) -> None:
        response = await house.ask(SMART, chunking={"strategy": "lines", "size": 10_000})
        assert answer_in(response.frames) == answer

    with_server(saying(answer), scenario, max_answer_characters=20_000_000)


def test_ten_megabytes_past_the_limit_are_a_clear_error() -> None:
    async def scenario(house: House) -> None:
        frames = (await house.ask(lang="en")).frames
        assert frames[-1].payload["error"] == "An error occurred: the answer is too long"
        assert frames[-1].payload["code"] == "processing_error"

    with_server(saying("x" * 10_485_760), scenario)
