"""The embedded model: llama.cpp in this process, behind an OpenAI-compatible server on a random loopback port.

One model a process. Its address and key go into the environment, so that worker processes find the model of the
process that started them. Knows nothing of questions or of where the model file comes from.
"""

from __future__ import annotations

import atexit
import importlib.util
import os
import platform
import secrets
import signal
import subprocess
import sys
import threading
from contextlib import closing
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

URL_VARIABLE = "STREAMCHAT_LOCAL_URL"
KEY_VARIABLE = "STREAMCHAT_LOCAL_KEY"

# Questions that are answered at the same time, and tokens (question, history and answer) that each may have.
SLOTS = 4
SLOT_TOKENS = 2048
# A cancelled question frees its slot between two batches: 128 tokens are about 0.7 s on one thread.
BATCH_TOKENS = 128
PROBE_LIMIT_SECONDS = 60.0
_BEGIN_LIMIT_SECONDS = 30.0

_NEEDED = ("xllamacpp", "pycurl", "platformdirs", "tqdm")

_lock = threading.Lock()
_server: Any = None


class ModelNotStarted(Exception):
    """llama.cpp refused the model; the message is one plain sentence."""


def why_not() -> str | None:
    """One plain sentence on why no embedded model can run here; None if one can.

    The native library is tried in a process of its own: what kills that one can't kill the server.
    """
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        return f"not installed: {', '.join(missing)} (pip install 'streamchat[local]' brings them)"
    if not _has_avx2():
        return "this processor has no AVX2, which the embedded model needs"
    return _why_not_importable()


def start(model_path: Path) -> str:
    """Load the model and serve it; the base URL for an OpenAI client. Once started, that server stays the one.

    Raises ModelNotStarted.
    """
    global _server
    with _lock:
        if _server is None:
            key = secrets.token_urlsafe()
            _server = _serve(model_path, key)
            os.environ[URL_VARIABLE] = f"{_server.listening_address}/v1"
            os.environ[KEY_VARIABLE] = key
            # A native thread that outlives the interpreter crashes it.
            atexit.register(stop)
        return os.environ[URL_VARIABLE]


def stop() -> None:
    """End the server and every answer it is giving, within about two seconds; nothing happens when none runs."""
    global _server
    with _lock:
        if _server is not None:
            _server = None
            atexit.unregister(stop)
            os.environ.pop(URL_VARIABLE, None)
            os.environ.pop(KEY_VARIABLE, None)


def threads() -> int:
    """How many threads compute: one core is left to the server, or the model becomes six times slower."""
    return max(1, _cores() - 1)


def _serve(model_path: Path, key: str) -> Any:  # noqa: ANN401 - the library has no types
    import xllamacpp  # type: ignore[import-untyped]

    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(model_path)
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = threads()
    parameters.n_parallel = SLOTS
    parameters.n_ctx = SLOTS * SLOT_TOKENS
    parameters.n_batch = parameters.n_ubatch = BATCH_TOKENS
    parameters.fit_params = False
    parameters.cache_ram_mib = 0
    parameters.verbosity = 0
    parameters.ui = False
    # Other users of the machine, and pages in a browser, can reach a loopback port.
    parameters.api_keys = [key]
    # Seconds. An answer that waits for its slot notices only at a ping that the server stops.
    parameters.sse_ping_interval = 1
    try:
        server = xllamacpp.Server(parameters)
    except RuntimeError as error:
        raise ModelNotStarted(f"llama.cpp can't load {model_path}: {error}") from error
    _wait_for_its_loop(server.listening_address, key)
    return server


def _wait_for_its_loop(address: str, key: str) -> None:
    """Ask what its loop itself answers: a server that is ended before the loop runs waits for its end for ever."""
    with closing(HTTPConnection(urlsplit(address).netloc, timeout=_BEGIN_LIMIT_SECONDS)) as connection:
        try:
            connection.request("GET", "/slots", headers={"Authorization": f"Bearer {key}"})
            connection.getresponse().read()
        except (OSError, HTTPException) as error:
            raise ModelNotStarted(f"llama.cpp does not answer: {error}") from error


def _has_avx2() -> bool:
    """Whether the processor has AVX2, or is of a kind that has other wheels or other means to tell."""
    if platform.machine() not in ("x86_64", "AMD64"):
        return True
    try:
        return "avx2" in Path("/proc/cpuinfo").read_text()
    except OSError:
        return True


def _why_not_importable() -> str | None:
    command = (sys.executable, "-c", "import xllamacpp; xllamacpp.get_system_info()")
    try:
        probe = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PROBE_LIMIT_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"xllamacpp can't be tried: {error}"
    return _verdict(probe.returncode, probe.stderr)


def _verdict(status: int, errors: str) -> str | None:
    """What the end of the trial means; ``status`` as in subprocess: negative numbers are signals."""
    if status == 0:
        return None
    if status == -signal.SIGILL:
        return "this processor lacks an instruction that xllamacpp uses (it needs AVX2)"
    if "libgomp" in errors:
        return "the system library libgomp.so.1 is missing (on Debian: apt install libgomp1)"
    last_line = errors.strip().rpartition("\n")[2]
    return f"xllamacpp can't be loaded: {last_line or f'it ended with status {status}'}"


def _cores() -> int:
    """The cores this process may use, which in a container are fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
