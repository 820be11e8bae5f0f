"""The pages for people, and this description."""

from __future__ import annotations

from streamchat.openapi.bodies import PAGE
from streamchat.openapi.operation import Answer, Operation, Section


def _page(at: str, name: str, summary: str) -> Operation:
    return Operation(at=at, name=name, summary=summary, gives=(Answer(about="The page.", media_type=PAGE),))


PAGES = Section(
    name="Pages",
    about="For people.",
    operations=(
        _page("GET /", "test_page", "The test page; also at /streaming_test.html"),
        _page("GET /analytics", "analytics_page", "A page that shows the analytics"),
        _page("GET /docs", "docs_page", "A page to read this description"),
        Operation(
            at="GET /openapi.json",
            name="description",
            summary="This description",
            gives=(Answer(about="An OpenAPI document, version 3.1."),),
        ),
    ),
)
