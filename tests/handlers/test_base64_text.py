import asyncio
from base64 import b64encode

import pytest

from streamchat.handlers.base64_text import decoded, decoded_bytes

# About the length of a slice, and of several.
SIZES = (0, 1, 2, 3, 393_215, 393_216, 393_217, 1_000_000)


@pytest.mark.gen_test
async def test_it_is_the_same_however_long_it_is():
    for size in SIZES:
        content = bytes(index % 251 for index in range(size))
        text = b64encode(content).decode()
        assert await decoded(text) == content
        assert decoded_bytes(text) == size


@pytest.mark.gen_test
@pytest.mark.parametrize(
    "text", ["YQ", "YQ=", "=YQ=", "YQ==YQ==", "Y===", "Y Q=", "YW!!Jj!!", "YW-_", "YQ==\n", "éééé"]
)
async def test_what_is_not_quite_base64_is_none(text):
    assert await decoded(text) is None


@pytest.mark.gen_test
async def test_padding_in_the_middle_is_none_even_at_the_end_of_a_slice():
    long = b64encode(bytes(800_000)).decode()
    assert await decoded(long[:524_286] + "==" + long[524_288:]) is None


@pytest.mark.gen_test
async def test_others_go_on_while_it_is_decoded():
    went_on = []
    asyncio.get_running_loop().call_soon(went_on.append, True)
    await decoded(b64encode(bytes(393_217)).decode())
    assert went_on
