import socket

import pytest

from streamchat.serving.addresses import _find_dead_peers


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="the kernel has no such limit")
def test_the_kernel_gives_a_stuck_client_up_only_after_the_stall_limit_could_say_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        _find_dead_peers(listening, 7.0)
        assert 7_000 < listening.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) < 30_000
