"""Redaction: no planted secret survives, and nothing else changes."""

import base64
import json
import urllib.parse

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from batchproc.redaction import DEEPEST, SHORTEST, TOO_DEEP, Redactor

SECRET = 'pa"ss/wörd+Zq81\\n&x'
KEY = "sk-" + "ant-api03-" + "Ab3_" * 24
PEM = "\n".join(
    ["-----BEGIN RSA " + "PRIVATE KEY-----", *["MIIEpAIBAAKCAQEA7bq0uTn3c1x9"] * 20, "-----END RSA PRIVATE KEY-----"]
)

ASCII = st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="[]"), min_size=SHORTEST)
WIDE = st.text(st.characters(exclude_categories=["Z", "C"], exclude_characters="[]"), min_size=SHORTEST)
SECRETS = (ASCII | WIDE).map(str.strip).filter(lambda secret: len(secret) >= SHORTEST and secret not in "redacted")
TEXTS = st.text(max_size=60)
SPELLINGS = {
    "plain": str,
    "in JSON": lambda secret: json.dumps(secret)[1:-1],
    "in readable JSON": lambda secret: json.dumps(secret, ensure_ascii=False)[1:-1],
    "in JSON within JSON": lambda secret: json.dumps(json.dumps(secret)[1:-1])[1:-1],
    "in a URL": lambda secret: urllib.parse.quote(secret, safe=""),
    "in a form": urllib.parse.quote_plus,
    "in base64": lambda secret: base64.b64encode(secret.encode()).decode(),
    "in base64 of a URL": lambda secret: base64.urlsafe_b64encode(secret.encode()).decode().rstrip("="),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
@given(secret=SECRETS, before=TEXTS, after=TEXTS, others=st.lists(SECRETS, max_size=3))
def test_no_planted_secret_survives_in_a_text(spelling, secret, before, after, others):
    spelled = SPELLINGS[spelling](secret)
    clean = Redactor([*others, secret]).text(before + spelled + after)
    assert spelled not in clean and secret not in clean and "[redacted" in clean


def nested(leaf):
    return st.recursive(
        leaf,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3) | st.tuples(inner, inner),
        max_leaves=8,
    )


JSON = nested(TEXTS | st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False))


@given(secret=SECRETS, value=JSON, data=st.data())
def test_no_planted_secret_survives_in_data(secret, value, data):
    planted = data.draw(nested(st.just(f"a {secret} b")))
    whole = {"x": [value, {secret: planted}], f"{secret}!": (planted,)}
    clean = Redactor([secret]).data(whole)
    assert secret not in every_string(clean)
    assert clean["x"][0] == Redactor([secret]).data(value)


def every_string(value):
    match value:
        case str():
            return value + "\n"
        case dict():
            return "".join(every_string(part) for pair in value.items() for part in pair)
        case list() | tuple():
            return "".join(every_string(part) for part in value)
    return ""


@given(value=JSON, text=st.text())
def test_what_holds_no_secret_comes_back_as_the_same_object(value, text):
    redactor = Redactor([SECRET, KEY])
    assert redactor.data(value) is value
    assert redactor.text(text) is text


@given(secret=SECRETS, before=TEXTS, after=TEXTS)
def test_redacting_twice_changes_nothing_more(secret, before, after):
    redactor = Redactor([secret, KEY])
    once = redactor.text(f"{before} {secret} {after} {PEM} {KEY}")
    assume(secret not in once)
    assert redactor.text(once) is once


def test_only_the_secret_is_cut_out():
    redactor = Redactor([SECRET])
    assert redactor.text(f"before {SECRET} after {SECRET}") == "before [redacted] after [redacted]"
    assert redactor.data({"a": [SECRET, 1, None], "b": "free"}) == {"a": ["[redacted]", 1, None], "b": "free"}


def test_an_unchanged_branch_of_changed_data_is_the_same_object():
    free = {"b": ["free"]}
    assert Redactor([SECRET]).data([free, SECRET])[0] is free


def test_secrets_that_overlap_leave_no_rest():
    assert Redactor(["abcdefghij", "hijklmnopq"]).text("<abcdefghijklmnopq>") == "<[redacted]>"


