import threading

import pytest

from streamchat.turns.cancellation import Cancellation, QueryCancelled
from streamchat.turns.inputs import Lapsed, Reply, Said
from streamchat.turns.mailbox import Mailbox


def mailbox() -> Mailbox:
    return Mailbox(Cancellation())


def test_whoever_expects_a_reply_is_given_it_and_no_other() -> None:
    box = mailbox()
    first, second = box.expect("1"), box.expect("2")
    box.put(Reply(request_id="2", value=[1]))
    assert not first.done()
    assert second.result(0) == Reply(request_id="2", value=[1])
    box.put(Lapsed(request_id="1"))
    assert first.result(0) == Lapsed(request_id="1")


def test_what_nobody_waits_for_any_more_is_dropped() -> None:
    box = mailbox()
    assert box.expect("1").cancel()
    box.put(Reply(request_id="1", value="late"))
    box.put(Reply(request_id="1", value="later"))
    box.put(Lapsed(request_id="never"))


def test_what_is_said_waits_to_be_taken_in_its_order() -> None:
    box = mailbox()
    for text in ("a", "b", "c"):
        box.put(Said(text=text))
    assert box.next().result(0) == "a"
    assert box.take() == ["b", "c"]
    assert box.take() == []


def test_each_that_is_said_goes_to_one_who_waits_and_not_to_one_who_has_given_up() -> None:
    box = mailbox()
    first, gone, third = box.next(), box.next(), box.next()
    assert gone.cancel()
    for text in ("a", "b", "c"):
        box.put(Said(text=text))
    assert (first.result(0), third.result(0), box.take()) == ("a", "b", ["c"])


def test_what_is_put_back_is_the_next_again() -> None:
    box = mailbox()
    box.put(Said(text="b"))
    box.put_back("a")
    assert box.take() == ["a", "b"]


def test_a_stop_releases_everybody_who_waits_but_those_who_have_given_up() -> None:
    cancelled = Cancellation()
    box = Mailbox(cancelled)
    reply, said, gone = box.expect("1"), box.next(), box.next()
    assert gone.cancel()
    cancelled.set()
    for future in (reply, said):
        with pytest.raises(QueryCancelled):
            future.result(0)


def test_whoever_comes_after_the_stop_does_not_wait_at_all() -> None:
    cancelled = Cancellation()
    cancelled.set()
    box = Mailbox(cancelled)
    for future in (box.expect("1"), box.next(), box.expect("2")):
        with pytest.raises(QueryCancelled):
            future.result(0)


def test_it_knows_all_that_was_heard_so_that_no_log_repeats_it() -> None:
    box = mailbox()
    box.expect("1")
    box.put(Reply(request_id="1", value={"name": "Ada"}))
    box.put(Said(text="shorter"))
    box.put(Lapsed(request_id="2"))
    assert box.heard == ["{'name': 'Ada'}", "shorter"]


def test_nothing_is_lost_or_given_twice_between_threads() -> None:
    box, taken = mailbox(), list[str]()

    def take() -> None:
        while (text := box.next().result(20)) != "end":
            taken.append(text)

    takers = [threading.Thread(target=take) for _ in range(4)]
    for taker in takers:
        taker.start()
    for number in range(500):
        box.put(Said(text=str(number)))
    for _ in takers:
        box.put(Said(text="end"))
    for taker in takers:
        taker.join()
    assert sorted(taken, key=int) == [str(number) for number in range(500)]


def test_those_who_have_given_up_are_not_kept() -> None:
    box = mailbox()
    for _ in range(1_000):
        assert box.next().cancel()
    assert len(box._waiting) == 1
