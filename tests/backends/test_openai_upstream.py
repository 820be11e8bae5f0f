import pytest

from streamchat.backends.openai_upstream import OPENAI_URL, NotConfigured, Upstream, upstream_from

KEY = "sk-very-secret"
LOCAL = {"STREAMCHAT_OPENAI_BASE_URL": "http://127.0.0.1:11434/v1/", "STREAMCHAT_OPENAI_MODEL": "m"}


def test_every_setting_is_read_from_its_variable():
    given = {
        "BASE_URL": "https://models.example/v1",
        "API_KEY": KEY,
        "MODEL": "m",
        "TEMPERATURE": "0.5",
        "MAX_TOKENS": "400",
        "EXTRA_BODY": '{"top_k": 20}',
        "RETRIES": "0",
        "ATTACHMENTS": "image, audio,file",
        "TOOLS": "mine:TOOLS",
        "TOOL_ROUNDS": "3",
        "TOOL_SECONDS": "1.5",
    }
    assert upstream_from({f"STREAMCHAT_OPENAI_{name}": value for name, value in given.items()}) == Upstream(
        base_url="https://models.example/v1",
        api_key=KEY,
        model="m",
        temperature=0.5,
        max_tokens=400,
        extra_body={"top_k": 20},
        retries=0,
        attachments=("image", "audio", "file"),
        tools="mine:TOOLS",
        tool_rounds=3,
        tool_seconds=1.5,
    )


def test_with_the_standard_variables_it_is_openai_s_own_server():
    upstream = upstream_from({"OPENAI_API_KEY": KEY, "STREAMCHAT_OPENAI_MODEL": "m"})
    assert (upstream.base_url, upstream.api_key, upstream.is_openai) == (OPENAI_URL, KEY, True)


def test_the_standard_base_url_is_asked_with_the_standard_key():
    given = {"OPENAI_BASE_URL": "http://box:8000/v1", "OPENAI_API_KEY": KEY, "STREAMCHAT_OPENAI_MODEL": "m"}
    assert (upstream_from(given).base_url, upstream_from(given).api_key) == ("http://box:8000/v1", KEY)


def test_the_standard_key_does_not_go_to_a_server_that_our_own_variable_names():
    assert upstream_from(LOCAL | {"OPENAI_API_KEY": KEY}).api_key == ""


def test_an_empty_variable_is_one_that_is_not_set():
    assert upstream_from(LOCAL | {"STREAMCHAT_OPENAI_TEMPERATURE": "", "OPENAI_BASE_URL": " "}).temperature is None


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("MODEL", "", "STREAMCHAT_OPENAI_MODEL: is not set"),
        ("BASE_URL", "127.0.0.1:11434/v1", "STREAMCHAT_OPENAI_BASE_URL: must begin with http:// or https://"),
        ("BASE_URL", f"http://me:{KEY}@box/v1", "STREAMCHAT_OPENAI_BASE_URL: must have no user, password"),
        ("BASE_URL", "http://box/v1/chat/completions", "must end before /chat/completions"),
        ("API_KEY", f"{KEY}\n{KEY}", "STREAMCHAT_OPENAI_API_KEY: must be printable ASCII"),
        ("API_KEY", f"{KEY}é", "STREAMCHAT_OPENAI_API_KEY: must be printable ASCII"),
        ("TEMPERATURE", "warm", "STREAMCHAT_OPENAI_TEMPERATURE: Input should be a valid number"),
        ("TEMPERATURE", "2.1", "STREAMCHAT_OPENAI_TEMPERATURE: Input should be less than or equal to 2"),
        ("MAX_TOKENS", "0", "STREAMCHAT_OPENAI_MAX_TOKENS: Input should be greater than or equal to 1"),
        ("EXTRA_BODY", "[1]", "STREAMCHAT_OPENAI_EXTRA_BODY: Input should be"),
        ("EXTRA_BODY", "{", "STREAMCHAT_OPENAI_EXTRA_BODY: Invalid JSON"),
        ("RETRIES", "-1", "STREAMCHAT_OPENAI_RETRIES:"),
        ("ATTACHMENTS", "pictures", "STREAMCHAT_OPENAI_ATTACHMENTS: Input should be 'image'"),
        ("TOOL_ROUNDS", "0", "STREAMCHAT_OPENAI_TOOL_ROUNDS:"),
        ("TOOL_SECONDS", "inf", "STREAMCHAT_OPENAI_TOOL_SECONDS:"),
    ],
)
def test_an_impossible_value_is_one_sentence_that_quotes_no_key(name, value, told):
    with pytest.raises(NotConfigured) as refused:
        upstream_from(LOCAL | {f"STREAMCHAT_OPENAI_{name}": value})
    assert told in str(refused.value)
    assert KEY not in str(refused.value)


def test_openai_without_a_key_is_refused():
    with pytest.raises(NotConfigured, match="set STREAMCHAT_OPENAI_API_KEY or OPENAI_API_KEY"):
        upstream_from({"STREAMCHAT_OPENAI_MODEL": "m"})


def test_a_bad_standard_variable_is_named_as_it_is():
    with pytest.raises(NotConfigured, match=r"^OPENAI_BASE_URL: must begin"):
        upstream_from({"OPENAI_BASE_URL": "box", "STREAMCHAT_OPENAI_MODEL": "m"})


def test_the_key_is_not_in_the_record_s_own_words():
    assert KEY not in repr(upstream_from(LOCAL | {"STREAMCHAT_OPENAI_API_KEY": KEY}))


def test_a_profile_may_have_its_own_model_temperature_and_length():
    upstream = upstream_from(LOCAL)
    settings = {"door": "smart", "model": "large", "temperature": 0.0, "max_tokens": None}
    changed = upstream.for_profile({"settings": settings})
    assert (changed.model, changed.temperature, changed.max_tokens) == ("large", 0.0, None)


def test_a_profile_can_not_send_the_key_elsewhere():
    upstream = upstream_from(LOCAL)
    assert upstream.for_profile({"settings": {"base_url": "http://elsewhere/v1", "api_key": "k"}}) == upstream


@pytest.mark.parametrize(
    ("url", "is_loopback"),
    [
        ("http://localhost:1/v1", True),
        ("http://127.1.2.3/v1", True),
        ("http://[::1]:1/v1", True),
        ("http://box/", False),
    ],
)
def test_a_server_on_this_machine_is_known_as_one(url, is_loopback):
    assert Upstream(base_url=url, model="m").is_loopback == is_loopback
