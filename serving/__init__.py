"""The composition root: settings come in, the rooms are wired together, a server runs."""
