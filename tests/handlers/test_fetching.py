"""Fetching from a real server on loopback, which only a test may reach, and from nowhere else that is private."""

import asyncio
from ipaddress import ip_address

import httpx
import pytest

from streamchat.handlers.fetching import MAX_REDIRECTS, Fetched, Fetcher, FetchFailed, NotFetchable, is_host, resolved
from streamchat.handlers.media_types import UNKNOWN
from tests.fakes.certificates import certificate_for
from tests.fakes.file_server import PNG, FileServer, file, redirect, serving_files

LOOPBACK = ip_address("127.0.0.1")
# As an upper bound for what must not take that long; nothing waits for it.
PATIENCE_SECONDS = 20.0


def names(**addresses: str):
    """A resolver that knows these names; a name with several addresses has them with commas between."""

    async def resolve(host, port):
        known = addresses.get(host.partition(".")[0])
        if known is None:
            raise OSError("no such name")
        return [ip_address(address) for address in known.split(",")]

    return resolve


def fetcher(*hosts, seconds=PATIENCE_SECONDS, reachable=("127.0.0.1",), **more):
    """One that may connect to these addresses beside public ones."""
    may_connect = {ip_address(address) for address in reachable}
    return Fetcher(hosts, seconds=seconds, may_connect=lambda address: address in may_connect, **more)


async def fetch(fetching: Fetcher, url: str, max_bytes: int = 1_000) -> Fetched:
    return await fetching.fetch(fetching.check(url), max_bytes)


async def why_not(fetching: Fetcher, url: str, max_bytes: int = 1_000) -> str:
    with pytest.raises(FetchFailed) as failed:
        await fetch(fetching, url, max_bytes)
    return failed.value.why


def here(files: FileServer) -> str:
    return f"127.0.0.1:{files.port}"


@pytest.mark.gen_test
async def test_what_is_at_an_allowed_url_is_fetched_as_its_server_calls_it() -> None:
    async with serving_files({"/a": file(PNG, "image/png; q=1"), "/b": file(b"", "")}) as files:
        fetching = fetcher(here(files))
        assert await fetch(fetching, files.url("/a")) == Fetched(media_type="image/png", content=PNG)
        assert await fetch(fetching, files.url("/b")) == Fetched(media_type=UNKNOWN, content=b"")
        _, headers = files.asked[0]
        assert headers["host"] == here(files)
        assert headers["accept-encoding"] == "identity"
        assert not {"authorization", "cookie", "referer"} & headers.keys()


@pytest.mark.gen_test
async def test_a_name_is_looked_up_once_and_the_address_that_was_checked_is_connected_to() -> None:
    lookups = []

    async def rebinding(host: str, port: int):
        lookups.append(host)
        return [LOOPBACK if len(lookups) == 1 else ip_address("10.0.0.1")]

    async with serving_files({"/": file(PNG)}) as files:
        fetching = fetcher("any.example:" + str(files.port), resolve=rebinding)
        assert (await fetch(fetching, files.url("/", "any.example"))).content == PNG
        assert lookups == ["any.example"]
        assert files.asked[0][1]["host"] == f"any.example:{files.port}"
        assert await why_not(fetching, files.url("/", "any.example")) == "forbidden"
        assert len(files.asked) == 1


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "fe80::1", "0.0.0.0"],
)
@pytest.mark.gen_test
async def test_a_name_that_has_a_private_address_is_not_fetched_from(address: str) -> None:
    for addresses in (address, f"8.8.8.8,{address}"):
        fetching = Fetcher(["any"], resolve=names(inside=addresses))
        assert await why_not(fetching, "http://inside.example/") == "forbidden"


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "[::ffff:10.0.0.1]", "169.254.169.254", "[fe80::1]", "0.0.0.0"])
def test_a_private_address_is_refused_before_anything_is_asked(host: str) -> None:
    with pytest.raises(NotFetchable, match="private"):
        Fetcher(["any"]).check(f"http://{host}/")


@pytest.mark.parametrize("host", ["localhost", "127.1", "0x7f.0.0.1", "2130706433", "0"])
@pytest.mark.gen_test
async def test_other_ways_to_write_loopback_are_looked_up_and_refused(host: str) -> None:
    assert await why_not(Fetcher(["any"]), f"http://{host}/") == "forbidden"


@pytest.mark.gen_test
async def test_a_redirect_is_followed_where_the_same_rules_allow_it() -> None:
    async with serving_files({"/a": redirect("/b?c=d#e"), "/b?c=d": file(PNG)}) as files:
        assert (await fetch(fetcher(here(files)), files.url("/a"))).content == PNG


@pytest.mark.parametrize(
    "location",
    [
        "http://10.0.0.1/",
        "http://[::1]/",
        "http://other.example/",
        "http://inside.example/",
        "http://127.0.0.1:1/",
        "https://user:password@files.example/",
        "file:///etc/passwd",
        "gopher://files.example/",
        "//10.0.0.1/",
        "http://[",
    ],
)
@pytest.mark.gen_test
async def test_a_redirect_to_elsewhere_is_not_followed(location: str) -> None:
    async with serving_files({"/": redirect(location)}) as files:
        port = files.port
        resolve = names(files="127.0.0.1", inside="10.0.0.1")
        fetching = fetcher(f"files.example:{port}", "inside.example", resolve=resolve)
        assert await why_not(fetching, files.url("/", "files.example")) == "forbidden"
        assert len(files.asked) == 1


@pytest.mark.gen_test
async def test_redirects_come_to_an_end() -> None:
    async with serving_files({"/": redirect("/")}) as files:
        assert await why_not(fetcher(here(files)), files.url("/")) == "unreachable"
        assert len(files.asked) == MAX_REDIRECTS + 1


