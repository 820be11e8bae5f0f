"""The page's scripts as the TypeScript compiler reads them: every name exists, every call fits its JSDoc."""

import hashlib
import re
import subprocess
from pathlib import Path

import pytest

from tests.web.npm_packages import installed

HERE = Path(__file__).parent
WEB = HERE.parents[1] / "web"
PAGE = (WEB / "streaming_test.html").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_scripts_of_the_page_have_no_type_errors() -> None:
    compiler = installed("typescript/bin/tsc")
    checked = subprocess.run(
        ["node", str(compiler), "-p", str(HERE / "tsconfig.json")], capture_output=True, text=True, timeout=120
    )
    assert checked.stdout == ""
    assert checked.returncode == 0


def test_the_page_loads_every_script_and_style_there_is_and_no_other() -> None:
    loaded = set(re.findall(r'(?:src|href)="([^"#]+\.(?:js|css))"', PAGE))
    others = ("analytics", "api_docs")
    files = [file.name for pattern in ("*.js", "*.css") for file in WEB.glob(pattern)]
    there = {name for name in files if not name.startswith(others)}
    vendored = {"vendor/marked/marked.umd.js", "vendor/dompurify/purify.min.js", "vendor/highlightjs/highlight.min.js"}
    assert loaded == there | vendored


def test_the_page_holds_no_script_and_no_style_of_its_own() -> None:
    assert not re.findall(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)", PAGE)


@pytest.mark.parametrize("folder", [folder.name for folder in (WEB / "vendor").iterdir()])
def test_a_library_is_the_file_that_its_version_names(folder: str) -> None:
    version = (WEB / "vendor" / folder / "VERSION.md").read_text(encoding="utf-8")
    (library,) = (WEB / "vendor" / folder).glob("*.js")
    assert f"`{library.name}`" in version
    assert hashlib.sha256(library.read_bytes()).hexdigest() in version
    assert (WEB / "vendor" / folder / "LICENSE.md").stat().st_size > 1000
