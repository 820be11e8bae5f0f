"""Prometheus reads a server whose metrics ask for a token and have an address of their own, as prometheus.yml says."""

import re

import pytest

from tests.deploy.prometheus import scraping
from tests.serving.served import TOKEN, serving, users_folder

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("told", "is_let_in"), [(TOKEN, 1), ("not the token", 0)])
def test_with_the_token_in_its_file_prometheus_is_let_in(tmp_path, told, is_let_in):
    token = tmp_path / "token"
    token.write_text(told)
    options = ["--process-query", "answers:answer", "--metrics-access", "bearer", "--metrics-address", "127.0.0.1:0"]
    with serving(users_folder(tmp_path), *options) as served:
        (address,) = set(re.findall(r"127\.0\.0\.1:\d+", "\n".join(served.start_lines))) - {served.url[7:]}
        with scraping(tmp_path, address, token_file=token) as prometheus:
            prometheus.until(lambda: prometheus.figures("up") == [is_let_in], "its target")
            assert bool(prometheus.figures("streamchat_connections")) == bool(is_let_in)
