"""The parts of the page that know no document, in the browser they run in: blocks, schemas, timelines, verdicts."""

import random
import shlex
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.web.chat_server import MARKDOWN, ORDER

pytestmark = pytest.mark.slow

TEXTS = [
    MARKDOWN,
    "para\n# heading\npara\n- a\n- b\n\n- c\n\n    code\n\nSetext\n===\n> quote\n> more\n\n1. x\n2. y\n",
    "a | b\n--|--\n1 | 2\n\n***\n\n```js\nlet x = 1;\n\n\nlet y;\n```\nafter\n\n~~~\n```\n~~~\nend",
    "你好，**世界**。\r\n\r\n第二段\twith tab\r\n\r\n* 一\r\n* 二\r\n",
    "<div>\n\nhtml *block*\n\n</div>\n\nHello\n\n<!-- c -->\n\nlast\n\n\n\n",
    "[a]: https://example.org/a\n\ntext [a] and **open\n\nstill* open",
]
ARRIVALS = """([times, totalTime, worked]) => {
    const arrival = (at, frame) => ({ at, frame, id: "", raw: "" });
    const chunks = times.map((at) => arrival(at, { status: "streaming", data: "word " }));
    const answered = arrival(times[0], { status: "processing_complete", total_processing_time: worked });
    const last = arrival(times.at(-1), { status: "complete", is_complete: true, total_time: totalTime });
    return [arrival(0, { status: "initializing" }), answered, ...chunks, last];
}"""


@pytest.fixture
def parts(page: Page) -> Page:
    page.goto((Path(__file__).parents[2] / "web" / "streaming_test.html").as_uri())
    return page


def pieces_of(text: str, seed: int) -> list[str]:
    chance = random.Random(seed)
    cuts = sorted(chance.sample(range(len(text)), min(len(text) - 1, chance.randint(0, 40))))
    return [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]


@pytest.mark.parametrize("text", TEXTS)
def test_text_in_pieces_is_the_same_blocks_as_the_whole_text(parts: Page, text: str) -> None:
    in_pieces = """pieces => {
        const blocks = new MarkdownBlocks();
        const finished = pieces.flatMap((piece) => blocks.push(piece));
        return { finished: [...finished, blocks.open].map((raw) => raw.trim()), text: blocks.text };
    }"""
    whole = parts.evaluate(
        "text => marked.lexer(text).filter(({ type }) => type !== 'space').map(({ raw }) => raw.trim())", text
    )
    for seed in range(25):
        got = parts.evaluate(in_pieces, pieces_of(text, seed))
        assert [block.replace("\r\n", "\n") for block in got["finished"] if block] == [
            block.replace("\r\n", "\n") for block in whole
        ]
        assert got["text"] == text


@pytest.mark.parametrize("text", TEXTS)
def test_an_answer_shown_as_it_came_looks_like_the_whole_text(parts: Page, text: str) -> None:
    shown = """pieces => {
        const view = new AnswerView();
        for (const piece of pieces) { view.append(piece); view.show(); }
        view.finish();
        const blocks = [...view.element.querySelectorAll(".block")].map((block) => block.innerHTML);
        return blocks.join("").replace(/\\s+/g, " ").replaceAll("> <", "><").trim();
    }"""
    whole = """text => {
        const box = document.createElement("div");
        box.append(safeNodes(text));
        return box.innerHTML.replace(/\\s+/g, " ").replaceAll("> <", "><").trim();
    }"""
    expected = parts.evaluate(whole, text)
    for seed in range(10):
        assert parts.evaluate(shown, pieces_of(text, seed)) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("some **bold", "some **bold**"),
        ("some **bold**", "some **bold**"),
        ("some **", "some"),
        ("an *em", "an *em*"),
        ("a `cod", "a `cod`"),
        ("a `co** d` and **b", "a `co** d` and **b**"),
        ("see [the docs](https://exam", "see the docs"),
        ("see [the docs](https://example.org)", "see [the docs](https://example.org)"),
        ("~~gone", "~~gone~~"),
        ("* item", "* item"),
        ("```\n**not bold", "```\n**not bold"),
        ("2 * 3 = 6 and 2 ** 3", "2 * 3 = 6 and 2 ** 3**"),
    ],
)
def test_an_open_block_looks_as_it_will(parts: Page, source: str, expected: str) -> None:
    assert parts.evaluate("source => healed(source)", source) == expected


