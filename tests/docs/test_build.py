"""docs/ as a site: built without a warning, every page in its navigation, nothing loaded from elsewhere."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.blocks import CHECKOUT

pytestmark = pytest.mark.slow

DOCS = CHECKOUT / "docs"
# What a browser fetches by itself when it opens a page.
LOADED = re.compile(r"""<(?:script|img|link rel="(?:stylesheet|icon|preload)")[^>]*?(?:src|href)="([^"]+)\"""")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site. ``-W``: a page outside the navigation, or a link to what is not there, fails."""
    target = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-n", "-q", "-d", str(target / "trees")]
    built = subprocess.run([*command, str(DOCS), str(target / "html")], capture_output=True, text=True, check=False)
    assert (built.returncode, built.stderr) == (0, ""), built.stderr
    return target / "html"


def test_every_page_is_built_and_linked_from_the_first(site: Path) -> None:
    first = (site / "index.html").read_text(encoding="utf-8")
    for page in DOCS.glob("*.md"):
        assert f'href="{page.stem}.html"' in first or page.stem == "index", page.name


def test_the_search_has_its_index_and_finds_a_setting(site: Path) -> None:
    index = (site / "searchindex.js").read_text(encoding="utf-8")
    assert re.search(r"\blinger:\[?\d|\"linger\":\[?\d", index)


def test_no_page_loads_anything_from_elsewhere(site: Path) -> None:
    for page in site.glob("*.html"):
        loaded = LOADED.findall(page.read_text(encoding="utf-8"))
        assert loaded
        assert [address for address in loaded if re.match(r"(?:[a-z]+:)?//", address)] == [], page.name
