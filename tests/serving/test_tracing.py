"""Traces of a real server: which spans, whose children, what they say, and never a word of prompts and answers."""

from __future__ import annotations

import gzip
import sys
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import pairwise
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import Any

import httpx
import pytest
from opentelemetry import trace
from opentelemetry.propagate import inject
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from streamchat.metrics.doors import ROUTES
from streamchat.serving.settings import CannotStart
from streamchat.serving.tracing import open_tracing
from tests.handlers.house import CHAT, CHAT_DOORS, PROFILE, SMART, STREAMING_DOORS, Gate, House, saying, with_server
from tests.serving.served import HEADERS, PATIENCE_SECONDS, serving

TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT_ID = "00f067aa0ba902b7"
TRACEPARENT = f"00-{TRACE_ID}-{PARENT_ID}-01"

_exporter = InMemorySpanExporter()


@pytest.fixture(autouse=True)
def exporter() -> Iterator[InMemorySpanExporter]:
    """The process's provider keeps its spans in memory: the server takes the provider that there is."""
    if not isinstance(trace.get_tracer_provider(), TracerProvider):
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(_exporter))
        trace.set_tracer_provider(provider)
    yield _exporter
    _exporter.clear()


class Traced:
    """The spans of a turn by their names; the turn's own is ``turn``."""

    def __init__(self, spans: tuple[ReadableSpan, ...]) -> None:
        self.spans = spans
        (self.turn,) = (span for span in spans if span.kind is SpanKind.SERVER)
        self.stages = {span.name: span for span in spans if span is not self.turn}

    def attribute(self, name: str) -> Any:
        assert self.turn.attributes is not None
        return self.turn.attributes.get(name)


def traced(function: Callable[..., Any], path: str = SMART, **asked: Any) -> Traced:
    """The spans of one question to the server with this function."""

    async def scenario(house: House) -> None:
        await house.post(path, {"username": PROFILE, "message": "hi", "pace": "none"} | asked, headers=HEADERS_OF_TRACE)

    with_server(function, scenario, otel=True)
    return Traced(_exporter.get_finished_spans())


HEADERS_OF_TRACE = {"traceparent": TRACEPARENT, "tracestate": "vendor=1", "X-Request-Id": "r-7"}


@pytest.mark.parametrize("path", CHAT_DOORS)
def test_a_turn_is_a_span_with_one_of_each_stage(path: str) -> None:
    spans = traced(saying("hello there"), path, conversation_id="chat_1")
    stages = ["accepted", "queued", "processing"] + (["streaming"] if path in STREAMING_DOORS else [])
    assert list(spans.stages) == stages
    assert spans.turn.name == f"POST {path}"
    assert spans.attribute("http.request.method") == "POST"
    assert spans.attribute("http.route") == path == ROUTES[spans.attribute("streamchat.door")]
    assert spans.attribute("gen_ai.conversation.id") == "chat_1"
    assert (spans.attribute("enduser.id"), spans.attribute("streamchat.request.id")) == ("alice", "r-7")
    assert (spans.attribute("streamchat.cause"), spans.attribute("streamchat.characters")) == ("complete", 11)
    assert spans.turn.status.status_code is StatusCode.UNSET
    assert spans.turn.context is not None
    for span in spans.stages.values():
        assert span.parent is not None
        assert span.parent.span_id == spans.turn.context.span_id


def test_a_turn_s_span_has_the_tokens_that_its_function_counts() -> None:
    def counts(message: str, usage: Callable[[int, int], None]) -> str:
        usage(12, 40)
        return "hi"

    spans = traced(counts)
    assert spans.attribute("gen_ai.usage.input_tokens") == 12
    assert spans.attribute("gen_ai.usage.output_tokens") == 40


def test_stages_follow_each_other_within_the_turn() -> None:
    spans = traced(saying("hello there"))
    stages = [spans.stages[name] for name in ("accepted", "queued", "processing", "streaming")]
    moments = [moment for span in stages for moment in (span.start_time or 0, span.end_time or 0)]
    # Seconds were added up as floats: good to less than a microsecond.
    assert all(one <= other + 1_000 for one, other in pairwise([*moments, spans.turn.end_time or 0]))
    assert spans.turn.start_time == moments[0]


def test_the_request_s_own_trace_is_continued() -> None:
    spans = traced(saying("hi"))
    assert spans.turn.context is not None
    assert spans.turn.parent is not None
    assert f"{spans.turn.context.trace_id:032x}" == TRACE_ID
    assert (f"{spans.turn.parent.span_id:016x}", spans.turn.parent.is_remote) == (PARENT_ID, True)
    assert spans.turn.context.trace_state.get("vendor") == "1"


