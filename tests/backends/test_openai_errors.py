import time
from email.utils import formatdate

import pytest

from streamchat.backends.openai_errors import retry_after


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "3"}, 3.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "250", "retry-after": "3"}, 0.25),
        ({"retry-after-ms": "soon", "retry-after": "3"}, 3.0),
        ({}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "Fri, 31 Dec 1999 23:59:59 GMT"}, 0.0),
        ({"retry-after": "Fri, 99 Dec 1999 23:59:59 GMT"}, None),
    ],
)
def test_retry_after_is_seconds(headers, seconds):
    assert retry_after(headers) == seconds


def test_retry_after_may_be_a_date():
    seconds = retry_after({"retry-after": formatdate(time.time() + 3_600, usegmt=True)})
    assert 3_500 < seconds <= 3_600
