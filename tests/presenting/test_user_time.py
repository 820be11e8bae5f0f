from streamchat.presenting.user_time import UserTime


def test_nothing_is_waited_while_nobody_is_asked():
    assert UserTime().until(50.0) == 0.0


def test_it_counts_while_a_question_is_open():
    time = UserTime()
    time.asked(1.0)
    assert (time.until(3.0), time.open) == (2.0, 1)
    time.closed(4.0)
    assert (time.until(90.0), time.open) == (3.0, 0)


def test_two_questions_at_a_time_are_waited_for_once():
    time = UserTime()
    time.asked(1.0)
    time.asked(2.0)
    time.closed(3.0)
    assert time.until(5.0) == 4.0
    time.closed(6.0)
    time.asked(10.0)
    assert time.until(11.0) == 6.0