@pytest.mark.parametrize("header", ["", "nonsense", "00-" + "0" * 32 + "-" + "0" * 16 + "-01", "00-" + "a" * 10_000])
def test_a_header_that_says_nothing_begins_a_new_trace(header: str) -> None:
    async def scenario(house: House) -> None:
        assert (await house.post(SMART, ASKED, headers={"traceparent": header})).status == 200

    with_server(saying("hi"), scenario, otel=True)
    assert Traced(_exporter.get_finished_spans()).turn.parent is None


ASKED = {"username": PROFILE, "message": "hi", "pace": "none"}


def headers_sent_on(message: str) -> str:
    """What an instrumented HTTP client in a function would send."""
    headers: dict[str, str] = {}
    inject(headers)
    return headers["traceparent"]


async def headers_sent_on_later(message: str) -> str:
    return headers_sent_on(message)


def headers_sent_on_live(message: str) -> Iterator[str]:
    yield headers_sent_on(message)


def functions_own_span(message: str) -> str:
    with trace.get_tracer("users.own").start_as_current_span("own"):
        return headers_sent_on(message)


@pytest.mark.parametrize("function", [headers_sent_on, headers_sent_on_later, headers_sent_on_live])
def test_what_a_function_asks_others_belongs_to_its_processing(function: Callable[..., Any]) -> None:
    answers = []

    async def scenario(house: House) -> None:
        answers.append((await house.post(CHAT, ASKED, headers=HEADERS_OF_TRACE)).json["data"])

    with_server(function, scenario, otel=True)
    processing = Traced(_exporter.get_finished_spans()).stages["processing"].context
    assert processing is not None
    assert answers == [f"00-{TRACE_ID}-{processing.span_id:016x}-01"]


def test_a_span_of_a_function_s_own_is_a_child_of_its_processing() -> None:
    spans = traced(functions_own_span)
    own, processing = spans.stages["own"], spans.stages["processing"].context
    assert own.parent is not None
    assert processing is not None
    assert own.parent.span_id == processing.span_id


@pytest.mark.slow
def test_in_a_process_it_belongs_to_its_processing_too() -> None:
    answers = []

    async def scenario(house: House) -> None:
        for headers in (HEADERS_OF_TRACE, HEADERS_OF_TRACE, {}):
            response = await house.post(CHAT, ASKED, headers=headers)
            answers.append(response.json["data"].rpartition("-")[0])

    with_server(headers_sent_on, scenario, otel=True, workers="processes", max_running=1)
    ids = [
        (span.context.trace_id, span.context.span_id)
        for span in _exporter.get_finished_spans()
        if span.name == "processing" and span.context
    ]
    assert answers == [f"00-{trace_id:032x}-{span_id:016x}" for trace_id, span_id in ids]
    assert (f"{ids[1][0]:032x}", ids[2][0] != ids[1][0]) == (TRACE_ID, True)


def raising(message: str) -> str:
    raise ValueError(f"can't take {message}")


def test_an_error_is_the_status_of_the_turn_and_of_its_processing() -> None:
    spans = traced(raising, message="secret")
    for span in (spans.turn, spans.stages["processing"]):
        assert span.attributes is not None
        assert (span.status.status_code, span.attributes["error.type"]) == (StatusCode.ERROR, "processing_error")
    assert (spans.attribute("streamchat.cause"), spans.attribute("streamchat.reason")) == ("error", "raised")


def test_a_timeout_is_an_error_of_its_own_kind() -> None:
    gate = Gate()
    spans = traced(gate, timeout=0.05)
    gate.opened.set()
    assert (spans.turn.status.status_code, spans.attribute("error.type")) == (StatusCode.ERROR, "timeout")
    assert (spans.turn.status.description, spans.attribute("streamchat.reason")) == ("timeout", "deadline")
    assert spans.stages["processing"].status.status_code is StatusCode.ERROR


def test_a_turn_that_its_owner_stops_is_no_error() -> None:
    gate = Gate()

    async def scenario(house: House) -> None:
        async with house.connect() as connection:
            stream_id = await house.begin(connection)
            await gate.has_begun()
            await house.request("DELETE", f"/api/streams/{stream_id}")
            await connection.read_until("cancelled")
        gate.opened.set()

    with_server(gate, scenario, otel=True)
    spans = Traced(_exporter.get_finished_spans())
    assert (spans.attribute("streamchat.cause"), spans.turn.status.status_code) == ("cancelled", StatusCode.UNSET)


