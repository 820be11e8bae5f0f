"""A real Prometheus scrapes a real server under a mix of traffic: what it says is what clients saw, and every panel
and every rule has an answer."""

import re
import subprocess
from collections import Counter

import httpx
import pytest

from tests.deploy.dashboards import NAMES, load, panels
from tests.deploy.machine import program
from tests.deploy.prometheus import rules_of
from tests.deploy.traffic import DOORS

pytestmark = pytest.mark.slow

# Why a panel of the door dashboard has nothing to show. What is not listed must show something; what is must not.
_NO_TURN = "a resumed stream reads a turn that another door has opened, and counts with that one"
_ONE_PIECE = "an answer in one piece has no frames, no chunks and no speed"
_FROM_THE_MIDDLE = "of a stream that was resumed only a part is seen: times and speeds would not be those of an answer"
_OF_STREAMING = ("Time: streaming", "Spread: streaming")
_OF_STAGES = (
    "Time: ",
    "Spread: accepted",
    "Spread: queued",
    "Spread: processing",
    "Spread: streaming",
    "Spread: total",
)
_OF_TURNS = (*_OF_STAGES, "Processing, mean", "Total, p95", "Ends of the work", "Where the time goes")
_OF_FIRSTS = ("First frame", "First chunk", "Spread: first chunk", "Speed", "Spread: speed")
_OF_CHUNKS = ("Gap", "Spread: gap", "Characters", "Chunks sent")
EMPTY = {
    "streams": {**dict.fromkeys(_OF_TURNS, _NO_TURN), **dict.fromkeys(_OF_FIRSTS, _FROM_THE_MIDDLE)},
    "chat": dict.fromkeys((*_OF_STREAMING, *_OF_FIRSTS, *_OF_CHUNKS), _ONE_PIECE),
}


def counts(prometheus, expression, *labels):
    """The values by their labels, without what is 0."""
    samples = prometheus.query(f"{expression} > 0")
    return Counter({tuple(sample.labels[label] for label in labels): int(sample.value) for sample in samples})


def test_every_end_is_counted_as_its_client_saw_it(observed):
    assert counts(observed.prometheus, "streamchat_stream_ends_total", "door", "end") == observed.mix.ends


def test_every_request_is_counted_by_door_and_status(observed):
    counted = counts(observed.prometheus, 'streamchat_requests_total{door!="metrics"}', "door", "status")
    assert counted == observed.mix.requests


def test_every_resume_is_counted_by_its_result(observed):
    counted = counts(observed.prometheus, "streamchat_resumes_total", "result")
    assert counted == {(result,): count for result, count in observed.mix.resumes.items()}


def test_every_unknown_token_is_counted(observed):
    assert observed.prometheus.figure("streamchat_auth_failures_total") == observed.mix.unknown_tokens


def test_every_turn_of_a_door_leaves_each_of_its_stages_once(observed):
    turns = counts(observed.prometheus, "sum by (door) (streamchat_turns_total)", "door")
    assert set(turns) == {(door,) for door in DOORS}
    assert counts(observed.prometheus, 'streamchat_stage_seconds_count{stage="accepted"}', "door") == turns


def test_promtool_finds_nothing_wrong_with_the_metrics(observed):
    text = httpx.get(f"{observed.url}/metrics").text
    checked = subprocess.run(
        [program("promtool"), "check", "metrics"], input=text, capture_output=True, text=True, timeout=60
    )
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")


def shows(prometheus, panel, expression):
    """Whether there is something to see: a number, and on a heat map, which leaves out what is 0, more than that."""
    figures = prometheus.figures(expression)
    return any(figures) if panel.json["type"] == "heatmap" else bool(figures)


@pytest.mark.parametrize("panel", panels("overview"), ids=lambda panel: panel.title)
def test_a_panel_of_the_overview_shows_something(observed, panel):
    for expression in panel.expressions():
        assert shows(observed.prometheus, panel, expression), expression


@pytest.mark.parametrize("door", [*DOORS, "streams"])
@pytest.mark.parametrize("panel", panels("door"), ids=lambda panel: panel.title)
def test_a_panel_of_a_door_shows_something_or_there_is_a_reason(observed, panel, door):
    reasons = EMPTY.get(door, {})
    reason = next((reasons[start] for start in reasons if panel.title.startswith(start)), None)
    for expression in panel.expressions(door=door):
        assert shows(observed.prometheus, panel, expression) == (reason is None), (expression, reason)


@pytest.mark.parametrize("name", NAMES)
def test_every_choice_that_a_dashboard_offers_has_something_to_choose(observed, name):
    for variable in load(name)["templating"]["list"]:
        if variable["type"] == "query":
            metric, label = re.fullmatch(r"label_values\((\w+), (\w+)\)", variable["query"]).groups()
            assert observed.prometheus.label_values(label, metric)


def test_the_doors_that_can_be_chosen_are_the_doors_there_are(observed):
    assert observed.prometheus.label_values("door", "streamchat_stream_ends_total") == sorted(
        [*DOORS, "openai", "streams", "ui_messages", "ws"]
    )


def test_no_rule_has_failed(observed):
    assert {
        rule["name"]: rule.get("lastError", "") for rule in observed.prometheus.rules() if rule["health"] != "ok"
    } == {}


@pytest.mark.parametrize("rule", rules_of("recording.yml"), ids=lambda rule: rule["record"])
def test_a_recording_rule_records(observed, rule):
    assert observed.prometheus.figures(rule["record"])


@pytest.mark.parametrize("rule", rules_of("alerts.yml"), ids=lambda rule: rule["alert"])
def test_an_alert_looks_at_figures_that_exist(observed, rule):
    assert observed.prometheus.figures(without_filters(rule["expr"])), rule["expr"]


def test_a_server_that_is_well_alerts_nobody(observed):
    assert observed.prometheus.query('ALERTS{alertstate="firing"}') == []


def without_filters(expression):
    """The expression with comparisons that answer 0 instead of nothing, and a week ago as if it were a second ago."""
    parts = re.split(r"(\{[^}]*\})", expression.replace("offset 1w", "offset 1s"))
    return "".join(part if part.startswith("{") else re.sub(r"([=!<>]=|[<>])", r"\1 bool", part) for part in parts)