@pytest.mark.gen_test
async def test_too_much_is_not_read_whether_it_is_announced_or_not() -> None:
    async with serving_files({"/announced": file(PNG * 10)}) as files:
        fetching = fetcher(here(files))
        assert await why_not(fetching, files.url("/announced"), len(PNG) * 10 - 1) == "too_large"
        assert await why_not(fetching, files.url("/endless")) == "too_large"
        await asyncio.wait_for(files.left.wait(), PATIENCE_SECONDS)
        assert (await fetch(fetching, files.url("/announced"), len(PNG) * 10)).content == PNG * 10


@pytest.mark.gen_test
async def test_a_server_that_says_nothing_is_left_in_time() -> None:
    async with serving_files() as files:
        assert await why_not(fetcher(here(files), seconds=0.5), files.url("/silent")) == "timeout"
        await asyncio.wait_for(files.left.wait(), PATIENCE_SECONDS)


@pytest.mark.gen_test
async def test_a_name_server_that_says_nothing_is_left_in_time() -> None:
    async def silent(host: str, port: int):
        await asyncio.Event().wait()
        return []

    assert await why_not(Fetcher(["any"], seconds=0.05, resolve=silent), "http://slow.example/") == "timeout"


@pytest.mark.parametrize(
    "answer",
    [
        file(b"gone", status=404),
        file(b"later", status=503),
        file(b"part", status=206),
        file(PNG, Content_Encoding="gzip"),
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\ncut",
        b"SSH-2.0-OpenSSH\r\n",
        b"",
        b"HTTP/1.1 200 OK\r\n" + b"X: " + b"x" * 200_000 + b"\r\n\r\n",
    ],
)
@pytest.mark.gen_test
async def test_an_answer_that_is_no_file_is_a_failure(answer: bytes) -> None:
    async with serving_files({"/": answer}) as files:
        assert await why_not(fetcher(here(files)), files.url("/")) == "unreachable"


@pytest.mark.gen_test
async def test_each_address_of_a_name_is_tried() -> None:
    async with serving_files({"/": file(PNG)}) as files:
        resolve = names(files="127.0.0.2,127.0.0.1", none="127.0.0.2")
        allowed = f"files.example:{files.port}", f"none.example:{files.port}"
        fetching = fetcher(*allowed, reachable=("127.0.0.1", "127.0.0.2"), resolve=resolve)
        assert (await fetch(fetching, files.url("/", "files.example"))).content == PNG
        assert await why_not(fetching, files.url("/", "none.example")) == "unreachable"
        assert (
            await why_not(fetcher("any", resolve=names(empty="127.0.0.1")), "http://unknown.example/") == "unreachable"
        )


@pytest.mark.gen_test
async def test_a_certificate_must_be_the_names_and_one_that_is_trusted(tmp_path) -> None:
    serving, trusting = certificate_for("files.example", tmp_path)
    async with serving_files({"/": file(PNG)}, tls=serving) as files:
        resolve = names(files="127.0.0.1", other="127.0.0.1")
        fetching = fetcher(f"files.example:{files.port}", f"other.example:{files.port}", resolve=resolve)
        assert await why_not(fetching, f"https://files.example:{files.port}/") == "unreachable"
        fetching._certificates = trusting
        assert (await fetch(fetching, f"https://files.example:{files.port}/")).content == PNG
        assert await why_not(fetching, f"https://other.example:{files.port}/") == "unreachable"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.org",
        "/etc/passwd",
        "file:///etc/passwd",
        "ftp://example.org/",
        "data:image/png;base64,AAAA",
        "http://",
        "http:///a",
        "http://user@example.org/",
        "http://user:password@example.org/",
        "http://example.org:8080/",
        "http://example.org:443/",
        "https://example.org:80/",
        "http://other.example/",
        "http://example.org.evil.example/",
        "http://evil-example.org/",
        "http://sub.example.org/",
        "http://example.org\\@other.example/",
        "http://example.org:x/",
        "http://[::1/",
        "http://xn--/",
        "http://xn--a.example.org/",
    ],
)
def test_a_url_that_is_not_fetched_from_is_told(url: str) -> None:
    with pytest.raises(NotFetchable):
        Fetcher(["example.org"]).check(url)


@pytest.mark.parametrize("url", ["http://example.org/a", "https://EXAMPLE.org", "https://example.org.:443/?q=1"])
def test_an_allowed_host_is_one_however_it_is_written(url: str) -> None:
    assert isinstance(Fetcher(["Example.org"]).check(url), httpx.URL)


def test_any_host_is_any_name_at_the_usual_ports_and_a_port_is_allowed_with_its_host() -> None:
    fetching = Fetcher(["any", "example.org:8443"])
    for url in ("http://a.example/", "https://b.example/", "https://example.org:8443/"):
        fetching.check(url)
    for url in ("http://a.example:8443/", "http://a.example:22/"):
        with pytest.raises(NotFetchable):
            fetching.check(url)


def test_a_host_of_the_option_is_a_name_or_an_address_with_or_without_a_port() -> None:
    for host in ("any", "example.org", "example.org:8443", "[2606:4700::1]:443", "93.184.216.34"):
        assert is_host(host), host
    for other in (
        "",
        "http://example.org",
        "example.org/a",
        "*.example.org",
        "user@example.org",
        "a b",
        "a:99999",
        "xn--",
    ):
        assert not is_host(other), other


@pytest.mark.gen_test
async def test_names_are_looked_up_as_the_system_does() -> None:
    assert LOOPBACK in await resolved("localhost", 80)
