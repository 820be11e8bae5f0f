import os
import pickle
import subprocess
import sys
from contextvars import Context, copy_context
from pathlib import Path

from streamchat.handlers.request_id import carry_request_id, request_id

CHECKOUT = Path(__file__).resolve().parents[2]


def test_what_is_carried_can_be_sent_to_another_process_and_sets_the_id_there() -> None:
    here, there = copy_context(), Context()
    here.run(request_id.set, "trace-1")
    enter = pickle.loads(pickle.dumps(carry_request_id(here)))
    assert there.run(request_id.get) == "-"
    there.run(enter)
    assert there.run(request_id.get) == "trace-1"


def test_without_an_id_there_is_none_afterwards() -> None:
    there = Context()
    there.run(request_id.set, "that of another")
    there.run(carry_request_id(Context()))
    assert there.run(request_id.get) == "-"


def test_a_worker_process_that_logs_has_no_server_in_it() -> None:
    program = (
        "import sys, streamchat, streamchat.handlers.logs; print(sorted({'tornado', 'sqlalchemy'} & {*sys.modules}))"
    )
    environment = {**os.environ, "PYTHONPATH": os.fspath(CHECKOUT)}
    said = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert said.stdout == "[]\n"
