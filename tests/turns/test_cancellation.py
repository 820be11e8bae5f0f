import threading

from streamchat.turns.cancellation import Cancellation, QueryCancelled


def test_it_looks_like_an_event_to_the_function() -> None:
    cancelled = Cancellation()
    assert not cancelled.is_set()
    assert not cancelled.wait(0)
    cancelled.set()
    assert cancelled.is_set()
    assert cancelled.wait(0)
    assert cancelled.wait()


def test_it_can_be_asked_without_a_method() -> None:
    cancelled = Cancellation()
    assert not cancelled
    cancelled.set()
    assert cancelled


def test_whoever_waits_for_it_in_a_thread_is_released() -> None:
    cancelled, seen = Cancellation(), list[bool]()
    waiting = threading.Thread(target=lambda: seen.append(cancelled.wait(60)))
    waiting.start()
    cancelled.set()
    waiting.join()
    assert seen == [True]


def test_callbacks_are_called_once_in_order_even_when_it_is_set_twice() -> None:
    cancelled, called = Cancellation(), list[str]()
    cancelled.on_set(lambda: called.append("first"))
    cancelled.on_set(lambda: called.append("second"))
    cancelled.set()
    cancelled.set()
    assert called == ["first", "second"]


def test_a_callback_that_comes_too_late_is_called_at_once() -> None:
    cancelled, called = Cancellation(), list[str]()
    cancelled.set()
    cancelled.on_set(lambda: called.append("late"))
    assert called == ["late"]


def test_a_callback_may_ask_for_the_flag_and_add_another() -> None:
    cancelled, called = Cancellation(), list[bool]()
    cancelled.on_set(lambda: cancelled.on_set(lambda: called.append(cancelled.is_set())))
    cancelled.set()
    assert called == [True]


def test_an_except_exception_lets_it_through() -> None:
    assert not issubclass(QueryCancelled, Exception)
