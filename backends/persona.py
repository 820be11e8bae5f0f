"""Answer without any model: quote the profile's own posts that fit the question best, and say so.

The same question to the same profile is answered the same. Knows no network.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from math import log, sqrt
from typing import Any, Protocol

from streamchat.backends.language import is_chinese

MAX_QUOTES = 2
MAX_SUGGESTIONS = 3

_SENTENCES = {
    "looking": ("Looking through the posts of {name}...", "正在翻阅 {name} 的文字..."),
    "no_model": (
        "No language model is running here, so nobody has written an answer. These are posts of the profile {name} "
        "that share words with your question:",
        "这里没有运行语言模型，所以没有人专门撰写回答。下面是 {name} 的资料里与您的问题用词相近的文字：",
    ),
    "no_match": (
        "No language model is running here, and among the {count} posts of the profile {name} there is no further one "
        "that shares a word with your question.",
        "这里没有运行语言模型，{name} 的 {count} 段文字里也没有更多与您的问题相近的内容。",
    ),
    "suggestions": ("Its posts know something about:", "可以试试这些问题："),
}

# Words that are in every text and so say nothing about which post fits; IDF alone can't tell among five posts.
_EMPTY_WORDS = (
    "a about all am an and any are as at be but by can could did do does for from give go had has have how i if in is "
    "it its make me more my no not of on one or our she should so some tell than that the their them then there these "
    "they thing think this to us was we were what when where which who why will with would you your"
)
_EMPTY_PAIRS = "什么 怎么 怎样 为什 如何 应该 可以 这个 那个 我们 你们 你对 有什 么看 么样 一个 的是 是什 继续 还有"
_EMPTY = frozenset((_EMPTY_WORDS + " " + _EMPTY_PAIRS).split())
_WORD = re.compile(r"[^\W_\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+")
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+")


class Flag(Protocol):
    """What a ``threading.Event`` can tell."""

    def is_set(self) -> bool: ...


def process_query(
    message: str,
    profile: Mapping[str, Any],
    history: Sequence[Mapping[str, str]],
    progress: Callable[[str], None],
    cancelled: Flag,
) -> Iterator[str]:
    """Yield the answer a paragraph at a time, in the language of the question (Chinese or English).

    Posts that the history quotes already are passed over, so that "tell me more" brings the next ones.
    """
    say = _Voice(message, str(profile.get("display_name") or profile["username"]))
    progress(say("looking"))
    posts = list(profile.get("posts", ()))
    quotes = best_posts(_topic(message, history), [post for post in posts if not _was_quoted(post, history)])
    for paragraph in _paragraphs(say, quotes, len(posts), profile.get("suggestions", ())):
        if cancelled.is_set():
            return
        yield paragraph


def best_posts(question: str, posts: Sequence[str]) -> list[str]:
    """The posts (MAX_QUOTES at most) that share the rarest words with the question, best first; [] if none does."""
    asked = _features(question)
    counted = [_features(post) for post in posts]
    known_in = Counter(feature for features in counted for feature in features)
    scores = [_score(asked, features, known_in, len(posts)) for features in counted]
    ranked = sorted(range(len(posts)), key=lambda index: -scores[index])
    # A post that fits less than half as well as the best one is only noise beside it.
    return [posts[index] for index in ranked[:MAX_QUOTES] if scores[index] > 0 and 2 * scores[index] > max(scores)]


class _Voice:
    """The sentences above, in the language of one question and under one name."""

    def __init__(self, question: str, name: str) -> None:
        self._column = int(is_chinese(question))
        self._name = name

    def __call__(self, sentence: str, **values: object) -> str:
        return _SENTENCES[sentence][self._column].format(name=self._name, **values)


def _paragraphs(say: _Voice, quotes: Sequence[str], posts: int, suggestions: Sequence[str]) -> Iterator[str]:
    if quotes:
        yield say("no_model")
        yield from ("\n\n" + _quoted(quote) for quote in quotes)
        return
    yield say("no_match", count=posts)
    if suggestions:
        listed = "".join(f"\n- {suggestion}" for suggestion in suggestions[:MAX_SUGGESTIONS])
        yield "\n\n" + say("suggestions") + "\n" + listed


def _topic(message: str, history: Sequence[Mapping[str, str]]) -> str:
    """The question, or the last one with a telling word when it has none itself ("go on")."""
    asked = [entry["content"] for entry in history if entry.get("role") == "user"]
    return next((question for question in (message, *reversed(asked)) if _features(question)), message)


def _was_quoted(post: str, history: Sequence[Mapping[str, str]]) -> bool:
    return any(entry.get("role") == "assistant" and _quoted(post) in entry["content"] for entry in history)


def _quoted(post: str) -> str:
    return "\n".join(f"> {line}" for line in post.strip().split("\n"))


def _score(asked: Counter[str], features: Counter[str], known_in: Counter[str], posts: int) -> float:
    shared = asked.keys() & features.keys()
    weights = (log(1 + posts / known_in[feature]) * (1 + log(features[feature])) for feature in sorted(shared))
    return sum(weights) / sqrt(1 + log(1 + len(features)))


def _features(text: str) -> Counter[str]:
    """Its telling words (lower case, without a plural s), and every pair of neighbours where words have no blanks."""
    lowered = text.lower()
    words = (word.removesuffix("s") for word in _WORD.findall(lowered) if word not in _EMPTY)
    pairs = (run[i : i + 2] for run in _UNSPACED.findall(lowered) for i in range(max(1, len(run) - 1)))
    return Counter(words) + Counter(pair for pair in pairs if pair not in _EMPTY)
