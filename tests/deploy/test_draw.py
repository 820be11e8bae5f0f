"""The pictures: figures with their units, and a dashboard drawn from what a real Prometheus answers."""

import time

import pytest

from tests.deploy.dashboards import NAMES

pytest.importorskip("matplotlib", reason="matplotlib is not installed")

from matplotlib.image import imread

from deploy.grafana.answers import Questioner, Series, Span
from deploy.grafana.draw import draw
from deploy.grafana.units import with_unit

SPAN = Span(start=1_000.0, end=4_600.0)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0, "s", "0 s"),
        (0.005, "s", "5 ms"),
        (2.5, "s", "2.5 s"),
        (150, "s", "2.5 min"),
        (7_200, "s", "2 h"),
        (3 * 1_024**2, "bytes", "3 MiB"),
        (0.125, "percentunit", "12.5 %"),
        (4, "reqps", "4 req/s"),
        (120, "suffix: chars/s", "120 chars/s"),
        (0.5, "suffix:/s", "0.5 /s"),
        (12_000, "short", "12 K"),
        (656, "short", "656"),
        (float("nan"), "s", "–"),
    ],
)
def test_a_figure_is_short_and_has_its_unit(value, unit, text):
    assert with_unit(value, unit) == text


def test_the_rate_interval_is_four_scrapes_or_a_step_and_a_scrape():
    assert SPAN.rate_interval == "60s"
    assert Span(start=0.0, end=86_400.0).rate_interval == "375s"


def test_chosen_values_are_put_in_and_the_words_of_promql_are_left_alone():
    questioner = Questioner("http://127.0.0.1:9", SPAN, {"door": "smart"})
    asked = 'rate(x{instance=~"$instance",door="$door"}[$__rate_interval]) $1'
    assert questioner.put_in(asked) == 'rate(x{instance=~".+",door="smart"}[60s]) $1'


@pytest.mark.slow
def test_a_panel_is_asked_for_every_series_by_the_names_of_its_legend(observed):
    span = Span(start=time.time() - 60, end=time.time(), scrape_seconds=1.0)
    target = {"expr": 'streamchat_stream_ends_total{end="timeout"}', "legendFormat": "{{end}} at {{door}}"}
    series = Questioner(observed.prometheus.url, span, {}).ask({"targets": [target]})
    assert sorted(one.name for one in series if one.values[-1] > 0) == [
        f"timeout at {door}" for door in ("advanced", "basic", "chat", "smart")
    ]
    assert all(isinstance(one, Series) and len(one.times) == len(one.values) for one in series)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_dashboard_is_drawn_from_what_prometheus_answers(observed, tmp_path, name):
    now = time.time()
    lively = coloured(name, observed.prometheus.url, now - 60, tmp_path / "lively.png")
    before_the_start = coloured(name, observed.prometheus.url, now - 7_200, tmp_path / "before.png")
    assert lively > 1_000 + 5 * before_the_start


def coloured(name, url, start, picture):
    """How many pixels are: lines, areas and maps are, paper, text and frames are grey."""
    draw(name, Questioner(url, Span(start=start, end=start + 60, scrape_seconds=1.0), {"door": "smart"}), picture)
    pixels = imread(picture)[..., :3]
    assert pixels.shape[1] == 1_600
    return int((pixels.max(axis=2) - pixels.min(axis=2) > 0.3).sum())
