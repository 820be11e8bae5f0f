import re

import pytest

from streamchat.presenting.sentences import _SENTENCES, has_sentence, sentence
from streamchat.presenting.styles import STYLES


def test_every_sentence_is_there_in_both_languages_with_the_same_gaps() -> None:
    for name, (zh, en) in _SENTENCES.items():
        assert zh, name
        assert en, name
        assert sorted(re.findall(r"{\w+}", zh)) == sorted(re.findall(r"{\w+}", en)), name


@pytest.mark.parametrize(
    ("name", "zh"),
    [
        ("begin", "正在处理您的请求..."),
        ("begin_advanced", "正在初始化处理..."),
        ("initializing", "正在初始化连接..."),
        ("profile_not_found", "User profile not found"),
        ("processing_error", "处理过程中发生错误"),
        ("timeout", "处理超时，请稍后重试"),
    ],
)
def test_the_contracts_own_sentences_are_kept_to_the_letter(name: str, zh: str) -> None:
    assert sentence(name, "zh") == zh


def test_a_sentence_is_filled_in() -> None:
    assert sentence("processed", "zh", seconds=3.5) == "处理完成 (耗时 3.5秒)，正在发送回复..."
    assert sentence("processed", "en", seconds=3.5) == "Done (in 3.5 s), sending the answer..."
    assert sentence("queued", "en", ahead=4) == "Waiting in line, 4 ahead of you..."


def test_there_is_no_other_sentence() -> None:
    assert has_sentence("timeout")
    assert not has_sentence("nothing")
    assert not has_sentence("")
    with pytest.raises(KeyError):
        sentence("nothing", "zh")


def test_what_a_style_says_exists() -> None:
    for style in STYLES.values():
        openings = [opening.sentence for opening in (style.connecting, style.processing) if opening is not None]
        for name in (*style.messages, *filter(None, openings)):
            assert has_sentence(name)


@pytest.mark.parametrize(
    "code",
    [
        "invalid_request",
        "unauthorized",
        "profile_not_found",
        "stream_not_found",
        "conversation_not_found",
        "method_not_allowed",
        "body_too_large",
        "unsupported_media_type",
        "stream_gone",
        "processing_error",
        "internal_error",
        "overloaded",
        "shutting_down",
        "timeout",
        "cancelled",
    ],
)
def test_every_error_code_has_a_sentence(code: str) -> None:
    assert has_sentence(code)
