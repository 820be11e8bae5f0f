"""LiteLLM's proxy in front of one upstream, without a database: ``--upstream URL``. Says its port once it listens."""

from __future__ import annotations

import argparse
import os
import socket
import sys
import tempfile
import threading
import time
from pathlib import Path

KEY = "bench-secret"
_CONFIG = """
model_list:
  - model_name: {model}
    litellm_params: {{model: openai/{model}, api_base: "{upstream}", api_key: none}}
litellm_settings: {{telemetry: false}}
general_settings: {{master_key: {key}}}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--upstream", required=True)
    parser.add_argument("--model", required=True)
    options = parser.parse_args()
    port = _free_port()
    # What it prints itself is not for whoever waits for the port.
    out = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    threading.Thread(target=_say_once_it_listens, args=(port, out), daemon=True).start()
    from litellm.proxy.proxy_cli import run_server

    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "config.yaml"
        config.write_text(_CONFIG.format(model=options.model, upstream=options.upstream, key=KEY), encoding="ascii")
        sys.argv = ["litellm", "--config", str(config), "--host", "127.0.0.1", "--port", str(port)]
        run_server()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _say_once_it_listens(port: int, out: object) -> None:
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            print(port, file=out, flush=True)  # type: ignore[call-overload]
            return


if __name__ == "__main__":
    main()
