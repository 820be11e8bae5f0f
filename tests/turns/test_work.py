import asyncio

import pytest

from streamchat.turns.work import Work
from streamchat.turns.work_queue import TooBusy
from tests.fakes.executors import ScriptedExecutor


class PlainJob:
    """A Job whose work is told of its return, and nobody else of anything."""

    def __init__(self, executor):
        self.work = Work(executor)

    def started(self):
        return 0.0

    def returned(self, ended):
        self.work.returned()


@pytest.mark.gen_test
async def test_a_stop_waits_until_the_function_has_returned():
    executor = ScriptedExecutor()
    job = PlainJob(executor)
    job.work.submit(job)
    stopping = asyncio.create_task(job.work.stop(job, 60.0))
    await asyncio.sleep(0)
    assert (executor.interrupted, stopping.done()) == ([job], False)
    executor.finish(job)
    await stopping
    assert job.work.has_returned


@pytest.mark.gen_test
async def test_a_stop_does_not_wait_for_a_function_that_has_returned_at_once():
    executor = ScriptedExecutor(is_obedient=True)
    job = PlainJob(executor)
    job.work.submit(job)
    await job.work.stop(job, 60.0)
    assert executor.interrupted == [job]


@pytest.mark.gen_test
async def test_a_stop_gives_up_on_a_function_that_goes_on():
    executor = ScriptedExecutor()
    job = PlainJob(executor)
    job.work.submit(job)
    await job.work.stop(job, 0.0)
    assert not job.work.has_returned
    executor.finish(job)  # nobody waits any more


@pytest.mark.gen_test
async def test_what_was_never_handed_over_has_nothing_to_stop():
    executor = ScriptedExecutor()
    executor.is_full = True
    job = PlainJob(executor)
    with pytest.raises(TooBusy):
        job.work.submit(job)
    await job.work.stop(job, 60.0)
    assert executor.interrupted == []


@pytest.mark.gen_test
async def test_a_function_that_returns_just_before_its_stop_is_not_waited_for():
    executor = ScriptedExecutor()
    job = PlainJob(executor)
    job.work.submit(job)
    executor.finish(job)
    async with asyncio.timeout(5.0):
        await job.work.stop(job, 60.0)
