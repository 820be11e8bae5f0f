"""Where spans go: to the provider that is there, or by OTLP over HTTP to where the OTEL_* variables say.

The variables are the SDK's own, and it reads them itself:
https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
"""

from __future__ import annotations

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor


def open_provider(version: str) -> TracerProvider:
    """The process's provider; one is made unless the function's module, or whoever started us, has set one.

    Raises ValueError for a variable that says something impossible. There can be but one in a process: nobody shuts
    it down, whoever ends flushes it.
    """
    known = trace.get_tracer_provider()
    if isinstance(known, TracerProvider):
        return known
    provider = TracerProvider(resource=_resource(version))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    return provider


def _resource(version: str) -> Resource:
    ours = {"service.name": "streamchat", "service.version": version}
    # What Resource.create is given goes before the variables, but here these know better.
    return Resource.create({**ours, **OTELResourceDetector().detect().attributes})
