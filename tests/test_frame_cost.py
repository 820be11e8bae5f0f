"""What a paced frame costs, counted and not timed: the same on every machine, so that no change makes it dearer unseen.

Counted are bytecode instructions and calls (of Python functions, and from them of C functions) from the ticker's ring
to the kernel: waking the reader, presenting, chunking, encoding and writing a frame that is due, and asking for the
next ring. The bounds are about 15 % above the count on the day they were set. Whoever makes a frame cheaper lowers
them; whoever raises them says why. The kernel and the loop are not in here: bench/ measures those.
"""

import asyncio
import gc
import sys
from functools import partial

import pytest

from streamchat.chunking.registry import Registry, shipped
from streamchat.handlers.delivery import SseDelivery
from streamchat.handlers.following import followed
from streamchat.handlers.open_streams import OpenStreams
from streamchat.presenting.presenter import Presenter
from streamchat.presenting.styles import ADVANCED, BASIC, SMART
from streamchat.presenting.timeline import Timeline
from streamchat.turns.events import Answer, Started
from streamchat.turns.log import MemoryLog
from streamchat.turns.reader import Reader
from streamchat.turns.rounds import Rounds
from streamchat.turns.ticker import Ticker
from streamchat.wire.sse import SseWire
from tests.fakes.clock import HandClock
from tests.fakes.connections import ResponseToOpen, SlowStream
from tests.fakes.executors import COMPLETE

FRAMES = 200
ANSWER = "The quick brown fox jumps over a lazy dog and then it sleeps for a while. " * 120
# Instructions differ between versions of Python, so they are bounded on the one that CI runs.
COUNTED_VERSION = (3, 11)
BOUNDS = {"basic": (1290, 80), "advanced": (1655, 109), "smart": (1655, 109)}


class Counter:
    """Counts what the interpreter executes while it is switched on."""

    def __init__(self):
        self.instructions = self.calls = 0

    def __enter__(self):
        # A collection runs other objects' finalisers; a debugger or a coverage tool is put back afterwards.
        self._before = sys.gettrace(), sys.getprofile()
        gc.collect()
        gc.disable()
        sys.setprofile(self._call)
        sys.settrace(self._enter)
        return self

    def __exit__(self, *_):
        sys.settrace(self._before[0])
        sys.setprofile(self._before[1])
        gc.enable()

    def _enter(self, frame, event, argument):
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        return self._step

    def _step(self, frame, event, argument):
        self.instructions += event == "opcode"
        return self._step

    def _call(self, frame, event, argument):
        self.calls += event in ("call", "c_call")


class NextRound:
    """Stands where a loop is wanted, of which only the next round matters: it comes when the test says so."""

    def __init__(self):
        self._callbacks = []

    def call_soon(self, callback, context=None):
        self._callbacks.append(callback)

    def run(self):
        callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback()


class Scene:
    """A stream in the middle of its answer, on a ticker whose clock is set by hand."""

    def __init__(self, style):
        registry = Registry(shipped())
        timeline = Timeline(
            style=style, pace=style.pace, make_chunker=partial(registry.chunker, style.strategy, style.size), lang="zh"
        )
        self.clock, self.stream, log = HandClock(0.0), SlowStream(), MemoryLog()
        self.stream.room = 1_000_000
        self.round = NextRound()
        rounds = Rounds(self.round)
        self.ticker = Ticker(self.clock, rounds)
        reader = Reader(
            log,
            accepted_at=0.0,
            clock=self.clock.time,
            ticker=self.ticker,
            on_close=lambda: None,
        )
        wire = SseWire("st_0123456789abcdefghij")
        self.delivery = SseDelivery(
            ResponseToOpen(self.stream),
            wire,
            rounds,
            OpenStreams(),
            is_chunked=True,
            keeps_alive=True,
            stall_seconds=30.0,
            received_at=0.0,
            on_gone=reader.close,
        )
        for fact in (Started(), Answer(text=ANSWER), COMPLETE):
            log.append(0.0, fact)
        self.over = followed(reader, Presenter(timeline, style=style, lang="zh"), self.delivery.deliver)

    def ring(self, times):
        """Let so many ticks come that somebody waits for; each brings the one frame that is due then."""
        for _ in range(times):
            (self.clock.seconds,) = self.clock.pending
            self.clock._timers.clear()
            self.ticker._ring()

    @property
    def chunks(self):
        return self.delivery.tally.summary("basic", "finished", resumed=False).chunks


def cost_of(style):
    """Instructions and calls a frame."""

    async def stream():
        scene = Scene(style)
        scene.round.run()
        scene.ring(10)
        before = scene.chunks
        with Counter() as counter:
            scene.ring(FRAMES)
        assert scene.chunks - before == FRAMES
        return counter.instructions / FRAMES, counter.calls / FRAMES

    return asyncio.run(stream())


@pytest.mark.parametrize("style", [BASIC, ADVANCED, SMART], ids=lambda style: style.name)
def test_a_paced_frame_costs_no_more_than_it_did(style):
    instructions, calls = cost_of(style)
    most_instructions, most_calls = BOUNDS[style.name]
    assert calls <= most_calls
    if sys.version_info[:2] == COUNTED_VERSION:
        assert instructions <= most_instructions


def test_the_count_is_the_same_every_time():
    assert cost_of(SMART) == cost_of(SMART)
