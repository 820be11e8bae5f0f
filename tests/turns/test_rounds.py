"""Whoever has something to do is called once, in the next round, whatever becomes of the others."""

import asyncio
import sys
from contextvars import ContextVar

import pytest

from streamchat.turns.rounds import Rounds


@pytest.mark.gen_test
async def test_all_are_called_in_the_next_round_in_their_order() -> None:
    called = list[str]()
    rounds = Rounds(asyncio.get_running_loop())
    rounds.call(lambda: called.append("a"))
    rounds.call(lambda: called.append("b"))
    assert called == []
    await asyncio.sleep(0)
    assert called == ["a", "b"]
    await asyncio.sleep(0)
    assert called == ["a", "b"]


@pytest.mark.gen_test
async def test_what_is_asked_for_while_others_are_called_comes_in_the_round_after() -> None:
    called = list[str]()
    rounds = Rounds(asyncio.get_running_loop())
    rounds.call(lambda: rounds.call(lambda: called.append("later")))
    rounds.call_last(lambda: rounds.call_last(lambda: called.append("later, last")))
    await asyncio.sleep(0)
    assert called == []
    await asyncio.sleep(0)
    assert called == ["later", "later, last"]


@pytest.mark.gen_test
async def test_what_comes_last_comes_after_all_others_of_its_round() -> None:
    called = list[str]()
    rounds = Rounds(asyncio.get_running_loop())

    def present(name: str) -> None:
        called.append(f"present {name}")
        rounds.call_last(lambda: called.append(f"send {name}"))

    rounds.call(lambda: present("a"))
    rounds.call(lambda: present("b"))
    await asyncio.sleep(0)
    assert called == ["present a", "present b", "send a", "send b"]


@pytest.mark.gen_test
async def test_what_comes_last_of_no_round_comes_in_the_next_one() -> None:
    called = list[str]()
    rounds = Rounds(asyncio.get_running_loop())
    rounds.call_last(lambda: called.append("send"))
    rounds.call(lambda: called.append("present"))
    assert called == []
    await asyncio.sleep(0)
    assert called == ["present", "send"]


@pytest.mark.parametrize("failure", [RuntimeError, asyncio.CancelledError, GeneratorExit])
@pytest.mark.gen_test
async def test_one_that_fails_keeps_nobody_else(failure: type[BaseException], caplog: pytest.LogCaptureFixture) -> None:
    called = list[str]()

    def fail() -> None:
        raise failure("a bug of ours")

    rounds = Rounds(asyncio.get_running_loop())
    rounds.call(fail)
    rounds.call(lambda: called.append("b"))
    rounds.call_last(fail)
    rounds.call_last(lambda: called.append("d"))
    await asyncio.sleep(0)
    assert called == ["b", "d"]
    assert [str(record.exc_info[1]) for record in caplog.records if record.exc_info] == ["a bug of ours"] * 2


@pytest.mark.gen_test
async def test_a_round_of_somebodys_own_ends_with_what_comes_last() -> None:
    called = list[str]()
    rounds = Rounds(asyncio.get_running_loop())
    rounds.call(lambda: called.append("next"))

    def present() -> None:
        rounds.call_last(lambda: called.append("send"))
        assert called == []

    rounds.run(present)
    assert called == ["send"]
    await asyncio.sleep(0)
    assert called == ["send", "next"]


@pytest.mark.gen_test
async def test_a_round_of_somebodys_own_that_fails_ends_with_what_comes_last_too() -> None:
    called = list[str]()
    rounds = Rounds(asyncio.get_running_loop())

    def fail() -> None:
        rounds.call_last(lambda: called.append("send"))
        raise RuntimeError("a bug of ours")

    with pytest.raises(RuntimeError):
        rounds.run(fail)
    assert called == ["send"]


@pytest.mark.gen_test
async def test_nobody_is_called_in_the_context_of_another() -> None:
    name: ContextVar[str] = ContextVar("name", default="nobody")
    rounds = Rounds(asyncio.get_running_loop())
    called = list[str]()
    name.set("ada")
    rounds.call(lambda: called.append(name.get()))
    rounds.call_last(lambda: called.append(name.get()))
    await asyncio.sleep(0)
    assert called == ["nobody", "nobody"]


def test_who_ends_the_loop_amid_a_round_ends_it() -> None:
    called = list[str]()

    async def run() -> None:
        rounds = Rounds(asyncio.get_running_loop())
        rounds.call(lambda: sys.exit(3))
        rounds.call_last(lambda: called.append("send"))
        await asyncio.sleep(0)
        called.append("never")

    with pytest.raises(SystemExit, match="3"):
        asyncio.run(run())
    assert called == ["send"]
