import threading

import pytest

from streamchat.backends.persona import MAX_QUOTES, best_posts, process_query

ROLLUPS = "A rollup runs transactions outside the main chain. Rollups are cheap."
STAKE = "Proof of stake makes validators lock up ether on the chain."
GREEN_TEA = "绿茶适合用八十度左右的水冲泡，水太烫会发苦。"
SLEEP = "睡不好的时候，可以先从固定的起床时间开始调整。"
PROFILE = {
    "username": "sample",
    "display_name": "Sample",
    "system_prompt": "",
    "posts": [STAKE, ROLLUPS, GREEN_TEA, SLEEP],
    "suggestions": ["What is a rollup?", "绿茶应该怎么泡？"],
    "settings": {},
}


def answer(message, profile=PROFILE, history=(), progress=lambda text: None, cancelled=None):
    return list(process_query(message, profile, history, progress, cancelled or threading.Event()))


def test_the_post_that_fits_best_comes_first():
    assert answer("Why are rollups cheap, and what runs on the main chain?")[1] == f"\n\n> {ROLLUPS}"


@pytest.mark.parametrize(("question", "post"), [("绿茶怎么泡？", GREEN_TEA), ("我睡不好怎么办", SLEEP)])
def test_a_chinese_question_finds_its_post_without_blanks_between_words(question, post):
    assert best_posts(question, PROFILE["posts"]) == [post]


def test_words_that_every_text_has_find_nothing():
    assert best_posts("What is it that you can do about the ...?", PROFILE["posts"]) == []


def test_a_plural_finds_the_singular():
    assert best_posts("validator", PROFILE["posts"]) == [STAKE]


def test_no_more_posts_are_quoted_than_are_read():
    assert len(best_posts("chain", [f"chain number {number}" for number in range(9)])) == MAX_QUOTES


def test_the_answer_says_in_english_that_there_is_no_model():
    assert answer("What is a rollup?")[0].startswith("No language model is running here")


def test_the_answer_says_in_chinese_that_there_is_no_model():
    assert answer("什么是 rollup？")[0].startswith("这里没有运行语言模型")


def test_where_no_post_fits_the_answer_says_so_and_suggests_questions():
    first, suggestions = answer("Any zebra?")
    assert "no further one" in first
    assert suggestions.endswith("\n- What is a rollup?\n- 绿茶应该怎么泡？")


def test_a_profile_without_posts_and_suggestions_gets_one_honest_paragraph():
    assert len(answer("hello", {"username": "empty"})) == 1


def test_going_on_quotes_the_posts_that_were_not_quoted_yet():
    asked = {"role": "user", "content": "What is the chain?"}
    first = answer(asked["content"])
    quoted = {"role": "assistant", "content": "".join(first[:2])}
    further = answer("Go on.", history=[asked, quoted])
    assert further[1] == first[2]


def test_every_line_of_a_post_is_quoted():
    assert (
        answer("tea", {"username": "u", "posts": ["green tea\n\nblack tea\n"]})[1] == "\n\n> green tea\n> \n> black tea"
    )


def test_the_same_question_is_answered_the_same():
    assert answer("chain of ether") == answer("chain of ether")


def test_progress_names_the_profile():
    said = []
    answer("What is a rollup?", progress=said.append)
    assert said == ["Looking through the posts of Sample..."]


def test_a_cancelled_answer_ends():
    cancelled = threading.Event()
    pieces = process_query("What is a rollup?", PROFILE, [], lambda text: None, cancelled)
    next(pieces)
    cancelled.set()
    assert list(pieces) == []