def test_a_turn_that_never_began_has_no_processing() -> None:
    gate = Gate()

    async def scenario(house: House) -> None:
        async with house.connect() as running, house.connect() as waiting:
            await house.begin(running)
            await gate.has_begun()
            stream_id = await house.begin(waiting)
            await house.request("DELETE", f"/api/streams/{stream_id}")
            await waiting.read_until("cancelled")
            stopped = [span for span in _exporter.get_finished_spans() if span.name in ("queued", "processing")]
            # The running one's queued, and the waiting one's.
            assert [span.name for span in stopped] == ["queued", "queued"]
            gate.opened.set()
            await running.read_until("complete")

    with_server(gate, scenario, otel=True, max_running=1)


def test_who_reads_again_has_a_span_in_the_turn_s_trace() -> None:
    async def scenario(house: House) -> None:
        response = await house.post(SMART, ASKED, headers=HEADERS_OF_TRACE)
        await house.get(f"/api/streams/{response.headers['x-stream-id']}")

    with_server(saying("hello there"), scenario, otel=True)
    spans = _exporter.get_finished_spans()
    doors = [span.attributes["streamchat.door"] for span in spans if span.name == "streaming" and span.attributes]
    assert doors == ["smart", "streams"]
    assert {f"{span.context.trace_id:032x}" for span in spans if span.context} == {TRACE_ID}
    assert sum(span.kind is SpanKind.SERVER for span in spans) == 1


def test_no_word_of_a_prompt_or_an_answer_is_in_a_span() -> None:
    for function in (saying("secret answer"), raising):
        spans = traced(function, message="secret question", prompt="secret prompt").spans
        assert "secret" not in "".join(span.to_json() for span in spans)
        _exporter.clear()


def test_without_the_option_nothing_is_traced() -> None:
    async def scenario(house: House) -> None:
        assert (await house.post(SMART, ASKED, headers=HEADERS_OF_TRACE)).status == 200
        assert (await house.ask(SMART)).status == 200

    with_server(saying("hi"), scenario)
    assert _exporter.get_finished_spans() == ()


def test_without_its_packages_the_option_stops_the_start_with_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "streamchat.metrics.trace_provider", raising=False)
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(CannotStart, match=r"^--otel needs .*opentelemetry.*pip install 'streamchat\[otel\]'"):
        open_tracing("1", lambda: 0.0)


class Collector(BaseHTTPRequestHandler):
    """Takes what is exported, and puts it into the server's queue."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        body = gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body
        taken = ExportTraceServiceRequest()
        taken.ParseFromString(body)
        self.server.taken.put((self.path, taken))  # type: ignore[attr-defined]
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def collector() -> Iterator[HTTPServer]:
    server = HTTPServer(("127.0.0.1", 0), Collector)
    server.taken = Queue()  # type: ignore[attr-defined]
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.slow
def test_what_is_left_is_sent_when_the_server_ends(tmp_path: Path, collector: HTTPServer) -> None:
    (tmp_path / "mine.py").write_text("def answer(message):\n    return 'hi'\n")
    environment = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.server_port}",
        "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=staging",
        # Longer than the test: only the end of the server can send it.
        "OTEL_BSP_SCHEDULE_DELAY": "3600000",
    }
    with serving(tmp_path, "--process-query", "mine:answer", "--otel", environment=environment) as served:
        url = f"{served.url}/api/chat"
        response = httpx.post(url, json=ASKED, headers=HEADERS | HEADERS_OF_TRACE, timeout=PATIENCE_SECONDS)
        assert response.json()["data"] == "hi"
        served.process.terminate()
        assert served.exit_status() == 0
    path, taken = collector.taken.get_nowait()  # type: ignore[attr-defined]
    assert path == "/v1/traces"
    (of_resource,) = taken.resource_spans
    about = {attribute.key: attribute.value.string_value for attribute in of_resource.resource.attributes}
    assert (about["service.name"], about["deployment.environment.name"]) == ("streamchat", "staging")
    spans = [span for scope in of_resource.scope_spans for span in scope.spans]
    assert {span.name for span in spans} == {"POST /api/chat", "accepted", "queued", "processing"}
    assert {span.trace_id.hex() for span in spans} == {TRACE_ID}


@pytest.mark.slow
def test_a_collector_that_is_not_there_holds_up_neither_answers_nor_the_end(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("def answer(message):\n    return 'hi'\n")
    environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "STREAMCHAT_OTEL": "1"}
    with serving(tmp_path, "--process-query", "mine:answer", environment=environment) as served:
        assert served.post().status_code == 200
        served.process.terminate()
        assert served.exit_status() == 0
