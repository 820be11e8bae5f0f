import pytest

from streamchat.backends.language import is_chinese


@pytest.mark.parametrize("text", ["你好", "什么是 rollup?", "〇 and 𠀋 are rare, 龍 is not"])
def test_one_han_character_makes_a_question_chinese(text):
    assert is_chinese(text)


@pytest.mark.parametrize("text", ["", "What is a rollup?", "😀", "ひらがな", "，。！"])
def test_other_signs_do_not(text):
    assert not is_chinese(text)
