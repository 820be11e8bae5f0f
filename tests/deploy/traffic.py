"""A scripted mix of traffic, and what its clients saw of it: counts that Prometheus must agree with to the last one."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import httpx

from tests.serving.served import HEADERS, PATIENCE_SECONDS

STREAMING_DOORS = {
    "basic": "/api/stream_chat",
    "advanced": "/api/stream_chat_advanced",
    "smart": "/api/stream_chat_smart",
}
DOORS = STREAMING_DOORS | {"chat": "/api/chat"}
MAX_RUNNING = MAX_QUEUED = 2

# What the server serves: the question says what becomes of it.
FUNCTION = """
def answer(message, cancelled):
    if message == "raise":
        raise ValueError("as it was asked")
    if message == "hang":
        cancelled.wait(60)
    return "A question is a turn. It waits for a worker, then for its answer, and then it is read in chunks."
"""


PATHS_BESIDE = {
    "/api/conversations": "conversations",
    "/api/profiles": "profiles",
    "/api/analytics": "analytics",
    "/healthz": "health",
    "/readyz": "health",
    "/api/health": "health",
    "/": "page",
    "/nowhere": "other",
}


@dataclass(slots=True)
class Mix:
    """Clients of one server, and what they saw.

    ``requests`` counts HTTP responses by door and status, ``ends`` how those that had begun ended, by door.
    """

    url: str
    requests: Counter[tuple[str, str]] = field(default_factory=Counter)
    ends: Counter[tuple[str, str]] = field(default_factory=Counter)
    resumes: Counter[str] = field(default_factory=Counter)
    unknown_tokens: int = 0
    _client: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        self._client = httpx.Client(
            base_url=self.url, headers=HEADERS, timeout=PATIENCE_SECONDS, event_hooks={"response": [self._note]}
        )

    def run(self) -> None:
        """All of it, once; then every connection is closed."""
        with self._client:
            self._run()

    def _run(self) -> None:
        with ThreadPoolExecutor(len(DOORS)) as clients:
            list(clients.map(self.use_door, DOORS))
        for door in STREAMING_DOORS:
            self.leave_and_come_back(door)
        self.leave_for_good("smart")
        self.ask_too_much("smart")
        self.ask_wrongly()
        self.look_around()

    def use_door(self, door: str) -> None:
        """Answers, an exception of the function, a timeout."""
        for _ in range(2):
            self.ask(door, message="What is a turn?", pace="natural")
        self.ask(door, message="raise")
        self.ask(door, message="hang", timeout=0.2)

    def ask(self, door: str, **fields: Any) -> None:
        """One question, read to its end."""
        with self._asking(door, **fields) as response:
            self._ended(door, response)

    def leave_and_come_back(self, door: str) -> None:
        """A connection lost after the first chunk, resumed, resumed again at the end, and where it never was."""
        with self._asking(door, message="What is a turn?", pace="natural") as response:
            last = next(seen for frame, seen in _frames(response) if frame["status"] == "streaming")
        self.ends[door, "client_gone"] += 1
        stream = response.headers["X-Stream-Id"]
        with self._resuming(stream, last) as response:
            *_, (frame, last) = _frames(response)
            self._count("streams", frame)
            self.resumes["resumed"] += 1
        with self._resuming(stream, last) as response:
            assert response.status_code == HTTPStatus.NO_CONTENT
            self.resumes["complete"] += 1
        with self._resuming(stream, f"{stream}:99999") as response:
            assert response.status_code == HTTPStatus.BAD_REQUEST
            self.resumes["impossible"] += 1

    def leave_for_good(self, door: str) -> None:
        """A client that goes while its function runs, and wants nothing more of it."""
        with self._asking(door, message="hang", on_disconnect="cancel") as response:
            next(_frames(response))
        self.ends[door, "client_gone"] += 1

    def ask_too_much(self, door: str) -> None:
        """Every worker and every place in the queue is taken: one question is refused. Then all are stopped."""
        with ExitStack() as open_streams:
            hanging = [
                open_streams.enter_context(self._asking(door, message="hang")) for _ in range(MAX_RUNNING + MAX_QUEUED)
            ]
            with self._asking(door, message="one too many") as response:
                assert response.status_code == HTTPStatus.SERVICE_UNAVAILABLE
            for response in hanging:
                assert self._client.delete(f"/api/streams/{response.headers['X-Stream-Id']}").is_success
            for response in hanging:
                self._ended(door, response)

    def ask_wrongly(self) -> None:
        """What is refused before it begins."""
        for path in DOORS.values():
            for fields in ({"message": 5}, {"username": "nobody"}):
                assert self._client.post(path, json=_question(**fields)).is_client_error
            # The server closes after a refusal that did not wait for the body: nothing else may use that connection.
            stranger = {"Authorization": "Bearer of nobody", "Connection": "close"}
            assert self._client.post(path, json=_question(), headers=stranger).status_code == HTTPStatus.UNAUTHORIZED
            assert self._client.put(path).status_code == HTTPStatus.METHOD_NOT_ALLOWED
            self.unknown_tokens += 1

    def look_around(self) -> None:
        """The doors beside, and one that is none."""
        for path in PATHS_BESIDE:
            self._client.get(path)

    def _asking(self, door: str, **fields: Any) -> AbstractContextManager[httpx.Response]:
        return self._client.stream("POST", DOORS[door], json=_question(**fields))

    def _resuming(self, stream: str, last_event_id: str) -> AbstractContextManager[httpx.Response]:
        return self._client.stream("GET", f"/api/streams/{stream}", headers={"Last-Event-ID": last_event_id})

    def _note(self, response: httpx.Response) -> None:
        self.requests[door_of(response.request.url.path), str(response.status_code)] += 1

    def _ended(self, door: str, response: httpx.Response) -> None:
        if door == "chat":
            response.read()
            self._count(door, response.json())
        else:
            *_, (frame, _) = _frames(response)
            self._count(door, frame)

    def _count(self, door: str, end: dict[str, Any]) -> None:
        self.ends[door, end.get("code") or "complete"] += 1


def door_of(path: str) -> str:
    """The door's name in the metrics."""
    doors = {path: door for door, path in DOORS.items()} | PATHS_BESIDE
    return "streams" if path.startswith("/api/streams/") else doors[path]


def _question(**fields: Any) -> dict[str, Any]:
    return {"username": "VitalikButerin", "message": "hi", "lang": "en", "pace": "none"} | fields


def _frames(response: httpx.Response) -> Iterator[tuple[dict[str, Any], str]]:
    """Every frame, with its id; "" where it has none."""
    frame: dict[str, Any] = {}
    event_id = ""
    for line in response.iter_lines():
        if line.startswith("data: "):
            frame = json.loads(line.removeprefix("data: "))
        elif line.startswith("id: "):
            event_id = line.removeprefix("id: ")
        elif not line and frame:
            yield frame, event_id
            frame = {}
