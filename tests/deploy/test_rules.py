"""The rules hold what they say: promtool's own checks, each alert tested both ways and explained to those it wakes."""

import re
import subprocess

import pytest
import yaml

from tests.deploy.machine import program
from tests.deploy.prometheus import CHECKOUT, RULES, hurried, rules_of

TESTS = sorted(path.name for path in RULES.glob("*_test.yml"))
RUNBOOK = (CHECKOUT / "docs" / "monitoring.md").read_text(encoding="utf-8")


ALERTS = rules_of("alerts.yml")
every_alert = pytest.mark.parametrize("alert", ALERTS, ids=lambda rule: rule["alert"])


def promtool(*arguments, **kept):
    return subprocess.run(
        [program("promtool"), *map(str, arguments)], cwd=RULES, capture_output=True, text=True, timeout=60, **kept
    )


def passes(*arguments):
    checked = promtool(*arguments)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    return True


def test_prometheus_takes_the_configuration():
    assert passes("check", "config", "prometheus.yml")


def test_prometheus_takes_the_configuration_with_the_token_that_its_comment_shows(tmp_path):
    token = tmp_path / "token"
    token.write_text("secret")
    config = tmp_path / "prometheus.yml"
    config.write_text(yaml.safe_dump(hurried("127.0.0.1:5001", "1s", token_file=token)))
    assert passes("check", "config", config)


@pytest.mark.parametrize("name", ["recording.yml", "alerts.yml"])
def test_prometheus_takes_the_rules(name):
    assert passes("check", "rules", "--lint-fatal", name)


@pytest.mark.slow
@pytest.mark.parametrize("name", TESTS)
def test_the_rules_pass_their_own_tests(name):
    assert passes("test", "rules", name)


def expectations():
    for name in TESTS:
        for test in yaml.safe_load((RULES / name).read_text(encoding="utf-8"))["tests"]:
            for expected in test.get("alert_rule_test", []):
                yield expected["alertname"], bool(expected["exp_alerts"])


@every_alert
def test_an_alert_is_tested_firing_and_not_firing(alert):
    assert {fires for name, fires in expectations() if name == alert["alert"]} == {True, False}


def test_every_recorded_name_is_tested():
    tested = (RULES / "recording_test.yml").read_text(encoding="utf-8")
    assert [rule["record"] for rule in rules_of("recording.yml") if rule["record"] not in tested] == []


@every_alert
def test_an_alert_says_what_how_bad_and_where_to_read_on(alert):
    assert alert["labels"]["severity"] in ("critical", "warning", "info")
    assert alert["annotations"].keys() == {"summary", "description", "runbook"}
    assert alert["annotations"]["runbook"] == f"docs/monitoring.md#{alert['alert'].lower()}"


@every_alert
def test_an_alert_has_a_section_in_the_runbook(alert):
    _, found, section = RUNBOOK.partition(f"\n### {alert['alert']}\n")
    assert found, "docs/monitoring.md has no such section"
    section = section.partition("\n### ")[0]
    for part in ("**Means.**", "**Look at.**", "**Do.**"):
        assert part in section


def test_the_runbook_has_no_section_without_its_alert():
    sections = re.findall(r"^### (Streamchat\w+)$", RUNBOOK, re.MULTILINE)
    assert sorted(sections) == sorted(rule["alert"] for rule in ALERTS)
