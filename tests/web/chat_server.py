"""A real server for the page, on a loop in a thread of its own, that can be started anew under a page that is open.

Its function does what the question names, and waits where the test opens a gate, so nothing sleeps.
"""

from __future__ import annotations

import asyncio
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import streamchat

TOKEN = "secret-a"
PATIENCE_SECONDS = 30.0
# One grey pixel.
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg=="
ORDER = {
    "type": "object",
    "required": ["size", "name"],
    "properties": {
        "size": {"title": "Size", "enum": ["small", "large"]},
        "name": {"type": "string", "title": "Name", "minLength": 2},
        "count": {"type": "integer", "title": "How many", "minimum": 1},
        "extras": {"type": "array", "title": "Extras", "items": {"enum": ["ribbon", "card"]}},
        "express": {"type": "boolean", "title": "Express"},
    },
}
MARKDOWN = """# Safe

**bold** and `code`, [a link](https://example.org/x), [bad](javascript:document.title='stolen'),
![picture](https://example.org/x.png) <img src=x onerror="document.title='stolen'">

<script>document.title = 'stolen'</script>

```python
print("<b>hi</b>")  # a comment
```

| a | b |
|---|--:|
| 1 | 2 |

- [x] done

Last words.
"""
LONG = "".join(f"Paragraph {number} says something of its own about streams.\n\n" for number in range(60))


class Answers:
    """The function: which of its answers is given depends on the first word of the question."""

    def __init__(self) -> None:
        self.gate = threading.Event()

    def wait(self) -> None:
        assert self.gate.wait(PATIENCE_SECONDS)

    def __call__(
        self,
        message: str,
        history: list[Any],
        progress: Callable[..., None],
        tool_call: Callable[..., str],
        tool_result: Callable[..., None],
        media: Callable[..., None],
        ask: Callable[..., Any],
    ) -> Iterator[str]:
        match message.split()[0]:
            case "wait":
                progress("Thinking hard", 40)
                self.wait()
                yield "It was worth it."
            case "half":
                yield "The first half.\n\n"
                self.wait()
                yield "The second half."
            case "tools":
                yield "Let me look. "
                call = tool_call("weather", {"city": "Ulm"})
                tool_result(call, "weather", {"temperature": 20})
                other = tool_call("forecast", {"city": "Nowhere"})
                tool_result(other, "forecast", "no such place", is_error=True)
                media("image/png", content=PNG, alt="The sky")
                media("application/pdf", content=b64encode(b"%PDF").decode(), alt="report.pdf")
                media("image/png", url="javascript:alert(1)", alt="bad")
                yield "It is 20 degrees."
            case "order":
                yield f"Ordered: {ask('What shall I order?', schema=ORDER)}"
            case "name":
                yield f"Hello {ask('In whose name?')}."
            case "hurry":
                try:
                    ask("Quick, yes or no?", schema={"enum": ["yes", "no"]}, timeout=0.2)
                except TimeoutError:
                    yield "Too late."
            case "markdown":
                yield MARKDOWN
            case "long":
                yield LONG
            case "remember":
                yield f"There were {len(history)} messages before."
            case _:
                yield f"You said: {message}. " + "That is a sentence of an answer. " * 12


class ChatServer:
    """One server at one port; owned by the thread that its loop runs in."""

    def __init__(self, folder: Path, **options: Any) -> None:
        self.answers = Answers()
        self._database = f"sqlite:///{folder}/test.db"
        self._options = options
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="chat server")
        self._server: Any = None
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @contextmanager
    def running(self) -> Iterator[ChatServer]:
        self._thread.start()
        try:
            self.call(self._open())
            yield self
        finally:
            self.answers.gate.set()
            self.stop()
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    def stop(self) -> None:
        """As SIGTERM does with no time to drain: open streams get their last frame."""
        if self._server is not None:
            server, self._server = self._server, None
            self.call(server.drain())
            self.call(server.close())

    def start(self) -> None:
        """At the same port as before, and with nothing in memory."""
        self.call(self._open())

    def call(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(PATIENCE_SECONDS)

    async def _open(self) -> None:
        self._server = await streamchat.make_app(
            self.answers,
            port=self.port,
            token=(f"alice={TOKEN}",),
            database_url=self._database,
            drain=0.0,
            **self._options,
        )
        self.port = self._server.port
