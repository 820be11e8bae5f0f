"""``GET /metrics``: what happened is what is counted."""

import re

from tests.handlers.house import BASIC, CHAT, SMART, Gate, House, saying, with_server

Samples = dict[str, float]


async def scrape(house: House) -> Samples:
    """Every sample by its name with labels, without a token."""
    response = await house.get("/metrics", token=None)
    assert response.status == 200
    assert response.headers["content-type"].startswith("text/plain")
    lines = [line for line in response.body.decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def test_a_stream_is_counted_and_timed_by_its_door() -> None:
    async def scenario(house: House) -> None:
        await house.ask(SMART)
        samples = await scrape(house)
        assert samples['streamchat_turns_total{cause="complete",door="smart",reason="complete"}'] == 1
        assert samples['streamchat_stream_ends_total{door="smart",end="complete"}'] == 1
        assert samples['streamchat_streamed_characters_total{door="smart"}'] == len("hello there")
        assert samples['streamchat_requests_total{door="smart",status="200"}'] == 1
        for stage in ("accepted", "queued", "processing", "streaming", "total"):
            assert samples[f'streamchat_stage_seconds_count{{door="smart",stage="{stage}"}}'] == 1
        assert samples['streamchat_first_chunk_seconds_count{door="smart"}'] == 1
        assert samples["streamchat_average_processing_seconds"] >= 0

    with_server(saying("hello there"), scenario)


def test_an_answer_in_one_piece_is_timed_too() -> None:
    async def scenario(house: House) -> None:
        await house.ask(CHAT)
        samples = await scrape(house)
        assert samples['streamchat_stream_ends_total{door="chat",end="complete"}'] == 1
        for stage in ("accepted", "queued", "processing", "total"):
            assert samples[f'streamchat_stage_seconds_count{{door="chat",stage="{stage}"}}'] == 1
        assert samples['streamchat_stage_seconds_count{door="chat",stage="streaming"}'] == 0

    with_server(saying("hello there"), scenario)


def test_every_pause_between_chunks_is_counted() -> None:
    async def scenario(house: House) -> None:
        frames = (await house.ask(SMART, chunking={"strategy": "characters", "size": 1})).frames
        chunks = sum(frame.status == "streaming" for frame in frames)
        samples = await scrape(house)
        assert samples['streamchat_chunk_gap_seconds_count{door="smart"}'] == chunks - 1 == 10

    with_server(saying("hello there"), scenario)


def test_what_runs_now_is_a_gauge() -> None:
    gate = Gate()

    async def scenario(house: House) -> None:
        async with house.connect() as connection:
            await house.begin(connection)
            await gate.has_begun()
            samples = await scrape(house)
            for name in ("turns_running", "readers", "streams_active", "workers_busy"):
                assert samples[f"streamchat_{name}"] == 1, name
            gate.opened.set()
            await connection.read_until("complete")

    with_server(gate, scenario)


def test_ends_by_cause_and_abandoned_workers_are_seen() -> None:
    gate = Gate()

    async def scenario(house: House) -> None:
        await house.ask(BASIC, timeout=0.05)
        samples = await scrape(house)
        assert samples['streamchat_turns_total{cause="timeout",door="basic",reason="deadline"}'] == 1
        assert samples["streamchat_workers_abandoned"] == 1
        gate.opened.set()

    with_server(gate, scenario)


def test_refusals_and_failed_logins_are_counted() -> None:
    async def scenario(house: House) -> None:
        await house.ask(SMART, token="wrong")
        await house.ask(SMART, message=7)
        await house.get("/nowhere")
        samples = await scrape(house)
        assert samples["streamchat_auth_failures_total"] == 1
        assert samples['streamchat_requests_total{door="smart",status="401"}'] == 1
        assert samples['streamchat_requests_total{door="smart",status="400"}'] == 1
        assert samples['streamchat_requests_total{door="other",status="404"}'] == 1

    with_server(saying("hi"), scenario)


def test_resumes_are_counted_by_their_result() -> None:
    async def scenario(house: House) -> None:
        stream = await house.ask()
        stream_id = stream.headers["x-stream-id"]
        for last in ("0", str(stream.frames[-1].number), "99"):
            await house.get(f"/api/streams/{stream_id}?last_event_id={stream_id}:{last}")
        samples = await scrape(house)
        for result in ("resumed", "complete", "impossible"):
            assert samples[f'streamchat_resumes_total{{result="{result}"}}'] == 1, result

    with_server(saying("hi"), scenario)


def test_no_label_ever_holds_what_a_client_has_made_up() -> None:
    async def scenario(house: House) -> None:
        await house.request("BREW", "/made/up/by/a/client", headers={"X-Request-Id": "made-up-by-a-client"})
        await house.ask(username="made-up", conversation_id="made-up")
        body = (await house.get("/metrics", token=None)).body.decode()
        assert not re.search(r"made|BREW", body)

    with_server(saying("hi"), scenario)


def test_openmetrics_is_given_to_whoever_asks_for_it() -> None:
    async def scenario(house: House) -> None:
        response = await house.get("/metrics", token=None, Accept="application/openmetrics-text; version=1.0.0")
        assert response.headers["content-type"].startswith("application/openmetrics-text")
        assert response.body.endswith(b"# EOF\n")

    with_server(saying("hi"), scenario)
