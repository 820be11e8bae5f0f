"""Prometheus: an observer with a registry of its own."""