@pytest.mark.parametrize("user", ["", "u", "us", "use", "user:"])
def test_a_secret_within_longer_base64_is_found(user):
    secret = "correct-horse-7"
    encoded = base64.b64encode(f"{user}{secret} and more".encode()).decode()
    rest = Redactor([secret]).text(encoded).replace("[redacted]", "")
    assert len(rest) <= len(encoded) - (len(secret) * 8 // 6 - 2)


def test_a_secret_that_nobody_named_and_that_looks_like_none_stays():
    assert SECRET in Redactor(["another-secret-1"]).text(f"a {SECRET} b")


def test_short_values_are_no_secrets():
    assert Redactor(["", "1", "hunter2", "   a   "]).text("1 hunter2 a") == "1 hunter2 a"


def test_keys_that_become_alike_keep_their_values():
    clean = Redactor(["secret-one-1", "secret-two-2"]).data({"secret-one-1": 1, "secret-two-2": 2, "c": 3})
    assert list(clean.values()) == [1, 2, 3] and clean["[redacted]"] == 1 and clean["c"] == 3


def test_data_that_is_nested_without_end_is_cut_off():
    deep = []
    for _ in range(5000):
        deep = [deep]
    clean = Redactor([SECRET]).data(deep)
    for _ in range(DEEPEST):
        (clean,) = clean
    assert clean == TOO_DEEP


ENVIRONMENT = {
    "ANTHROPIC_API_KEY": "a1b2c3d4e5f6",
    "ANTHROPIC_AUTH_TOKEN": "b1b2c3d4e5f6",
    "CLAUDE_CODE_OAUTH_TOKEN": "c1b2c3d4e5f6",
    "ANTHROPIC_FOUNDRY_API_KEY": "d1b2c3d4e5f6",
    "AWS_SECRET_ACCESS_KEY": "e1b2c3/d4e5f6",
    "AWS_SESSION_TOKEN": "f1b2c3d4e5f6",
    "AWS_BEARER_TOKEN_BEDROCK": "g1b2c3d4e5f6",
    "AZURE_CLIENT_SECRET": "h1b2c3d4e5f6",
    "PGPASSWORD": "butterflies",
    "ANTHROPIC_CUSTOM_HEADERS": "X-Gateway: i1b2c3d4e5f6\nAuthorization: Bearer j1b2c3d4e5f6\nX-Team: accounting",
    "HTTPS_PROXY": "http://robot:k1b2c3d4e5f6@proxy.example:8080",
}
NO_SECRETS = {
    "CLAUDE_CODE_USE_BEDROCK": "1",
    "ANTHROPIC_BASE_URL": "https://gateway.example/v1",
    "ANTHROPIC_API_KEY_URL": "https://keys.example/v1",
    "AWS_REGION": "eu-central-1",
    "ANTHROPIC_MODEL": "claude-sonnet-4-5",
    "ANTHROPIC_API_KEY": "rehearsal",
    "CLAUDE_CODE_MAX_OUTPUT_TOKENS": "16000000",
    "CLAUDE_CODE_API_KEY_HELPER_TTL_MS": "3600000000",
    "GOOGLE_APPLICATION_CREDENTIALS": "/home/ann/key.json",
    "PWD": "/home/ann/contracts",
    "ANTHROPIC_CUSTOM_HEADERS": "anthropic-beta: context-1m-2025-08-07\nX-Team: accounting\nX-Home: https://a.example/b1",
}


def test_the_secrets_of_an_environment_are_redacted_and_only_they():
    redactor = Redactor.of_environment(ENVIRONMENT)
    dump = redactor.text("\n".join(f"{name}={value}" for name, value in ENVIRONMENT.items()))
    assert not [c for c in "abcdefghijk" if f"{c}1b2c3" in dump] and "butterflies" not in dump
    assert "http://robot:[redacted]@proxy.example:8080" in dump and "accounting" in dump
    assert "Authorization: Bearer [redacted]\n" in dump


def test_what_is_no_secret_in_an_environment_stays():
    dump = "\n".join(f"{name}={value}" for name, value in NO_SECRETS.items()) + " a rehearsal"
    assert Redactor.of_environment(NO_SECRETS).text(dump) is dump


SHAPES = {
    "anthropic key": KEY,
    "aws key": "AKIA" + "IOSFODNN7EXAMPLE",
    "github token": "ghp_" + "a1B2" * 9,
    "slack token": "xoxb-" + "123456789012-abcdefABCDEF",
    "google key": "AIza" + "SyA1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q",
    "private key": PEM,
}


@pytest.mark.parametrize("kind", SHAPES)
def test_an_unknown_secret_is_known_by_its_shape(kind):
    text = f'He wrote "{SHAPES[kind]}", and left.'
    assert Redactor().text(text) == f'He wrote "[redacted: {kind}]", and left.'
    assert Redactor().text(json.dumps(text)) == json.dumps(f'He wrote "[redacted: {kind}]", and left.')


@pytest.mark.parametrize(
    "secret", ["ASIA" + "Y34FZKBOKMUTVV7A", "github_pat_" + "11ABCDEFG0aBcDeFgHiJkL_mNoPqRs", "gho_" + "Z9y8" * 9]
)
def test_so_are_its_relatives(secret):
    assert secret not in Redactor().text(f"token={secret};")


def test_a_known_value_with_a_shape_is_simply_redacted():
    assert Redactor([KEY]).text(f"x {KEY} y") == "x [redacted] y"


def test_a_private_key_that_was_cut_off_is_redacted_as_far_as_it_goes():
    assert Redactor().text(f"see {PEM[:200]}") == "see [redacted: private key]"


@pytest.mark.parametrize(
    "header",
    [
        "Authorization: Bearer {}",
        "authorization: bearer {}",
        '{{"Authorization": "Bearer {}"}}',
        '{{\\"Authorization\\": \\"Bearer {}\\"}}',
        "curl -H 'Authorization: Basic {}' https://a.example",
        "x-api-key: {}",
    ],
)
def test_a_header_that_authorizes_loses_its_token_and_keeps_its_name(header):
    assert Redactor().text(header.format("a1b2.c3d4-e5f6")) == header.format("[redacted: authorization]")


HONEST = [
    "The token expires when the key is turned; the secret of a good password is its length, not its Bearer.",
    "def authorization(token): return {'Authorization': f'Bearer {token}'}  # the token of the user",
    'headers = {"Authorization": "Bearer " + token, "x-api-key": os.environ["ANTHROPIC_API_KEY"]}',
    "Authorization: Bearer authentication is described in RFC 6750.",
    "Authorization: Bearer YOUR_ACCESS_TOKEN, or -H 'x-api-key: $ANTHROPIC_API_KEY'",
    "Keys of Anthropic begin with sk-ant-, as in sk-ant-your-key-goes-right-here, those of AWS with AKIA or ASIA.",
    "Slack's begin with xoxb-, as in xoxb-your-token-goes-here; GitHub's with ghp_ or github_pat_; Google's with AIza.",
    "A file from -----BEGIN PRIVATE KEY----- to -----END PRIVATE KEY----- is a key. Do not send it to anybody else.",
    "-----BEGIN CERTIFICATE-----\n" + "MIIDdzCCAl+gAwIBAgIE\n" * 9 + "-----END CERTIFICATE-----",
    "3f2b8c1e-9f4d-4a6b-8a57-1f2e3d4c5b6a e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "data:image/png;base64," + base64.b64encode(bytes(range(256)) * 40).decode(),
    "ASIA PACIFIC HOLDINGS LIMITED and ASIAPACIFICHOLDINGSLIMITED trade in MALAYSIA.",
    "a task-ant-hill, disk-ant-0123456789012345678901234567890",
]


@pytest.mark.parametrize("text", HONEST)
def test_honest_text_stays(text):
    assert Redactor([SECRET]).text(text) is text


PIECES = {
    "a": "a",
    "spaces": " ",
    "dashes": "-",
    "sk-ant-": "sk-ant-",
    "sk-ant- apart": "sk-ant- ",
    "begins": "-----BEGIN PRIVATE KEY-----",
    "begins of keys": "-----BEGIN PRIVATE KEY-----\n" + "aaa " * 99,
    "begins with lines": "-----BEGIN PRIVATE KEY-----\n" + "a" * 64 + "\n",
    "headers": "authorization:        bearer        ",
    "headers of letters": "authorization: bearer aaaaaaa",
    "AKIA": "AKIA",
    "xoxb-": "xoxb-",
    "AIza": "AIza",
    "backslashes": "\\",
    "known, nearly": "aaaaaaaaaaaaaaaab"[:-1] + "c",
}


@pytest.mark.timeout(5)
@pytest.mark.parametrize("piece", PIECES)
def test_a_megabyte_made_to_be_slow_is_not(piece):
    redactor = Redactor([SECRET, KEY, "aaaaaaaaaaaaaaaab", "a" * 20 + "b" + "a" * 20, "baaaaaaaaaaaa", "-" * 9 + "x"])
    redactor.text(PIECES[piece] * (1_000_000 // len(PIECES[piece])))
