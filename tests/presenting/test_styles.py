from dataclasses import FrozenInstanceError

import pytest

from streamchat.presenting.frames import Chunk
from streamchat.presenting.sentences import sentence
from streamchat.presenting.styles import ADVANCED, BASIC, QUIET, RAW, SMART, STYLES, UI_MESSAGES

SENTENCES = [
    "正在分析用户请求...",
    "正在检索相关信息...",
    "正在生成回复内容...",
    "正在优化回复质量...",
    "正在完成最终处理...",
    "正在处理中...",
    "请稍候...",
    "正在准备回复...",
    "正在整理信息...",
]


def test_a_style_never_changes() -> None:
    with pytest.raises(FrozenInstanceError):
        SMART.interval_seconds = 1.0  # type: ignore[misc]


def test_each_door_finds_its_style_by_name() -> None:
    own = {"basic": BASIC, "advanced": ADVANCED, "smart": SMART}
    assert {**own, "raw": RAW, "quiet": QUIET, "ui_messages": UI_MESSAGES} == STYLES


def test_smart_and_advanced_say_the_contracts_nine_sentences_in_order() -> None:
    for style in (SMART, ADVANCED):
        assert [sentence(name, "zh") for name in style.messages] == SENTENCES


def test_basic_starts_with_its_own_and_goes_on_with_the_third() -> None:
    assert [sentence(name, "zh") for name in BASIC.messages] == ["正在分析您的请求...", *SENTENCES[2:]]


def test_intervals_strategies_and_sizes_are_the_contracts() -> None:
    assert [(s.interval_seconds, s.strategy, s.size) for s in (BASIC, ADVANCED, SMART)] == [
        (3.0, "characters", 20),
        (2.0, "words", 30),
        (2.0, "words", 30),
    ]


def test_paces_are_the_contracts() -> None:
    assert [(s.pace.chunk_seconds, s.pace.character_seconds) for s in (BASIC, ADVANCED, SMART)] == [
        (0.05, 0.002),
        (0.1, 0.01),
        (0.08, 0.005),
    ]


def test_each_style_tells_of_a_chunk_in_its_own_words() -> None:
    told = {style: Chunk("chunk", 3, 2, 20, 500, style.chunk_fields).payload for style in (BASIC, ADVANCED, SMART)}
    common = {"success": True, "data": "chunk", "status": "streaming", "is_complete": False}
    assert told[BASIC] == {**common, "progress": 4.0, "total_length": 500, "current_position": 20}
    assert told[ADVANCED] == {**common, "chunk_number": 2}
    assert told[SMART] == {**common, "chunk_number": 2, "streaming_progress": 4.0}


def test_the_raw_style_neither_opens_nor_chunks_nor_waits() -> None:
    assert (RAW.connecting, RAW.processing, RAW.strategy) == (None, None, None)
    assert RAW.pace.pause_after("x" * 1_000) == 0.0


def test_the_ai_sdks_style_says_what_smart_says_and_leaves_the_text_as_it_is() -> None:
    assert (UI_MESSAGES.connecting, UI_MESSAGES.processing) == (SMART.connecting, SMART.processing)
    assert (UI_MESSAGES.messages, UI_MESSAGES.interval_seconds) == (SMART.messages, SMART.interval_seconds)
    assert (UI_MESSAGES.strategy, UI_MESSAGES.pace) == (None, SMART.pace)
