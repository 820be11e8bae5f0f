import asyncio
import threading

import pytest

from streamchat.turns.inbox import Inbox


async def round_of_the_loop() -> None:
    await asyncio.sleep(0)
    await asyncio.sleep(0)


@pytest.mark.gen_test
async def test_calls_are_made_on_the_loop_in_their_order() -> None:
    inbox, made = Inbox(asyncio.get_running_loop()), list[tuple[int, bool]]()
    is_done = asyncio.Event()
    loop_thread = threading.current_thread()

    def note(number: int) -> None:
        made.append((number, threading.current_thread() is loop_thread))
        if number == 99:
            is_done.set()

    def work() -> None:
        for number in range(100):
            inbox.call(note, number)

    worker = threading.Thread(target=work)
    worker.start()
    await is_done.wait()
    worker.join()
    assert made == [(number, True) for number in range(100)]


@pytest.mark.gen_test
async def test_calls_that_wait_share_one_wake_up() -> None:
    loop = asyncio.get_running_loop()
    wakes = 0

    class CountingLoop:
        def call_soon_threadsafe(self, callback):
            nonlocal wakes
            wakes += 1
            loop.call_soon_threadsafe(callback)

        def is_closed(self):
            return False

    inbox, made = Inbox(CountingLoop()), list[int]()
    for number in range(10):
        inbox.call(made.append, number)
    await round_of_the_loop()
    inbox.call(made.append, 10)
    await round_of_the_loop()
    assert made == list(range(11))
    assert wakes == 2


@pytest.mark.gen_test
async def test_a_call_that_fails_holds_back_no_other() -> None:
    loop = asyncio.get_running_loop()
    failures: list[BaseException] = []
    loop.set_exception_handler(lambda _, context: failures.append(context["exception"]))
    inbox, made = Inbox(loop), list[str]()

    def fail() -> None:
        raise ValueError

    for call in (fail, lambda: made.append("second"), fail, lambda: made.append("fourth")):
        inbox.call(call)
    for _ in range(4):
        await round_of_the_loop()
    assert made == ["second", "fourth"]
    assert [type(failure) for failure in failures] == [ValueError, ValueError]


@pytest.mark.parametrize("calls_before", [0, 1])
def test_a_loop_that_is_closed_refuses_every_call(calls_before: int) -> None:
    loop = asyncio.new_event_loop()
    inbox = Inbox(loop)
    for _ in range(calls_before):
        inbox.call(print)
    loop.close()
    for _ in range(2):
        with pytest.raises(RuntimeError):
            inbox.call(print)
