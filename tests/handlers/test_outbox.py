"""Who has something to send is called once, in the next round, whatever becomes of the others."""

import asyncio

import pytest

from streamchat.handlers.outbox import Outbox


@pytest.mark.gen_test
async def test_all_are_called_in_the_next_round_in_their_order() -> None:
    called = list[str]()
    outbox = Outbox(asyncio.get_running_loop())
    outbox.put(lambda: called.append("a"))
    outbox.put(lambda: called.append("b"))
    assert called == []
    await asyncio.sleep(0)
    assert called == ["a", "b"]
    await asyncio.sleep(0)
    assert called == ["a", "b"]


@pytest.mark.gen_test
async def test_what_is_put_while_others_are_called_comes_in_the_round_after() -> None:
    called = list[str]()
    outbox = Outbox(asyncio.get_running_loop())
    outbox.put(lambda: outbox.put(lambda: called.append("later")))
    await asyncio.sleep(0)
    assert called == []
    await asyncio.sleep(0)
    assert called == ["later"]


@pytest.mark.gen_test
async def test_one_that_fails_keeps_nobody_else(caplog: pytest.LogCaptureFixture) -> None:
    called = list[str]()

    def fail() -> None:
        raise RuntimeError("a bug of ours")

    outbox = Outbox(asyncio.get_running_loop())
    outbox.put(fail)
    outbox.put(lambda: called.append("b"))
    await asyncio.sleep(0)
    assert called == ["b"]
    assert "a bug of ours" in caplog.text
