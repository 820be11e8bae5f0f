"""Prometheus, with a registry of its own, and OpenTelemetry: observers, and the text that a scrape gets."""
