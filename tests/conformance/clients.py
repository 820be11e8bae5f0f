"""All clients, in the order of the tables."""

from __future__ import annotations

from tests.conformance.chromium import ChromiumEventSource
from tests.conformance.client import Client
from tests.conformance.curl import Curl
from tests.conformance.node_clients import AI_SDKS, NODE_CLIENTS, OPENAI_NODE
from tests.conformance.openai_python import AsyncOpenAI, SyncOpenAI
from tests.conformance.sse_python import HttpxLines, HttpxSse, SseclientPy

CLIENTS: tuple[Client, ...] = (
    Curl(),
    HttpxLines(),
    HttpxSse(),
    SseclientPy(),
    *NODE_CLIENTS,
    ChromiumEventSource(),
    SyncOpenAI(),
    AsyncOpenAI(),
    *OPENAI_NODE,
    *AI_SDKS,
)
