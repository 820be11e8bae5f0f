from __future__ import annotations

import json
from pathlib import Path

import pytest

from streamchat.stores.profile_files import MAX_FILE_BYTES, read_profiles, sample_profiles
from streamchat.stores.profiles import InvalidProfile, Profile, ProfileSettings

ADA = Profile(
    username="Ada",
    display_name="Ada L.",
    system_prompt="Be brief.",
    posts=("One.", "二。"),
    suggestions=("Why?",),
    settings=ProfileSettings(door="basic", lang="zh", on_disconnect="cancel"),
)
BOB = Profile(username="bob", display_name="bob")
ADA_YAML = """\
username: Ada
display_name: Ada L.
system_prompt: Be brief.
posts: [One., 二。]
suggestions:
  - Why?
settings: {door: basic, lang: zh, on_disconnect: cancel}
"""


def _write(folder: Path, name: str, content: str | bytes) -> Path:
    file = folder / name
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return file


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("one.yaml", ADA_YAML, [ADA]),
        ("one.YML", "\ufeff" + ADA_YAML.replace("\n", "\r\n"), [ADA]),
        ("list.yaml", "- username: bob\n- " + ADA_YAML.replace("\n", "\n  "), [BOB, ADA]),
        ("several.yaml", f"---\n{ADA_YAML}---\nusername: bob\n---\n", [ADA, BOB]),
        ("one.json", json.dumps({"username": "bob"}), [BOB]),
        ("list.json", json.dumps([{"username": "bob", "settings": {}}]), [BOB]),
        ("no-suffix", "username: bob", [BOB]),
    ],
)
def test_a_file_holds_one_profile_or_several(tmp_path: Path, name: str, content: str, expected: list[Profile]) -> None:
    assert read_profiles(_write(tmp_path, name, content)) == expected
    assert read_profiles(str(tmp_path / name)) == expected


def test_a_folder_is_all_its_profile_files_by_name(tmp_path: Path) -> None:
    _write(tmp_path, "b.yaml", "username: bob")
    _write(tmp_path, "a.yml", ADA_YAML)
    _write(tmp_path, "c.json", '{"username": "carl"}')
    _write(tmp_path, "README.md", "# not a profile")
    assert [profile.username for profile in read_profiles(tmp_path)] == ["Ada", "bob", "carl"]


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("a.yaml", "display_name: Ada", "username: missing"),
        ("a.yaml", "username: 12", "username: must be text, not int"),
        ("a.yaml", "username: Ada\npost: [x]", "post: unknown field"),
        ("a.yaml", "username: Ada\nposts: [x, 2026-11-02]", r"posts\[2\]: must be text, not date"),
        ("a.yaml", 'username: Ada\nsystem_prompt: "\\0"', r"system_prompt: must not have U\+0000"),
        ("a.yaml", 'username: "\\uD800"', "username"),
        ("a.yaml", "username: bob\n---\nusername: Ada\nsettings: {door: x}", "profile 2: settings.door: must be"),
        ("a.yaml", "- username: bob\n- text", "profile 2: profile: must be a mapping"),
        ("a.yaml", "username: bob\n---\nusername: bob", "username: bob is already in"),
        ("a.yaml", "just text", "profile: must be a mapping"),
        ("a.yaml", "", "no profile in this file"),
        ("a.yaml", "# only a comment\n---\n", "no profile in this file"),
        ("a.json", "[]", "no profile in this file"),
        ("a.json", "", "cannot be parsed"),
        ("a.json", '{"username": "Ada"', "cannot be parsed.*line 1"),
        ("a.json", '{"username": "\\ud800"}', "username: must not have"),
        ("a.json", '{"username": ' + "9" * 5000 + "}", "cannot be parsed"),
        ("a.json", "[" * 100_000, "nested too deeply"),
        ("a.yaml", "[" * 10_000, "nested too deeply"),
        ("a.yaml", "username: [", "cannot be parsed.*line 1"),
        ("a.yaml", "username: !!python/object/apply:os.getcwd []", "cannot be parsed.*python/object"),
        ("a.yaml", "username: 2026-99-99", "cannot be parsed"),
        ("a.yaml", "username: " + "9" * 5000, "cannot be parsed"),
        ("a.yaml", "? [a]\n: b", "cannot be parsed"),
        ("a.yaml", b"username: \xff", "not UTF-8 at byte 10"),
        ("a.yaml", b"\x00\x01", "cannot be parsed"),
        ("a.yaml", "#" * (MAX_FILE_BYTES + 1), f"more than {MAX_FILE_BYTES} bytes"),
    ],
)
def test_every_mistake_names_the_file_and_the_place(
    tmp_path: Path, name: str, content: str | bytes, sentence: str
) -> None:
    file = _write(tmp_path, name, content)
    with pytest.raises(InvalidProfile, match=sentence) as caught:
        read_profiles(file)
    assert str(caught.value).startswith(f"{file}: ")
    assert "\n" not in str(caught.value)


def test_aliases_that_grow_without_end_are_refused_before_they_grow(tmp_path: Path) -> None:
    bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{later}: &{later} [*{earlier},*{earlier},*{earlier},*{earlier},*{earlier},*{earlier},*{earlier}]\n"
        for earlier, later in zip("abcdefghijklmnop", "bcdefghijklmnopq", strict=True)
    )
    with pytest.raises(InvalidProfile, match="a: unknown field"):
        read_profiles(_write(tmp_path, "bomb.yaml", bomb))


def test_a_path_that_cannot_be_read_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(InvalidProfile, match=r"none\.yaml: cannot be read: .*No such file"):
        read_profiles(tmp_path / "none.yaml")
    with pytest.raises(InvalidProfile, match="no profile files"):
        read_profiles(tmp_path)


def test_the_same_username_in_two_files_names_both(tmp_path: Path) -> None:
    _write(tmp_path, "a.yaml", "username: bob")
    _write(tmp_path, "b.yaml", "username: bob")
    with pytest.raises(InvalidProfile, match=r"b\.yaml: username: bob is already in .*a\.yaml"):
        read_profiles(tmp_path)


def test_the_samples_are_complete_and_say_what_they_are() -> None:
    samples = {profile.username: profile for profile in sample_profiles()}
    assert set(samples) == {"VitalikButerin", "TornadoGuide", "小助手"}
    for profile in samples.values():
        assert 5 <= len(profile.posts) <= 8
        assert 3 <= len(profile.suggestions) <= 4
        assert profile.system_prompt
    assert "not the person" in samples["VitalikButerin"].display_name
    assert all(post.startswith("Paraphrase") for post in samples["VitalikButerin"].posts)
