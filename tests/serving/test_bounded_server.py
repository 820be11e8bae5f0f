"""A connection too many is answered and closed; those that are there go on."""

import resource

from streamchat.serving.bounded_server import RESERVED_FILES, BoundedHTTPServer
from tests.handlers.house import House, saying, until, with_server


def test_a_connection_too_many_gets_503_and_a_place_that_is_free_again_is_given_away() -> None:
    async def scenario(house: House) -> None:
        async with house.connect() as first:
            await first.send("GET", "/healthz")
            assert (await first.read_response()).status == 200
            async with house.connect() as second:
                refused = await second.read_response()
                assert (refused.status, refused.headers["retry-after"]) == (503, "5")
                assert await second.is_closed_by_server()
            await first.send("GET", "/metrics")
            metrics = (await first.read_response()).body
            assert b"streamchat_connections 1.0" in metrics
            assert b"streamchat_refused_connections_total 1.0" in metrics
        await until(lambda: house.server.connections().open == 0)
        assert (await house.get("/healthz")).status == 200

    with_server(saying("hi"), scenario, max_connections=1)


def test_there_are_always_fewer_connections_than_files() -> None:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    server = BoundedHTTPServer(lambda request: None, max_connections=10**9)
    assert server.max_connections == soft - RESERVED_FILES
