"""Profiles, conversations and tokens in SQLite or PostgreSQL."""
