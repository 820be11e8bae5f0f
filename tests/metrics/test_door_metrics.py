"""What happens at the doors, as it is counted."""

from streamchat.metrics.door_metrics import MESSAGE_REFUSALS
from tests.metrics.desk import Desk


def test_requests_are_counted_by_door_and_status_from_fixed_lists() -> None:
    desk = Desk()
    desk.doors.request_finished("smart", 200)
    desk.doors.request_finished("smart", 418)
    desk.doors.request_finished("BREW", 200)
    assert desk.value("requests_total", door="smart", status="200") == 1.0
    assert desk.value("requests_total", door="smart", status="other") == 1.0
    assert desk.value("requests_total", door="other", status="200") == 1.0


def test_single_incidents_are_counted() -> None:
    desk = Desk()
    desk.doors.auth_failed()
    desk.doors.exchange_lost()
    desk.doors.resumed("impossible")
    assert desk.value("auth_failures_total") == 1.0
    assert desk.value("exchanges_lost_total") == 1.0
    assert desk.value("resumes_total", result="impossible") == 1.0
    assert desk.value("resumes_total", result="resumed") == 0.0


def test_two_servers_in_one_process_count_apart() -> None:
    one, other = Desk(), Desk()
    one.doors.auth_failed()
    assert other.value("auth_failures_total") == 0.0


def test_a_refused_message_is_counted_by_a_code_from_a_fixed_list() -> None:
    desk = Desk()
    for code in (*MESSAGE_REFUSALS, "teapot"):
        desk.doors.message_refused(code)
    assert desk.value("socket_messages_refused_total", code="rate_limited") == 1.0
    assert desk.value("socket_messages_refused_total", code="other") == 2.0
