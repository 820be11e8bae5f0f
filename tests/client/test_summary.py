from streamchat.client.reading import Reading
from streamchat.client.summary import summary_of
from tests.client.scripted_server import chat


def read(*frames: dict[str, object]) -> Reading:
    reading = Reading()
    for at, frame in enumerate(frames):
        reading.take(frame, float(at))
    return reading


def test_a_whole_answer_has_all_times_and_amounts() -> None:
    frames = [frame for _, frame in chat(["ab", "cd"], usage={"prompt_tokens": 3, "completion_tokens": 4})]
    summary = summary_of(read(*frames), 99.0)
    assert summary.parts() == [
        "first frame 0.00 s",
        "processing 2.00 s",
        "first text 3.00 s",
        "total 5.00 s",
        "2 chunks",
        "4 characters",
        "2 characters/s",
        "3 tokens in",
        "4 tokens out",
    ]


def test_the_servers_own_time_of_processing_goes_before() -> None:
    summary = summary_of(read({"status": "processing_complete", "total_processing_time": 3.5}), 1.0)
    assert summary.processing == 3.5


def test_what_did_not_happen_is_not_told() -> None:
    assert summary_of(Reading(), 2.0).parts() == ["total 2.00 s"]


def test_one_chunk_alone_has_no_speed() -> None:
    summary = summary_of(read({"status": "streaming", "data": "all"}), 2.0)
    assert summary.speed is None
    assert summary.parts()[-2:] == ["1 chunk", "3 characters"]


def test_two_chunks_at_the_same_moment_are_not_infinitely_fast() -> None:
    reading = Reading()
    for _ in range(2):
        reading.take({"status": "streaming", "data": "a"}, 1.0)
    assert summary_of(reading, 1.0).speed == 2_000
