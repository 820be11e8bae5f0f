"""Garbage collection that fits a server of many streams: seldom, and never over what was there at the start."""

from __future__ import annotations

import gc

# A new stream leaves some 150 more objects in memory than there were. CPython's own threshold (700) would look
# for garbage at every fifth stream, and over everything at every few hundredth, while all others wait.
NEW_OBJECTS = 20_000
YOUNG_COLLECTIONS = 10
OLD_COLLECTIONS = 10


def settle_collector() -> None:
    """Take what exists now for permanent, and look at the rest less often. To be called once the server is open."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS, YOUNG_COLLECTIONS, OLD_COLLECTIONS)
