"""``GET /openapi.json`` and ``GET /docs`` as a client meets them."""

from __future__ import annotations

import json
from hashlib import sha256

import pytest
from openapi_spec_validator import validate

import streamchat
from streamchat.handlers.page import WEB
from tests.handlers.house import House, saying, with_server

VIEWER = "vendor/swagger-ui"


def test_everybody_is_told_what_the_api_is() -> None:
    async def scenario(house: House) -> None:
        response = await house.get("/openapi.json", token=None)
        assert response.status == 200
        assert response.headers["content-type"] == "application/json; charset=utf-8"
        assert response.headers["access-control-allow-origin"] == "*"
        assert response.json["info"]["version"] == streamchat.__version__
        assert response.json["servers"] == [{"url": "/"}]
        validate(response.json)

    with_server(saying("hi"), scenario)


def test_who_has_it_already_is_not_sent_it_again() -> None:
    async def scenario(house: House) -> None:
        first = await house.get("/openapi.json", token=None)
        assert first.headers["cache-control"] == "no-cache"
        again = await house.get("/openapi.json", token=None, If_None_Match=first.headers["etag"])
        assert (again.status, again.body) == (304, b"")
        other = await house.get("/openapi.json", token=None, If_None_Match='"something else"')
        assert (other.status, other.body) == (200, first.body)

    with_server(saying("hi"), scenario)


def test_metrics_at_an_address_of_their_own_are_not_described() -> None:
    async def scenario(house: House) -> None:
        assert "/metrics" not in (await house.get("/openapi.json", token=None)).json["paths"]

    with_server(saying("hi"), scenario, metrics_address="127.0.0.1:0")


@pytest.mark.parametrize(("access", "security"), [("open", [{}]), ("bearer", [{"bearer": []}])])
def test_it_says_who_may_read_the_metrics(access: str, security: list[dict[str, list[str]]]) -> None:
    async def scenario(house: House) -> None:
        paths = (await house.get("/openapi.json", token=None)).json["paths"]
        assert paths["/metrics"]["get"]["security"] == security

    with_server(saying("hi"), scenario, metrics_access=access)


def test_the_viewer_is_served_without_a_token() -> None:
    async def scenario(house: House) -> None:
        for path, file, kind in (
            ("/docs", "api_docs.html", "text/html"),
            (f"/{VIEWER}/swagger-ui-bundle.js", f"{VIEWER}/swagger-ui-bundle.js", "text/javascript"),
            (f"/{VIEWER}/swagger-ui.css", f"{VIEWER}/swagger-ui.css", "text/css"),
        ):
            response = await house.get(path, token=None)
            assert response.status == 200
            assert response.headers["content-type"] == f"{kind}; charset=utf-8"
            assert response.body == (WEB / file).read_bytes()

    with_server(saying("hi"), scenario)


def test_the_viewer_may_draw_its_icons_and_no_other_page_may() -> None:
    async def scenario(house: House) -> None:
        policies = {
            path: (await house.get(path, token=None)).headers["content-security-policy"]
            for path in ("/docs", "/analytics")
        }
        assert policies["/docs"] == f"{policies['/analytics']}; img-src 'self' data:"
        assert "unsafe" not in policies["/docs"]

    with_server(saying("hi"), scenario)


def test_the_viewer_is_the_one_that_its_version_says() -> None:
    lines = (WEB / VIEWER / "VERSION.md").read_text(encoding="utf-8").splitlines()
    sums = dict(reversed(line.split()) for line in lines if line.startswith("    "))
    assert len(sums) == 2
    for name, digest in sums.items():
        assert sha256((WEB / VIEWER / name).read_bytes()).hexdigest() == digest


def test_a_server_with_other_strategies_describes_others() -> None:
    async def scenario(house: House) -> None:
        names = house.server.rooms.strategies.names()
        chunking = json.loads((await house.get("/openapi.json", token=None)).body)["components"]["schemas"]["Chunking"]
        assert chunking["properties"]["strategy"]["enum"] == names

    with_server(saying("hi"), scenario)
