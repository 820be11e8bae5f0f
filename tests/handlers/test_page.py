"""The test page and the files it loads."""

import re

import pytest

from streamchat.handlers.page import WEB
from tests.handlers.house import House, saying, with_server


def test_the_page_is_served_without_a_token_at_two_addresses() -> None:
    async def scenario(house: House) -> None:
        for path in ("/", "/streaming_test.html"):
            response = await house.get(path, token=None)
            assert response.status == 200
            assert response.headers["content-type"] == "text/html; charset=utf-8"
            assert response.body == (WEB / "streaming_test.html").read_bytes()
            assert response.headers["x-content-type-options"] == "nosniff"

    with_server(saying("hi"), scenario)


def test_the_analytics_page_and_its_library_are_served_without_a_token() -> None:
    async def scenario(house: House) -> None:
        library = "vendor/chartjs/chart.umd.min.js"
        for path, file, kind in (
            ("/analytics", "analytics.html", "text/html"),
            (f"/{library}", library, "text/javascript"),
        ):
            response = await house.get(path, token=None)
            assert response.status == 200
            assert response.headers["content-type"] == f"{kind}; charset=utf-8"
            assert response.headers["content-security-policy"].startswith("default-src 'self';")
            assert response.body == (WEB / file).read_bytes()

    with_server(saying("hi"), scenario)


def test_what_the_test_page_loads_is_served_without_a_token() -> None:
    page = (WEB / "streaming_test.html").read_text(encoding="utf-8")
    loaded = re.findall(r'(?:src|href)="([^"#]+\.(?:js|css|svg))"', page)

    async def scenario(house: House) -> None:
        assert len(loaded) > 20
        for path in loaded:
            response = await house.get(f"/{path}", token=None)
            assert response.status == 200
            assert response.body == (WEB / path).read_bytes()

    with_server(saying("hi"), scenario)


def test_the_test_page_may_run_nothing_but_its_own_files_as_served_and_as_a_file() -> None:
    async def scenario(house: House) -> None:
        response = await house.get("/", token=None)
        policy = response.headers["content-security-policy"]
        (own,) = re.findall(r'Content-Security-Policy"\s+content="([^"]+)"', response.body.decode())
        assert policy == f"{own}; frame-ancestors 'none'"
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; ")
        assert "unsafe" not in policy

    with_server(saying("hi"), scenario)


@pytest.mark.parametrize(
    "path",
    [
        "/vendor/chartjs/LICENSE.md",
        "/vendor/marked/VERSION.md",
        "/vendor/chartjs/..%2f..%2fpage_words.js",
        "/__init__.py",
        "/nothing.html",
        "/..%2fsetup.cfg",
        "/web/streaming_test.html",
        "/%2e%2e%2fsetup.html",
        "/.js",
    ],
)
def test_nothing_else_is_served(path: str) -> None:
    async def scenario(house: House) -> None:
        assert (await house.get(path, token=None)).status == 404

    with_server(saying("hi"), scenario)


def test_a_name_that_no_file_system_takes_is_not_found() -> None:
    async def scenario(house: House) -> None:
        assert (await house.get(f"/{'a' * 300}.html")).status == 404

    with_server(saying("hi"), scenario)


@pytest.mark.parametrize(
    ("path", "others"),
    [
        ("/", "*"),
        ("/streaming_test.html", "*"),
        ("/analytics", "'self'"),
        ("/analytics.html", "'self'"),
    ],
)
def test_only_the_test_page_may_talk_to_another_server(path: str, others: str) -> None:
    async def scenario(house: House) -> None:
        policy = (await house.get(path, token=None)).headers["content-security-policy"]
        assert f"connect-src {others};" in policy

    with_server(saying("hi"), scenario)
