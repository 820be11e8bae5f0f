"""Is it alive, is it ready, how is it: for load balancers, and in detail for whoever has a token."""

from __future__ import annotations

from dataclasses import asdict
from http import HTTPStatus
from time import monotonic

from streamchat.handlers.door import Door
from streamchat.handlers.rooms import Rooms
from streamchat.stores.database import StoreDown


class AliveDoor(Door):
    """``GET /healthz``: the loop runs."""

    door_name = "health"
    needs_token = False

    def get(self) -> None:
        self.write_payload({"status": "ok"})


class ReadyDoor(Door):
    """``GET /readyz``: 503 and the reasons while new turns would not go well."""

    door_name = "health"
    needs_token = False

    async def get(self) -> None:
        reasons = await reasons_not_ready(self.rooms)
        self.set_status(HTTPStatus.SERVICE_UNAVAILABLE if reasons else HTTPStatus.OK)
        self.write_payload({"status": "not_ready" if reasons else "ready", "reasons": reasons})


class HealthDoor(Door):
    """``GET /api/health``: the numbers behind it."""

    door_name = "health"

    async def get(self) -> None:
        rooms, vitals = self.rooms, self.rooms.vitals
        reasons = await reasons_not_ready(rooms)
        self.write_payload(
            {
                "success": True,
                "status": "not_ready" if reasons else "ready",
                "reasons": reasons,
                "version": rooms.version,
                "uptime_seconds": round(monotonic() - vitals.opened_at, 3),
                "backend": rooms.backend,
                # Not its address, which may hold a password.
                "store": str(vitals.database).partition(":")[0],
                "workers": asdict(vitals.executor_statistics()),
                "turns": {"running": rooms.book.running, "remembered": rooms.book.remembered},
                "log_bytes": rooms.book.log_bytes,
                "readers": rooms.book.readers,
                "connections": vitals.connections()._asdict(),
                "loop_lag_seconds": {name: round(lag, 6) for name, lag in vitals.loop_lag.recent._asdict().items()},
                "limits": asdict(rooms.limits),
            }
        )


async def reasons_not_ready(rooms: Rooms) -> list[str]:
    """Why new turns should go elsewhere; empty when they are welcome."""
    reasons = []
    statistics = rooms.vitals.executor_statistics()
    if rooms.book.is_draining:
        reasons.append("draining: the server is shutting down")
    if statistics.abandoned and statistics.abandoned >= statistics.limits.max_abandoned:
        reasons.append(f"workers: {statistics.abandoned} abandoned functions still run, the limit is reached")
    try:
        await rooms.vitals.database.ping()
    except StoreDown as error:
        reasons.append(f"store: {error}")
    return reasons
