"""Compiles the modules that every frame goes through, where that can be done; all else of the package is in setup.cfg.

They are plain Python, and with the same results they run as that: in an editable installation, where an edit is to have
its effect at once, where STREAMCHAT_PURE is set, and where there is no C compiler. The compiler is mypyc.
"""

from __future__ import annotations

import os
import sys
from contextlib import chdir
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

from setuptools import Distribution, Extension, setup
from setuptools.command.build_ext import build_ext

HOT = (
    "chunking/characters.py",
    "presenting/answer_text.py",
    "presenting/paced_queue.py",
    "presenting/pacing.py",
    "presenting/permille.py",
    "presenting/presenter.py",
    "presenting/timeline.py",
    "presenting/waiting.py",
    "turns/log.py",
    "turns/loop_emitter.py",
    "turns/pieces.py",
    "turns/reader.py",
    "turns/rounds.py",
    "turns/ticker.py",
    "wire/chunk_text.py",
    "wire/json_text.py",
    "wire/openai.py",
    "wire/sse.py",
    "wire/websocket.py",
    "handlers/delivery.py",
    "handlers/following.py",
    "handlers/tally.py",
    "backends/http_answer.py",
    "backends/openai_client.py",
    "backends/openai_events.py",
    "backends/openai_reply.py",
    "backends/openai_template.py",
)
ROOT = Path(__file__).resolve().parent


class BuildIfPossible(build_ext):
    """Leaves the package plain Python when something can't be compiled."""

    def run(self) -> None:
        self.forget_built()
        try:
            super().run()
        except Exception as error:  # noqa: BLE001 - whatever it is, the package works without
            say(f"it stays plain Python, because it can't be compiled: {error}")
            self.forget_built()
            self.extensions = []

    def forget_built(self) -> None:
        """Some modules without the others can't be imported; those of an earlier build may not be wanted any more."""
        for pattern in ("*.so", "*.pyd"):
            for built in Path(self.build_lib).rglob(pattern):
                built.unlink()


def extensions() -> list[Extension]:
    """What is to be compiled."""
    # Other commands are asked what the package needs, or make an editable installation.
    if not {"bdist_wheel", "build_ext"}.intersection(sys.argv) or os.environ.get("STREAMCHAT_PURE"):
        return []
    if not has_compiler():
        say("it stays plain Python, because there is no C compiler, or no headers of Python")
        return []
    try:
        return translated()
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever it is, the package works without
        say(f"it stays plain Python, because mypyc can't translate it: {error}")
        return []


def translated() -> list[Extension]:
    """The modules as C. Raises SystemExit, too."""
    from mypyc.build import mypycify  # it is large, and not everybody compiles

    # The package as mypy has to see it: its rooms lie beside streamchat.py, not below a folder of its name.
    with TemporaryDirectory() as folder, chdir(folder):
        Path("streamchat").symlink_to(ROOT)
        os.environ["MYPYPATH"] = folder
        # The libraries need not be installed here: types are checked elsewhere.
        options = ["--config-file=", "--explicit-package-bases", "--ignore-missing-imports", "--follow-imports=silent"]
        found = mypycify([*options, *(f"streamchat/{path}" for path in HOT)], target_dir=str(ROOT / "build"))
    for extension in found:
        # What another compiler may warn of is no reason to do without.
        extension.extra_compile_args = [flag for flag in extension.extra_compile_args if flag != "-Werror"]
    return cast("list[Extension]", found)


def has_compiler() -> bool:
    """Whether an extension without content can be built. Asked first, because mypyc takes its time."""
    with TemporaryDirectory() as folder:
        source = Path(folder, "empty.c")
        source.write_text("#include <Python.h>\n", encoding="ascii")
        trial = build_ext(Distribution({"ext_modules": [Extension("empty", [str(source)])]}))
        trial.build_lib = trial.build_temp = folder
        try:
            trial.ensure_finalized()
            trial.run()
        except Exception as error:  # noqa: BLE001 - whatever it is, the package works without
            say(str(error))
            return False
    return True


def say(text: str) -> None:
    """Tell whoever watches the build (pip install -v)."""
    print(f"streamchat: {text}", file=sys.stderr)


setup(ext_modules=extensions(), cmdclass={"build_ext": BuildIfPossible})
