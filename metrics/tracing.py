"""Traces by OpenTelemetry: an observer that makes a span of each turn, and one of each of its stages.

The span of the processing is the current one where the function runs, so that what the function itself has
instrumented (an HTTP client, say) belongs to the same trace. No text of a prompt or an answer is ever in a span.
Names of attributes: OpenTelemetry's semantic conventions where there is one, ``streamchat.…`` elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import Context
from dataclasses import dataclass
from functools import partial
from time import time_ns
from weakref import WeakKeyDictionary

from opentelemetry import context as current
from opentelemetry.context import Context as TraceContext
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer, get_current_span, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from streamchat.metrics.doors import ROUTES
from streamchat.turns.observer import Delivery, Stage
from streamchat.turns.turn import Turn

# Of the doors that take another method than POST.
_METHODS = {"ws": "GET"}
_W3C = TraceContextTextMapPropagator()
_BROKEN = {"failed": "internal_error", "stalled": "stalled"}


class Tracing:
    """An Observer. ``clock`` is the turns' own, in seconds."""

    def __init__(self, tracer: Tracer, clock: Callable[[], float]) -> None:
        self._tracer = tracer
        self._clock = clock
        # A turn that is remembered may still be read: what is shown then belongs to its trace.
        self._traces: WeakKeyDictionary[Turn, _Trace] = WeakKeyDictionary()

    def stage_left(self, turn: Turn, stage: Stage, seconds: float) -> None:
        trace = self._trace_of(turn)
        if stage == "accepted":
            trace.stage("accepted", turn.accepted_at - seconds).end(trace.at(turn.accepted_at))
        elif stage == "queued":
            begun = turn.accepted_at + seconds
            trace.stage("queued", turn.accepted_at).end(trace.at(begun))
            trace.processing = trace.stage("processing", begun)
            # Nobody runs in this context yet: the worker will.
            turn.context.run(current.attach, set_span_in_context(trace.processing, trace.context))
        elif stage == "processing" and trace.processing is not None:
            _tell_of_end(trace.processing, turn)
            trace.processing.end(trace.at(turn.answered_at or turn.ended_at or self._clock()))

    def turn_ended(self, turn: Turn) -> None:
        trace = self._trace_of(turn)
        assert turn.ended is not None
        assert turn.ended_at is not None
        if turn.started_at is None:
            trace.stage("queued", turn.accepted_at).end(trace.at(turn.ended_at))
        trace.span.set_attribute("streamchat.cause", turn.ended.cause)
        trace.span.set_attribute("streamchat.reason", turn.ended.reason)
        trace.span.set_attribute("streamchat.characters", turn.characters)
        if turn.usage is not None:
            trace.span.set_attribute("gen_ai.usage.input_tokens", turn.usage.prompt_tokens)
            trace.span.set_attribute("gen_ai.usage.output_tokens", turn.usage.completion_tokens)
        _tell_of_end(trace.span, turn)
        if not turn.reader_count:
            trace.end(turn.ended_at)

    def delivered(self, turn: Turn, delivery: Delivery) -> None:
        trace, now = self._trace_of(turn), self._clock()
        if delivery.first_chunk_seconds is not None:
            begun = now - delivery.total_seconds + delivery.first_chunk_seconds
            span = trace.stage("streaming", begun)
            span.set_attributes(_of_delivery(delivery))
            broken = _BROKEN.get(delivery.leaving) or (delivery.code if delivery.end == "error" else "")
            if broken:
                _fail(span, broken)
            span.end(trace.at(begun + delivery.streaming_seconds))
        if turn.ended is not None:
            trace.end(now)

    def entrance(self, context: Context) -> Callable[[], object]:
        """What a process calls first that runs the function of the turn with this context: it can be pickled."""
        headers: dict[str, str] = {}
        _W3C.inject(headers, context.run(current.get_current))
        return partial(continue_trace, headers)

    def _trace_of(self, turn: Turn) -> _Trace:
        known = self._traces.get(turn)
        if known is None:
            known = self._traces[turn] = self._begin(turn)
        return known

    def _begin(self, turn: Turn) -> _Trace:
        offset = time_ns() - _nanoseconds(self._clock())
        route, method = ROUTES[turn.rules.door], _METHODS.get(turn.rules.door, "POST")
        parent = _parent_of(turn)
        span = self._tracer.start_span(
            f"{method} {route}",
            parent,
            SpanKind.SERVER,
            {
                "http.request.method": method,
                "http.route": route,
                "gen_ai.conversation.id": turn.query.conversation_id,
                "enduser.id": turn.owner,
                "streamchat.door": turn.rules.door,
                "streamchat.profile": turn.query.username,
                "streamchat.request.id": turn.rules.request_id,
                "streamchat.turn.id": turn.id,
            },
            start_time=offset + _nanoseconds(turn.accepted_at - turn.rules.accepting_seconds),
        )
        return _Trace(self._tracer, span, set_span_in_context(span, parent), offset)


@dataclass(slots=True)
class _Trace:
    """One turn's spans. ``offset`` makes the turns' clock the time of day, in nanoseconds."""

    tracer: Tracer
    span: Span
    context: TraceContext
    offset: int
    processing: Span | None = None
    is_over: bool = False

    def at(self, seconds: float) -> int:
        """The time of day of a moment of the turns' clock."""
        return self.offset + _nanoseconds(seconds)

    def stage(self, name: Stage | str, begun: float) -> Span:
        """A span that began then."""
        return self.tracer.start_span(name, self.context, start_time=self.at(begun))

    def end(self, seconds: float) -> None:
        """End the turn's span, once."""
        if not self.is_over:
            self.is_over = True
            self.span.end(self.at(seconds))


def continue_trace(headers: Mapping[str, str]) -> None:
    """Make the span that these headers name the current one of this context."""
    current.attach(_W3C.extract(headers))


def _parent_of(turn: Turn) -> TraceContext:
    """The span around the request, if somebody has instrumented the server; else the one that its headers name."""
    around = turn.context.run(current.get_current)
    if get_current_span(around).get_span_context().is_valid:
        return around
    return _W3C.extract(turn.rules.trace_headers, around)


def _tell_of_end(span: Span, turn: Turn) -> None:
    if turn.ended is not None and turn.ended.cause in ("error", "timeout"):
        _fail(span, turn.ended.code)


def _fail(span: Span, code: str) -> None:
    span.set_attribute("error.type", code)
    span.set_status(Status(StatusCode.ERROR, code))


def _of_delivery(delivery: Delivery) -> dict[str, str | int | bool]:
    return {
        "streamchat.door": delivery.door,
        "streamchat.end": delivery.end,
        "streamchat.leaving": delivery.leaving,
        "streamchat.resumed": delivery.resumed,
        "streamchat.chunks": delivery.chunks,
        "streamchat.characters": delivery.characters,
    }


def _nanoseconds(seconds: float) -> int:
    return int(seconds * 1e9)
