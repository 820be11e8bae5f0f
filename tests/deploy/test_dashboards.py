"""The dashboards are what the code makes, and whole: every panel says what it answers, every metric is on one."""

import re
from itertools import combinations

import pytest
import yaml

from tests.deploy.dashboards import GRAFANA, NAMES, VARIABLES, load, panels
from tests.test_documented import metric_names

PANELS = [panel for name in NAMES for panel in panels(name)]
# A process reserves address space by the gigabyte, whatever it uses: a line that says nothing and hides the others.
NOT_SHOWN = {"process_virtual_memory_bytes"}
every_dashboard = pytest.mark.parametrize("name", NAMES)
every_panel = pytest.mark.parametrize("panel", PANELS, ids=lambda panel: f"{panel.dashboard}: {panel.title}")


@every_dashboard
def test_a_committed_dashboard_is_what_the_code_makes(name):
    made = pytest.importorskip("deploy.grafana.__main__", reason="grafana-foundation-sdk is not installed")
    committed = (GRAFANA / "dashboards" / f"{name}.json").read_text(encoding="utf-8")
    assert committed == made.to_json(name), "run: python -m deploy.grafana"


def test_every_committed_dashboard_has_its_code():
    assert sorted(path.stem for path in (GRAFANA / "dashboards").iterdir()) == sorted(NAMES)


@every_panel
def test_a_panel_says_what_it_answers_and_in_which_unit(panel):
    assert panel.json["description"].rstrip(".").count("?") >= 1
    is_heat_map = panel.json["type"] == "heatmap"
    assert panel.json["options"]["yAxis"]["unit"] if is_heat_map else panel.json["fieldConfig"]["defaults"]["unit"]


@every_panel
def test_every_series_of_a_panel_has_a_name_of_its_own(panel):
    legends = [target["legendFormat"] for target in panel.json["targets"]]
    assert all(legends)
    assert len(set(legends)) == len(legends)


@every_dashboard
def test_titles_and_ids_of_a_dashboard_are_unique(name):
    ids = [panel["id"] for panel in load(name)["panels"]]
    titles = [panel.title for panel in panels(name)]
    assert len(set(ids)) == len(ids)
    assert len(set(titles)) == len(titles)


@every_dashboard
def test_no_panel_lies_on_another_or_beyond_the_edge(name):
    places = [panel["gridPos"] for panel in load(name)["panels"]]
    assert all(place["x"] + place["w"] <= 24 for place in places)
    assert not [(one, other) for one, other in combinations(places, 2) if overlap(one, other)]


def overlap(one, other):
    return all(
        one[start] < other[start] + other[length] and other[start] < one[start] + one[length]
        for start, length in (("x", "w"), ("y", "h"))
    )


@every_panel
def test_a_panel_uses_only_variables_that_its_dashboard_has(panel):
    has = {variable["name"] for variable in load(panel.dashboard)["templating"]["list"]} | VARIABLES.keys()
    used = re.findall(r"\$\{?(\w+)", "".join(target["expr"] for target in panel.json["targets"]))
    assert set(used) <= has
    assert all(target["datasource"]["uid"] == "${datasource}" for target in panel.json["targets"])


@every_panel
def test_a_panel_that_looks_at_our_servers_looks_at_the_chosen_ones(panel):
    for target in panel.json["targets"]:
        selectors = re.findall(r"(?:streamchat|process)_\w+(\{[^}]*\})?", target["expr"])
        assert all('instance=~"$instance"' in selector for selector in selectors)


@every_dashboard
def test_the_links_of_a_dashboard_lead_to_the_others(name):
    addresses = {f"/d/{load(other)['uid']}" for other in NAMES if other != name}
    assert {link["url"] for link in load(name)["links"]} == addresses


@pytest.mark.parametrize("metric", sorted(set(metric_names()) - NOT_SHOWN))
def test_every_metric_is_on_a_dashboard(metric):
    shown = " ".join(expression for panel in PANELS for expression in panel.expressions())
    shown += " ".join(str(variable.get("query")) for name in NAMES for variable in load(name)["templating"]["list"])
    name = f"{metric}_info" if metric == "streamchat_build" else metric
    assert re.search(rf"\b{name}(_bucket|_sum|_count)?\b", shown)


@pytest.mark.parametrize("kind", ["datasources", "dashboards"])
def test_what_is_provisioned_is_what_grafana_reads(kind):
    provisioned = yaml.safe_load((GRAFANA / "provisioning" / kind / "streamchat.yaml").read_text(encoding="utf-8"))
    assert provisioned["apiVersion"] == 1
    (entry,) = provisioned[{"datasources": "datasources", "dashboards": "providers"}[kind]]
    assert entry["type"] == {"datasources": "prometheus", "dashboards": "file"}[kind]


def test_the_data_source_knows_the_scrape_interval():
    source = yaml.safe_load((GRAFANA / "provisioning/datasources/streamchat.yaml").read_text(encoding="utf-8"))
    scraping = yaml.safe_load((GRAFANA.parent / "prometheus" / "prometheus.yml").read_text(encoding="utf-8"))
    assert source["datasources"][0]["jsonData"]["timeInterval"] == scraping["global"]["scrape_interval"]
