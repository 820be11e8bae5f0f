"""Chunking speed: one table, strategy by language, in MB of UTF-8 a second.

    python bench/chunking_speed.py [--megabytes 2] [--rounds 3] [--pathological]

Each text is fed at once and in slices of 8 KiB; the best of the rounds counts. --pathological prints instead how long
one megabyte of each hostile input takes, and two: about twice as long is linear.
"""

from __future__ import annotations

import argparse
import platform
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from streamchat.chunking.registry import Registry, shipped

SLICE = 8192
ENGLISH = (
    "Streaming an answer is harder than it looks, because the model writes only a few words at a time and the person "
    "who waits for them wants to read whole sentences. Dr. Smith, who pays about $3.14 a day for the service, measured "
    "how long people wait before they give up. Would anybody mind half a second? Nobody at example.com did, as long as "
    "the page showed that something was going on, e.g. with a line that said what the server was doing just then. "
    "The rest is patience, and a torn word costs more of it than a late one.\n\n"
)
CHINESE = (
    "流式回答比看起来要难得多。模型每次只写几个字，而读者希望看到完整的句子，这样的处理也衍生了一些问题。为什么呢？"
    "因为被切断的词语很难读懂！自从2004年提出了兴建人文大楼的构想，企业界陆续有人提供捐款，《中国日报》也报道了“这件事情”。\n\n"
)
JAPANESE = (
    "回答を少しずつ送るのは思ったより難しいです。モデルは一度に数文字しか書きませんが、読者は文全体を読みたいと思っています。"
    "「なぜですか？」と彼は聞いた。途中で切れた言葉は読みにくいからです。\n\n"
)
MIXED = "Schön, приятно, नमस्ते दुनिया 👨‍👩‍👧 and العالم الجميل. Ok? 🇩🇪 🇫🇷 Да! ไทยแลนด์ café naïve…\n"
MARKDOWN = (
    "## Steps\n\n1. Install it: `pip install x`. See [the guide](https://example.com/a_b).\n2. Run **this** now.\n\n"
    "```python\nfor n in range(10):\n    print(n)\n```\n\n| name | value |\n|---|---|\n| a | 1.5 |\n\n" + ENGLISH
)
TEXTS = {"English": ENGLISH, "Chinese": CHINESE, "Japanese": JAPANESE, "mixed": MIXED, "markdown": MARKDOWN}
HOSTILE = {
    "a…": "a",
    "stops": ".",
    "spaced stops": ". ",
    "quotes": '"',
    "brackets": "[",
    "link heads": "[a](",
    "unclosed link": "[a](b c d e. F ",
    "wide brackets": "（",
    "backticks": "` ",
    "flags": "\U0001f1e9",
    "marks": "\u0301",
    "joiners": "\U0001f468\u200d",
    "newlines": "\n",
    "returns": "\r",
    "blanks": " ",
    "initials": "A. ",
    "items": "1. ",
    "asterisks": "*",
    "pipes": "| ",
    "Thai": "ก",
    "Han": "中",
    "emphasis": 'a. *b* "c" ',
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=float, default=2.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--pathological", action="store_true")
    options = parser.parse_args()
    print(f"Python {platform.python_version()}, {platform.machine()}, {options.megabytes} MB a text")
    for row in hostile_rows() if options.pathological else speed_rows(options.megabytes, options.rounds):
        print(row, flush=True)


def speed_rows(megabytes: float, rounds: int) -> Iterator[str]:
    registry = Registry(shipped())
    yield f"{'MB/s, at once / in slices':26}" + "".join(f"{language:>16}" for language in TEXTS)
    for name in registry.names():
        cells = []
        for sample in TEXTS.values():
            text = grown(sample, megabytes)
            size = len(text.encode()) / 1e6
            at_once, sliced = (best(rounds, name, text, step) for step in (len(text), SLICE))
            cells.append(f"{size / at_once:7.1f} /{size / sliced:6.1f}")
        yield f"{name:26}" + "".join(f"{cell:>16}" for cell in cells)


def hostile_rows() -> Iterator[str]:
    registry = Registry(shipped())
    yield f"{'s for 1 MB / for 2 MB':26}" + "".join(f"{name:>16}" for name in registry.names())
    for label, sample in HOSTILE.items():
        cells = []
        for name in registry.names():
            seconds = [best(1, name, grown(sample, megabytes), SLICE) for megabytes in (1, 2)]
            cells.append(f"{seconds[0]:7.2f} /{seconds[1]:6.2f}")
        yield f"{label:26}" + "".join(f"{cell:>16}" for cell in cells)


def best(rounds: int, name: str, text: str, step: int) -> float:
    return min(seconds_of(lambda: chunks_of(name, text, step)) for _ in range(rounds))


def chunks_of(name: str, text: str, step: int) -> int:
    chunker = Registry(shipped()).chunker(name, None)
    count = sum(len(chunker.feed(text[at : at + step])) for at in range(0, len(text), step))
    return count + len(chunker.flush())


def seconds_of(job: Callable[[], object]) -> float:
    begin = time.perf_counter()
    job()
    return time.perf_counter() - begin


def grown(sample: str, megabytes: float) -> str:
    return sample * max(1, round(megabytes * 1e6 / len(sample.encode())))


if __name__ == "__main__":
    main()
