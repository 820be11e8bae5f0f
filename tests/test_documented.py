"""What a user can meet is in the docs: every setting, status, error code, metric and endpoint."""

import configparser
from dataclasses import fields
from pathlib import Path

import pytest
from prometheus_client import ProcessCollector

import streamchat
from streamchat.handlers.chat_request import ChatRequest, Wishes
from streamchat.handlers.errors import STATUS_OF
from streamchat.handlers.openai_request import CompletionRequest
from streamchat.handlers.routes import addresses
from streamchat.handlers.ui_messages_request import UiMessageRequest
from streamchat.metrics.door_metrics import DoorMetrics
from streamchat.metrics.house_collector import ConnectionStatistics, HouseCollector
from streamchat.metrics.loop_lag import LoopLag
from streamchat.metrics.prometheus_observer import PrometheusObserver
from streamchat.serving.settings import Settings
from streamchat.turns.inputs import InputTally
from streamchat.turns.process_query import GIVEN
from streamchat.turns.work_queue import ExecutorLimits, ExecutorStatistics

CHECKOUT = Path(__file__).resolve().parent.parent
OPERATIONS = (CHECKOUT / "docs" / "operations.md").read_text(encoding="utf-8")
HTTP_API = (CHECKOUT / "docs" / "http-api.md").read_text(encoding="utf-8")
DIALECTS = (CHECKOUT / "docs" / "dialects.md").read_text(encoding="utf-8")
BACKENDS = (CHECKOUT / "docs" / "backends.md").read_text(encoding="utf-8")
README = (CHECKOUT / "README.md").read_text(encoding="utf-8")


class EmptyBook:
    """A book in which nothing has happened."""

    running = remembered = readers = read_now = log_bytes = in_line = attached_bytes = 0
    inputs = InputTally()


def no_statistics() -> ExecutorStatistics:
    return ExecutorStatistics(busy=0, queued=0, abandoned=0, free=0, limits=ExecutorLimits())


def metric_names() -> list[str]:
    observer = PrometheusObserver("0")
    DoorMetrics(observer.registry)
    observer.registry.register(HouseCollector(EmptyBook(), no_statistics, lambda: ConnectionStatistics(0, 0)))
    LoopLag(observer.registry, lambda delay, look: None)
    ProcessCollector(registry=observer.registry)
    return [
        f"{family.name}_total" if family.type == "counter" else family.name for family in observer.registry.collect()
    ]


@pytest.mark.parametrize("field", fields(Settings), ids=lambda field: field.name)
def test_a_setting_is_documented_with_its_default(field):
    option = f"`--{field.name.replace('_', '-')}`"
    row = next((line for line in OPERATIONS.splitlines() if line.startswith(f"| {option} |")), None)
    assert row is not None, option
    if type(field.default) in (int, float):
        assert f"| {field.default:g} |" in row or f"| {field.default} |" in row


@pytest.mark.parametrize("name", metric_names())
def test_a_metric_is_documented(name):
    assert f"`{name}`" in OPERATIONS or f"`{name}_info`" in OPERATIONS


@pytest.mark.parametrize("code", STATUS_OF)
def test_an_error_code_is_documented_with_its_status(code):
    rows = [line for line in HTTP_API.splitlines() if f"`{code}`" in line and line.startswith("| ")]
    assert any(str(int(STATUS_OF[code])) in row.split("|")[1] for row in rows), code


@pytest.mark.parametrize("field", ChatRequest.model_fields)
def test_a_request_field_is_documented(field):
    assert f"| `{field}` |" in HTTP_API


@pytest.mark.parametrize("field", CompletionRequest.model_fields)
def test_a_parameter_of_a_chat_completion_is_documented(field):
    rows = [line.split("|")[1] for line in DIALECTS.splitlines() if line.startswith("| ")]
    assert any(f"`{field}`" in row for row in rows)


@pytest.mark.parametrize("field", sorted(UiMessageRequest.model_fields.keys() - Wishes.model_fields.keys()))
def test_a_field_of_the_ai_sdk_is_documented(field):
    rows = [line.split("|")[1] for line in DIALECTS.splitlines() if line.startswith("| ")]
    assert any(f"`{field}`" in row for row in rows)


@pytest.mark.parametrize("argument", GIVEN)
def test_an_argument_of_process_query_is_documented(argument):
    assert f"`{argument}" in BACKENDS


@pytest.mark.parametrize("address", addresses())
def test_an_endpoint_is_in_the_readme_or_the_api_page(address):
    start = address.split("(")[0].rstrip("/") or "/"
    assert start in README + HTTP_API


def test_the_package_and_the_code_have_one_version():
    setup = configparser.ConfigParser()
    setup.read(CHECKOUT / "setup.cfg", encoding="utf-8")
    assert setup["metadata"]["version"] == streamchat.__version__
