"""Shipped process_query functions, each what a user would write."""
