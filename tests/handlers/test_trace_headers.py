from streamchat.handlers.trace_headers import MAX_CHARACTERS, trace_headers


def test_the_two_headers_are_taken_and_no_others() -> None:
    given = {"traceparent": "00-a-b-01", "tracestate": "vendor=1", "baggage": "user=ada", "Authorization": "Bearer x"}
    assert trace_headers(given) == {"traceparent": "00-a-b-01", "tracestate": "vendor=1"}
    assert trace_headers({}) == {}


def test_one_that_is_too_long_is_left_out() -> None:
    longest = "x" * MAX_CHARACTERS
    assert trace_headers({"traceparent": "00", "tracestate": longest}) == {"traceparent": "00", "tracestate": longest}
    assert trace_headers({"traceparent": "00", "tracestate": longest + "x"}) == {"traceparent": "00"}