@pytest.mark.parametrize(
    "hostile",
    [
        "<svg onload=alert(1)>",
        "[x](JaVaScRiPt:alert(1))",
        "[x](data:text/html,<script>alert(1)</script>)",
        "[x](vbscript:x)",
        "![x](javascript:alert(1))",
        "<a href='javascript:alert(1)'>x</a>",
        '```"><img src=x onerror=alert(1)>\ncode\n```',
        '[x](https://example.org "\\" onmouseover=alert(1)")',
        "<style>*{display:none}</style>",
        "<form action=https://example.org><input name=token></form>",
        "<details open ontoggle=alert(1)>",
        "<math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
        "&lt;img src=x onerror=alert(1)&gt;",
        "|<img src=x onerror=alert(1)>|\n|-|\n|x|",
    ],
)
def test_hostile_markdown_becomes_nothing_that_runs(parts: Page, hostile: str) -> None:
    found = parts.evaluate(
        """source => {
            const box = document.createElement("div");
            box.append(safeNodes(source));
            const all = [...box.querySelectorAll("*")];
            const attributes = all.flatMap((element) => element.getAttributeNames());
            const links = all.map((element) => element.getAttribute("href")).filter((href) => href !== null);
            return { tags: all.map(({ localName }) => localName), attributes, links };
        }""",
        hostile,
    )
    assert not {"script", "style", "img", "iframe", "form", "math", "details", "object"} & set(found["tags"])
    assert not [name for name in found["attributes"] if name.startswith("on") or name in ("style", "src", "srcset")]
    assert all(link.startswith(("https:", "#icon-")) for link in found["links"])


def field(parts: Page, schema: Any) -> Any:
    return parts.evaluate("schema => fieldOf(schema ?? undefined)", schema)


def value(parts: Page, schema: Any, typed: Any) -> Any:
    return parts.evaluate("([schema, typed]) => valueOf(fieldOf(schema), typed)", [schema, typed])


def test_a_schema_becomes_the_fields_that_fit(parts: Page) -> None:
    kinds = {inner["name"]: inner["kind"] for inner in field(parts, ORDER)["fields"]}
    assert kinds == {"size": "choice", "name": "text", "count": "integer", "extras": "choices", "express": "yes"}
    assert [inner["required"] for inner in field(parts, ORDER)["fields"]] == [True, True, False, False, False]
    assert field(parts, None)["kind"] == "long"


@pytest.mark.parametrize(
    ("schema", "kind"),
    [
        ({"type": "string", "format": "date"}, "text"),
        ({"type": "string", "maxLength": 5000}, "long"),
        ({"type": ["number", "null"]}, "number"),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, "integer"),
        ({"oneOf": [{"const": 1, "title": "one"}, {"const": 2}]}, "choice"),
        ({"$ref": "#/$defs/colour", "$defs": {"colour": {"enum": ["red"]}}}, "choice"),
        ({"type": "array", "items": {"type": "string"}}, "lines"),
        ({"type": "array", "items": {"type": "object"}}, "json"),
        ({"type": "object"}, "json"),
        ({}, "json"),
        (True, "json"),
        ({"$ref": "#"}, "json"),
    ],
)
def test_every_schema_has_a_field(parts: Page, schema: Any, kind: str) -> None:
    assert field(parts, schema)["kind"] == kind


def test_a_schema_that_holds_itself_comes_to_an_end(parts: Page) -> None:
    tree = {"type": "object", "properties": {"child": {"$ref": "#"}}}
    assert field(parts, tree)["fields"][0]["kind"] == "group"


