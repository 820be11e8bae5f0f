"""Who may read the metrics, and where."""

import asyncio

import pytest

import streamchat
from streamchat.serving.settings import CannotStart, Settings, host_and_port
from tests.handlers.house import BASIC, Gate, House, saying, with_server
from tests.handlers.raw_client import PATIENCE_SECONDS, Connection, Response


async def ask_metrics_port(house: House, path: str, *, method: str = "GET", **headers: str) -> Response:
    assert house.server.metrics_address is not None
    async with Connection(house.server.metrics_address[1]) as connection:
        await connection.send(method, path, headers=headers)
        return await connection.read_response(method=method)


def test_metrics_are_open_unless_said_otherwise() -> None:
    async def scenario(house: House) -> None:
        assert (await house.get("/metrics", token=None)).status == 200
        assert house.server.metrics_address is None

    with_server(saying("hi"), scenario)


def test_metrics_can_be_kept_for_whoever_has_a_token() -> None:
    async def scenario(house: House) -> None:
        refused = await house.get("/metrics", token=None)
        assert (refused.status, refused.headers["www-authenticate"]) == (401, "Bearer")
        assert b"streamchat_" not in refused.body
        assert (await house.get("/metrics", token="wrong")).status == 401
        assert (await house.get("/metrics")).status == 200
        for probe in ("/healthz", "/readyz"):
            assert (await house.get(probe, token=None)).status == 200

    with_server(saying("hi"), scenario, metrics_access="bearer")


def test_an_address_of_their_own_has_metrics_and_probes_and_nothing_else() -> None:
    async def scenario(house: House) -> None:
        await house.ask(BASIC)
        response = await ask_metrics_port(house, "/metrics")
        assert b'streamchat_requests_total{door="basic",status="200"} 1.0' in response.body
        for probe in ("/healthz", "/readyz"):
            assert (await ask_metrics_port(house, probe)).status == 200
            assert (await house.get(probe, token=None)).status == 200
        for path in ("/", "/api/health", "/api/profiles", BASIC):
            assert (await ask_metrics_port(house, path, Authorization="Bearer secret-a")).status == 404

    with_server(saying("hi"), scenario, metrics_address="127.0.0.1:0")


def test_with_an_address_of_their_own_the_other_one_has_them_no_longer() -> None:
    async def scenario(house: House) -> None:
        assert (await house.get("/metrics")).status == 404
        assert (await house.get("/api/profiles")).status == 200

    with_server(saying("hi"), scenario, metrics_address="127.0.0.1:0")


def test_an_address_of_their_own_asks_for_a_token_too() -> None:
    async def scenario(house: House) -> None:
        assert (await ask_metrics_port(house, "/metrics")).status == 401
        assert (await ask_metrics_port(house, "/metrics", Authorization="Bearer secret-a")).status == 200

    with_server(saying("hi"), scenario, metrics_address="127.0.0.1:0", metrics_access="bearer")


def test_an_address_of_their_own_is_there_while_the_server_drains() -> None:
    gate = Gate()

    async def scenario(house: House) -> None:
        async with house.connect() as connection:
            await house.begin(connection)
            await gate.has_begun()
            drained = asyncio.create_task(house.server.drain())
            await house.is_draining()
            ready = await ask_metrics_port(house, "/readyz")
            assert (ready.status, ready.json["reasons"]) == (503, ["draining: the server is shutting down"])
            assert b"streamchat_turns_running 1.0" in (await ask_metrics_port(house, "/metrics")).body
            gate.opened.set()
            await connection.read_until("complete")
            await drained

    with_server(gate, scenario, metrics_address="127.0.0.1:0", drain=PATIENCE_SECONDS)


def test_scrapes_get_through_when_the_streams_have_every_connection() -> None:
    gate = Gate()

    async def scenario(house: House) -> None:
        async with house.connect() as connection:
            await house.begin(connection)
            assert (await house.get("/healthz", token=None)).status == 503
            assert b"streamchat_connections 1.0" in (await ask_metrics_port(house, "/metrics")).body
            gate.opened.set()
            await connection.read_until("complete")

    with_server(gate, scenario, metrics_address="127.0.0.1:0", max_connections=1)


@pytest.mark.parametrize(
    ("address", "parts"),
    [
        ("127.0.0.1:9464", ("127.0.0.1", 9464)),
        ("[::1]:0", ("::1", 0)),
        ("metrics.internal:65535", ("metrics.internal", 65535)),
    ],
)
def test_an_address_is_a_host_and_a_port(address: str, parts: tuple[str, int]) -> None:
    assert host_and_port(address) == parts


@pytest.mark.parametrize("address", ["", "9464", ":9464", "host:", "host:http", "host:65536", "host:²", "::1:9464"])
def test_what_is_no_address_is_refused_with_a_sentence(address: str) -> None:
    with pytest.raises(CannotStart, match=r"--metrics-address must be HOST:PORT"):
        Settings(metrics_address=address)


def test_an_access_that_there_is_not_is_refused() -> None:
    with pytest.raises(CannotStart, match="metrics_access must be open or bearer"):
        Settings(metrics_access="closed")  # type: ignore[arg-type]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_address_that_is_taken_stops_the_start_and_leaves_nothing_open() -> None:
    async def scenario(house: House) -> None:
        taken = f"127.0.0.1:{house.port}"
        with pytest.raises(CannotStart, match=rf"^{taken}: "):
            await make_another(house, taken)

    with_server(saying("hi"), scenario)


async def make_another(house: House, metrics_address: str) -> None:
    url = f"sqlite:///{house.folder}/other.db"
    await streamchat.make_app(saying("hi"), port=0, database_url=url, metrics_address=metrics_address)
