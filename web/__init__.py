"""The test page, as files."""
