"""Profiles, conversations, tokens and records of turns in SQLite or PostgreSQL."""
