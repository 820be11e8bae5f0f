"""The table of rooms is law: who may import whom, and who may know Tornado, Prometheus or SQLAlchemy."""

import ast
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent

MAY_IMPORT = {
    "turns": set(),
    "chunking": set(),
    "backends": set(),
    "stores": set(),
    "web": set(),
    "client": set(),
    "presenting": {"turns", "chunking"},
    "wire": {"presenting"},
    "metrics": {"turns"},
    "handlers": {"turns", "presenting", "wire", "metrics", "stores", "chunking"},
    "openapi": {"turns", "presenting", "wire", "stores", "chunking", "handlers"},
    "serving": {"turns", "presenting", "wire", "metrics", "stores", "chunking", "handlers", "openapi", "backends"},
}
ONLY_IN = {
    "tornado": {"handlers", "serving"},
    "prometheus_client": {"metrics"},
    "sqlalchemy": {"stores"},
    "pydantic": {"handlers", "openapi", "backends"},
    "opentelemetry": {"metrics"},
    "jsonschema": {"turns"},
    "referencing": {"turns"},
    "rich": {"client"},
    "prompt_toolkit": {"client"},
}
# Pure rooms: what they do must not depend on a clock, a loop or a socket.
PURE = ("presenting", "chunking", "wire")
IMPURE_MODULES = {"asyncio", "socket", "time", "threading", "logging", "datetime"}


def imported_modules(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    return names | {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}


def modules_of(room: str) -> list[Path]:
    modules = sorted((CHECKOUT / room).glob("**/*.py"))
    assert modules, f"the room {room} is empty"
    return modules


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_a_room_imports_only_what_the_table_allows(room):
    for path in modules_of(room):
        ours = {name.split(".")[1] for name in imported_modules(path) if name.startswith("streamchat.")}
        assert ours - {room} <= MAY_IMPORT[room], path


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_imports_of_our_own_rooms_name_the_package(room):
    for path in modules_of(room):
        bare = {name.split(".")[0] for name in imported_modules(path)} & MAY_IMPORT.keys()
        assert not bare, f"{path} imports {bare} without streamchat."


@pytest.mark.parametrize("library", ONLY_IN)
def test_a_library_is_known_in_its_rooms_only(library):
    for room in MAY_IMPORT.keys() - ONLY_IN[library]:
        for path in modules_of(room):
            assert library not in {name.split(".")[0] for name in imported_modules(path)}, path


@pytest.mark.parametrize("room", PURE)
def test_a_pure_room_knows_no_clock_loop_or_socket(room):
    for path in modules_of(room):
        assert not imported_modules(path) & IMPURE_MODULES, path


def test_every_folder_with_code_is_in_the_table():
    rooms = {path.parent.name for path in CHECKOUT.glob("*/__init__.py")}
    assert rooms == MAY_IMPORT.keys()


def test_every_room_is_installed():
    setup = (CHECKOUT / "setup.cfg").read_text(encoding="utf-8")
    for room in MAY_IMPORT:
        assert f"    streamchat.{room}\n" in setup
        assert f"    streamchat.{room} = {room}\n" in setup
