import pytest

from streamchat.client.exits import Exit
from streamchat.client.frames import Frame
from streamchat.client.pursuit import Broken, GaveUp, Pursuit, Request


def pursuit(retries: int = 3) -> Pursuit:
    return Pursuit(path="/api/door", body={"message": "m"}, retries=retries, key="k", chance=lambda low, high: high)


def test_before_any_id_the_question_is_posted_under_the_same_key() -> None:
    chase = pursuit()
    first = chase.request()
    chase.wait_after(Broken("cut"))
    assert first == chase.request() == Request("POST", "/api/door", {"Idempotency-Key": "k"}, {"message": "m"})


def test_two_questions_have_two_keys() -> None:
    first, second = (Pursuit(path="/", body={}, retries=0).key for _ in range(2))
    assert first != second


def test_after_an_id_the_stream_is_resumed_after_it() -> None:
    chase = pursuit()
    chase.saw("s1:4")
    chase.saw("")
    assert chase.request() == Request("GET", "/api/streams/s1", {"Last-Event-ID": "s1:4"}, None)


def test_the_header_names_the_stream_and_the_conversation() -> None:
    chase = pursuit()
    chase.connected({"X-Stream-Id": "a/b", "X-Conversation-Id": "%E4%BD%A0"})
    chase.saw("other:1")
    assert chase.conversation_id == "你"
    assert chase.request().path == "/api/streams/a%2Fb"


def test_a_resume_whose_headers_name_nothing_changes_nothing() -> None:
    chase = pursuit()
    chase.connected({"X-Stream-Id": "s", "X-Conversation-Id": "c"})
    chase.connected({})
    assert (chase.stream_id, chase.conversation_id) == ("s", "c")


def test_waits_double_up_to_a_limit() -> None:
    chase = pursuit(retries=8)
    waits = [chase.wait_after(Broken("cut"))[0] for _ in range(8)]
    assert waits == [0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 15.0, 15.0]


def test_waits_are_spread_so_that_clients_do_not_all_come_back_at_once() -> None:
    chase = Pursuit(path="/", body={}, retries=9, chance=lambda low, high: low)
    assert [chase.wait_after(Broken("cut"))[0] for _ in range(2)] == [0.25, 0.5]


def test_the_time_that_the_server_names_goes_before() -> None:
    seconds, sentence = pursuit().wait_after(Broken("busy", "7"))
    assert seconds == 7
    assert sentence == "busy; attempt 1 of 3 in 7.0 s"


@pytest.mark.parametrize("date", ["", "Wed, 21 Oct 2026 07:28:00 GMT", "-1", "²"])
def test_a_time_that_is_no_number_of_seconds_is_not_obeyed(date: str) -> None:
    assert pursuit().wait_after(Broken("busy", date))[0] == 0.5


def test_a_server_that_wants_hours_is_not_waited_for() -> None:
    with pytest.raises(GaveUp, match="come back in 3600 s"):
        pursuit().wait_after(Broken("busy", "3600"))


def test_attempts_in_a_row_that_bring_nothing_new_are_bounded() -> None:
    chase = pursuit(retries=2)
    chase.saw("s:1")
    chase.wait_after(Broken("cut"))
    chase.wait_after(Broken("cut"))
    with pytest.raises(GaveUp, match="gave up: cut") as given_up:
        chase.wait_after(Broken("cut"))
    assert given_up.value.exit_status is Exit.LOST


def test_something_new_counts_attempts_anew() -> None:
    chase = pursuit(retries=1)
    for number in range(5):
        chase.saw(f"s:{number}")
        assert "attempt 1 of 1" in chase.wait_after(Broken("cut"))[1]


@pytest.mark.parametrize("status", [408, 429, 502, 503, 504])
def test_what_a_later_attempt_may_cure_is_tried_again(status: int) -> None:
    with pytest.raises(Broken) as broken:
        pursuit().refused(status, {"error": "e"}, "2")
    assert (str(broken.value), broken.value.retry_after) == (f"HTTP {status}: e", 2.0)


@pytest.mark.parametrize("status", [400, 401, 404, 409, 410, 500])
def test_any_other_refusal_of_a_question_is_its_end(status: int) -> None:
    refusal = {"error": "e", "code": "c"}
    assert pursuit().refused(status, refusal, "") == refusal


@pytest.mark.parametrize("refusal", [{}, {"code": 404}, {"code": "not_found"}])
@pytest.mark.parametrize("status", [302, 403, 404, 405, 500, 501])
def test_whoever_refuses_without_a_code_or_has_no_such_address_is_no_chat_server(status: int, refusal: Frame) -> None:
    with pytest.raises(GaveUp, match=f"no chat server answered: HTTP {status}: e"):
        pursuit().refused(status, {"error": "e"} | refusal, "")


@pytest.mark.parametrize(
    ("status", "said"),
    [(404, "knows this stream no more"), (410, "the rest of it is gone"), (400, "cannot be resumed")],
)
def test_a_stream_that_is_gone_is_said_to_be_gone_and_not_asked_for_again(status: int, said: str) -> None:
    chase = pursuit()
    chase.saw("s:1")
    with pytest.raises(GaveUp, match=said):
        chase.refused(status, {"error": "e"}, "")


def test_a_token_that_is_no_longer_valid_is_the_end_of_a_resume() -> None:
    chase = pursuit()
    chase.saw("s:1")
    assert chase.refused(401, {"code": "unauthorized"}, "") == {"code": "unauthorized"}
