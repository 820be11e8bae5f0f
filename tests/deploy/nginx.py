"""A real nginx in front of a server, with the configuration that we ship. Nothing here sleeps."""

from __future__ import annotations

import re
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.deploy.machine import free_port, program

SHIPPED = Path(__file__).resolve().parents[2] / "deploy" / "nginx" / "streamchat.conf"
NAME = "chat.example.org"
PATIENCE_SECONDS = 30.0

# What a distribution's nginx.conf is around ours, as far as it matters here, in a folder of our own.
AROUND = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log stderr error;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxied;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/site.conf;
}}
"""
# What somebody writes who has read nothing.
BARE = """
server {
    listen 80;
    location / { proxy_pass http://127.0.0.1:5001; }
}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Nginx:
    """A running nginx: its two ports, its certificate and its access log."""

    http_port: int
    https_port: int
    certificate: Path
    log: Path

    @property
    def url(self) -> str:
        return f"https://localhost:{self.https_port}"

    @property
    def trusting(self) -> ssl.SSLContext:
        """A context that knows the certificate."""
        return ssl.create_default_context(cafile=str(self.certificate))

    def client(self, token: str) -> httpx.Client:
        headers = {"Authorization": f"Bearer {token}"}
        return httpx.Client(base_url=self.url, headers=headers, verify=self.trusting, timeout=PATIENCE_SECONDS)


@contextmanager
def in_front_of(url: str, folder: Path, *, site: str | None = None) -> Iterator[Nginx]:
    """Run nginx before the server at ``url`` until the end of the block: with the shipped site, or another."""
    folder.mkdir()
    nginx = Nginx(
        http_port=free_port(),
        https_port=free_port(),
        certificate=_certificate(folder),
        log=folder / "streamchat.log",
    )
    (folder / "site.conf").write_text(_placed(site or SHIPPED.read_text(encoding="utf-8"), url, nginx))
    (folder / "nginx.conf").write_text(AROUND.format(folder=folder))
    command = [program("nginx"), "-p", str(folder), "-c", str(folder / "nginx.conf")]
    checked = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    assert "[warn]" not in checked.stderr, checked.stderr
    with subprocess.Popen(command) as process:
        try:
            _wait_for(nginx.http_port)
            yield nginx
        finally:
            process.terminate()


def _placed(site: str, url: str, nginx: Nginx) -> str:
    """The site as it is, but for its ports, its files and the server's address."""
    site = site.replace("listen 80;", f"listen 127.0.0.1:{nginx.http_port};")
    site = site.replace("listen 443 ", f"listen 127.0.0.1:{nginx.https_port} ")
    site = site.replace("127.0.0.1:5001", url.removeprefix("http://"))
    site = site.replace("/var/log/nginx/streamchat.log", str(nginx.log))
    site = re.sub(r"(ssl_certificate +)\S+;", rf"\g<1>{nginx.certificate};", site)
    return re.sub(r"(ssl_certificate_key +)\S+;", rf"\g<1>{nginx.certificate.with_suffix('.key')};", site)


def _certificate(folder: Path) -> Path:
    certificate = folder / "site.pem"
    made = ["-keyout", str(certificate.with_suffix(".key")), "-out", str(certificate)]
    names = ["-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME},DNS:localhost"]
    kind = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    subprocess.run([program("openssl"), *kind, *made, *names], check=True, capture_output=True)
    return certificate


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            httpx.get(f"http://127.0.0.1:{port}/")
            return
        except httpx.TransportError:
            assert time.monotonic() < deadline, "nginx did not start"
