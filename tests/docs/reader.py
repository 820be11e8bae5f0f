"""Somebody who does what a page says, from top to bottom, in a folder of their own: saves files, types commands.

The server that they talk to is the persona's until the page starts another one. What differs from the page: the
server's address, because the port is a free one, and the token that it would have printed.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import yaml

from tests.docs.blocks import CHECKOUT, Block
from tests.serving.served import TOKEN, Served, serving

PATIENCE_SECONDS = 60.0
PERSONA = ("--process-query", "streamchat.backends.persona:process_query")
PROGRAMS = {"streamchat": "streamchat.py", "streamchat-client": "test_streaming_client.py"}


class Reader:
    """Follows one page; a context manager that stops the servers which the page started."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.printed = ""
        self.lacking: set[str] = set()
        self._servers = ExitStack()
        self._served: Served | None = None
        _install(folder / ".venv" / "bin")

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_: object) -> None:
        self._servers.close()

    def follow(self, block: Block) -> None:
        """Do what the block is for; an AssertionError when it does not work."""
        if block.language == "console":
            self._type(block.text)
            return
        text = self._placed(block.text)
        if block.name:
            (self.folder / block.name).write_text(text, encoding="utf-8")
        match block.language:
            case "python":
                compile(text, block.name or "page", "exec")
                if not block.name:
                    (self.folder / "page.py").write_text(text, encoding="utf-8")
                    self._run("python page.py")
            case "json":
                assert _without_times(json.loads(self.printed)) == _without_times(json.loads(text))
            case "yaml":
                yaml.safe_load(text)

    def _type(self, text: str) -> None:
        commands = text.replace("\\\n", " ")
        if options := _options_of_server(commands.partition("\n")[0]):
            self._start(*options)
            commands = commands.partition("\n")[2]
        if commands.split(" ")[0] == "node" and shutil.which("node") is None:
            self.lacking.add("node")
            return
        self._run(self._placed(commands))

    def _run(self, commands: str) -> None:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", commands],
            cwd=self.folder,
            env=self._environment(),
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
        assert done.returncode == 0, f"{commands}\n{done.stdout}\n{done.stderr}"
        self.printed = done.stdout
        assert '"success":false' not in done.stdout or '"code":"unauthorized"' in done.stdout, done.stdout

    def _start(self, *options: str) -> None:
        """Start the server with these options; the one before it stops."""
        self._servers.close()
        self._served = self._servers.enter_context(serving(self.folder, *options))

    def _server(self) -> Served:
        if self._served is None:
            self._start(*PERSONA)
        assert self._served is not None
        return self._served

    def _placed(self, text: str) -> str:
        text = re.sub('THE_TOKEN_IT_PRINTED|(?<=Bearer )TOKEN|(?<=")TOKEN(?=")', TOKEN, text)
        needs_server = "127.0.0.1:5001" in text or "streamchat-client" in text
        return text.replace("http://127.0.0.1:5001", self._server().url) if needs_server else text

    def _environment(self) -> dict[str, str]:
        settings = {
            "PATH": f"{self.folder / '.venv' / 'bin'}:{os.environ['PATH']}",
            "TOKEN": TOKEN,
            "STREAMCHAT_DATABASE_URL": f"sqlite:///{self.folder}/test.db",
        }
        if self._served is not None:
            settings["STREAMCHAT_CLIENT_URL"] = self._served.url
        return {**os.environ, **settings}


def _options_of_server(command: str) -> list[str]:
    """The options of a command that starts a server; none of any other."""
    name, *options = shlex.split(command) or [""]
    return options if Path(name).name == "streamchat" and options[0].startswith("--") else []


def _install(bin_folder: Path) -> None:
    """Put the commands where the page finds them, without installing anything."""
    bin_folder.mkdir(parents=True)
    for name, script in PROGRAMS.items():
        path = bin_folder / name
        path.write_text(f'#!/bin/sh\nexec {sys.executable} {CHECKOUT / script} "$@"\n')
        path.chmod(0o755)
    (bin_folder / "python").write_text(f'#!/bin/sh\nPYTHONPATH={CHECKOUT} exec {sys.executable} "$@"\n')
    (bin_folder / "python").chmod(0o755)


def _without_times(document: Any) -> Any:
    """The document without what is different each time."""
    if not isinstance(document, dict):
        return document
    return {name: value for name, value in document.items() if not name.endswith(("_time", "_id"))}