@pytest.mark.parametrize(
    ("schema", "typed", "expected"),
    [
        ({"enum": [1, None, {"a": 2}]}, "2", {"a": 2}),
        ({"type": "integer"}, "7", 7),
        ({"type": "number"}, "7.5", 7.5),
        ({"type": "array", "items": {"enum": ["a", "b"]}}, [1], ["b"]),
        ({"type": "array", "items": {"type": "string"}}, "one\n\ntwo\n", ["one", "two"]),
        ({"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "number"}}}, {"a": "", "b": ""}, {}),
        ({}, '{"a": [1]}', {"a": [1]}),
        ({"type": "string"}, "", ""),
    ],
)
def test_what_was_typed_becomes_the_value(parts: Page, schema: Any, typed: Any, expected: Any) -> None:
    assert value(parts, schema, typed) == expected


@pytest.mark.parametrize(
    ("schema", "typed", "reason"),
    [
        ({"type": "integer"}, "1.5", "integer"),
        ({"type": "number"}, "x", "number"),
        ({}, "{", "json"),
        ({}, "", "required"),
    ],
)
def test_what_does_not_fit_is_named(parts: Page, schema: Any, typed: Any, reason: str) -> None:
    tried = """([schema, typed]) => {
        try {
            return valueOf(fieldOf(schema), typed);
        } catch (problem) {
            return [problem instanceof Unfit, problem.message];
        }
    }"""
    assert parts.evaluate(tried, [schema, typed]) == [True, reason]


def test_a_timeline_has_stages_silences_and_figures(parts: Page) -> None:
    frames = [
        (100, {"status": "initializing"}),
        (200, {"status": "queued", "position": 2}),
        (2200, {"status": "processing"}),
        (3000, {"status": "input_required", "request_id": "a"}),
        (7000, {"status": "input_received", "request_id": "a"}),
        (7500, {"status": "streaming", "data": "Hello 👨‍👩‍👧"}),
        (8500, {"status": "streaming", "data": " world"}),
        (8600, {"status": "complete", "is_complete": True}),
    ]
    got = parts.evaluate(
        """frames => {
            const timeline = new Timeline(0);
            for (const [at, frame] of frames) timeline.add({ at, frame, raw: "", id: "" });
            return { stages: timeline.stages, silences: timeline.silences, figures: timeline.figures };
        }""",
        frames,
    )
    assert [(stage["name"], stage["from"], stage["to"]) for stage in got["stages"]] == [
        ("connecting", 0, 0.1),
        ("working", 0.1, 0.2),
        ("queued", 0.2, 2.2),
        ("working", 2.2, 3),
        ("asking", 3, 7),
        ("working", 7, 7.5),
        ("answering", 7.5, 8.6),
    ]
    assert [(silence["from"], silence["to"]) for silence in got["silences"]] == [(3, 7), (0.2, 2.2), (7.5, 8.5)]
    figures = got["figures"]
    assert (figures["firstFrame"], figures["firstAnswer"], figures["total"]) == (0.1, 7.5, 8.6)
    assert (figures["frames"], figures["chunks"], figures["characters"]) == (8, 2, 17)
    assert figures["charactersPerSecond"] == pytest.approx(17.0)


@pytest.mark.parametrize(
    ("times", "total", "verdict"),
    [
        ([1000 + 100 * number for number in range(20)], 3.0, "clear"),
        ([2990] * 20, 3.0, "buffered"),
        ([30] * 20, 3.0, "buffered"),
        ([1000 + 1000 * (number // 10) for number in range(20)], 3.0, "clumped"),
        ([1000 + number for number in range(20)], 0.9, "unknown"),
        ([2000, 3000], 3.0, "clear"),
    ],
)
def test_the_verdict_compares_what_was_sent_with_what_was_seen(
    parts: Page, times: list[int], total: float, verdict: str
) -> None:
    # A proxy that holds all back gives the page its first frame with the last.
    first = times[0] - 20 if verdict == "buffered" else 0
    arrivals = parts.evaluate(ARRIVALS, [[time - first for time in times], total, 1.0])
    assert parts.evaluate("arrivals => bufferingVerdict(arrivals).verdict", arrivals) == verdict


@pytest.mark.parametrize("message", ["it's", "$HOME `x` \\", '"quoted"', "two\nlines", "好👨‍👩‍👧", "'\\''"])
def test_any_message_survives_the_shell(parts: Page, message: str) -> None:
    command = parts.evaluate(
        "body => asCurl({ address: 'http://h', token: 't', door: 'stream_chat', body, showToken: true })",
        {"message": message},
    )
    words = shlex.split(command.replace("\\\n", ""))
    assert words[:3] == ["curl", "-N", "http://h/api/stream_chat"]
    assert words[words.index("-H") + 1] == "Authorization: Bearer t"
    assert parts.evaluate("text => JSON.parse(text).message", words[-1]) == message


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://example.org/a.png", "https://example.org/a.png"),
        ("/files/a.png", "http://server:1/files/a.png"),
        ("data:image/png;base64,AAAA", "data:image/png;base64,AAAA"),
        ("data:text/html,<script>alert(1)</script>", None),
        ("javascript:alert(1)", None),
        ("file:///etc/passwd", None),
        ("blob:http://server:1/x", None),
        ("http://[", None),
    ],
)
def test_media_come_from_where_nothing_runs(parts: Page, url: str, expected: str | None) -> None:
    assert parts.evaluate("url => addressOf(url, 'http://server:1')", url) == expected


def test_of_many_blocks_that_come_at_once_a_listener_is_told_the_last(parts: Page) -> None:
    told = parts.evaluate("""() => {
        const told = [];
        const view = new AnswerView({ onBlock: (text) => told.push(text.trim()) });
        view.append(Array.from({ length: 100 }, (_, number) => `Block ${number}.\\n\\n`).join(""));
        view.finish();
        return told;
    }""")
    assert told[-1] == "Block 99."
    assert len(told) == 7  # the last six of those that were finished, and the one that the end finished


@pytest.mark.parametrize("deep", ["> ", "- ", "*a **b "])
def test_what_is_nested_deeper_than_can_be_followed_is_shown_as_it_was_written(parts: Page, deep: str) -> None:
    shown = parts.evaluate(
        """deep => {
        const view = new AnswerView();
        view.append(deep.repeat(8000));
        view.append("the end");
        view.finish();
        return { text: view.element.textContent, kept: view.text };
    }""",
        deep,
    )
    assert shown["text"].rstrip("\n").endswith("the end")
    assert shown["kept"] == deep * 8000 + "the end"


def test_a_definition_of_a_link_reaches_back_and_leaves_everything_in_its_place(parts: Page) -> None:
    children = parts.evaluate("""() => {
        const view = new AnswerView();
        view.append("Before, see [the manual][m].\\n\\n");
        view.insert(element("hr", { class: "widget" }));
        view.append("After.\\n\\n[m]: https://example.org/m\\n\\nLast.");
        view.finish();
        const link = (child) => child.querySelector?.("a")?.href ?? "";
        const all = [...view.element.children].map((child) => [child.className, child.textContent.trim(), link(child)]);
        return all.filter(([name, text]) => name === "widget" || text !== "");
    }""")
    assert children == [
        ["block", "Before, see the manual.", "https://example.org/m"],
        ["widget", "", ""],
        ["block", "After.", ""],
        ["block", "Last.", ""],
    ]


def test_a_wide_table_scrolls_on_a_phone_and_breaks_no_word(parts: Page) -> None:
    parts.set_viewport_size({"width": 360, "height": 700})
    row = "| " + " | ".join(["responsibility", "right"] * 4) + " |\n"
    lines_and_width = parts.evaluate(
        """text => {
            const view = new AnswerView();
            document.body.replaceChildren(view.element);
            view.append(text);
            view.finish();
            const lines = [...view.element.querySelectorAll("td")].map((cell) => {
                const range = document.createRange();
                range.selectNodeContents(cell);
                return range.getClientRects().length;
            });
            const table = view.element.querySelector(".wide-table");
            return [lines, table.scrollWidth > table.clientWidth, document.body.scrollWidth];
        }""",
        row + "|---" * 8 + "|\n" + row,
    )
    assert lines_and_width[:2] == [[1] * 8, True]
    assert lines_and_width[2] <= 360
