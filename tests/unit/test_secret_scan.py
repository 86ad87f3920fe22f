from __future__ import annotations

import random
import string
import sys

import pytest

from oxide_desktop.core.secret_scan import scan_secrets


def made(alphabet: str, length: int) -> str:
    """Something that looks real and is not: made here, so that no scanner finds a secret in this file."""
    draw = random.Random(7)
    return "".join(draw.choice(alphabet) for _ in range(length))


LETTERS = string.ascii_letters + string.digits
PEM = "-----BEGIN {}PRIVATE KEY-----"
SECRETS = [
    ("an AWS access key", "AK" + "IA" + made("ABCDEFGHJKLMNPQR234567", 16)),
    ("an AWS secret key", "aws_secret_access_key = " + made(LETTERS, 40)),
    ("an AWS secret key", 'AWS_SECRET_ACCESS_KEY="' + made(LETTERS, 40) + '"'),
    ("an Azure storage key", "AccountKey" + "=" + made(LETTERS, 86) + "=="),
    ("a DigitalOcean token", "dop" + "_v1_" + made("0123456789abcdef", 64)),
    ("a Docker token", "dckr" + "_pat_" + made(LETTERS, 27)),
    ("a GitHub token", "gh" + "p_" + made(LETTERS, 36)),
    ("a GitHub token", "github" + "_pat_" + made(LETTERS, 60)),
    ("a GitLab token", "gl" + "pat-" + made(LETTERS, 20)),
    ("a Google API key", "AI" + "za" + made(LETTERS, 35)),
    ("a Google client secret", "GOC" + "SPX-" + made(LETTERS, 28)),
    ("a Google access token", "ya" + "29." + made(LETTERS, 60)),
    ("a Hugging Face token", "h" + "f_" + made(LETTERS, 34)),
    ("an npm token", "np" + "m_" + made(LETTERS, 36)),
    ("an npm token", "//example.org/:_auth" + "Token=" + made(LETTERS, 36)),
    ("an Anthropic key", "sk-" + "ant-api03-" + made(LETTERS, 90)),
    ("an API key", "sk-" + "proj-" + made(LETTERS, 60)),
    ("an API key", "sk-" + made(LETTERS, 48)),
    ("a PyPI token", "pypi-" + "AgE" + made(LETTERS, 120)),
    ("a SendGrid key", "S" + "G." + made(LETTERS, 22) + "." + made(LETTERS, 43)),
    ("a Slack token", "xo" + "xb-" + made(string.digits, 12) + "-" + made(LETTERS, 24)),
    (
        "a Slack webhook",
        "https://hooks.slack.com/services/" + f"T{made(LETTERS, 8)}/B{made(LETTERS, 8)}/{made(LETTERS, 24)}",
    ),
    ("a Stripe key", "sk" + "_live_" + made(LETTERS, 24)),
    ("a Stripe webhook secret", "wh" + "sec_" + made(LETTERS, 32)),
    ("a JSON web token", f"ey{'J'}{made(LETTERS, 20)}.ey{'J'}{made(LETTERS, 40)}.{made(LETTERS, 43)}"),
    ("a private key", PEM.format("RSA ") + "\n" + made(LETTERS, 64) + "\n"),
    ("a private key", PEM.format("") + "\\n" + made(LETTERS, 64)),
    ("a private key", PEM.format("RSA ") + "\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES,12\n\n" + made(LETTERS, 64)),
    ("a password in an address", "postgres://app:" + "x9Kf2pQz@db.internal/main"),
    ("a password or key", 'db_password = "x9Kf2-pQz7w"'),
    ("a password or key", "const apiKey: 'q8Zr5tYw3nB1'"),
    ("a password or key", '{"client_secret": "q8Zr5tYw3nB1vX"}'),
    ("a password or key", 'headers["X-Token"] = `q8Zr5tYw3nB1vX`'),
    ("a password or key", "export DB_PASSWORD=q8Zr5tYw3nB1vX\n"),
]
HARMLESS = [
    'password = "changeme123"',
    'password = os.environ["DB_PASSWORD"]',
    "token = get_token(user, 12345678)",
    'secret = "correct horse battery staple"',
    'api_key: "${API_KEY_FROM_ENV_9}"',
    'API_KEY = "keyring:openai1"',
    'token_url = "https/auth/v2"',
    'password: "aaaaaaaa1"',
    "PASSWORD=hunter2",
    "TOKEN=$(cat /run/token1234567)",
    "postgres://postgres:postgres@localhost/db",
    "https://example.org:8443/a@b",
    "AKIAIOSFODNN7EXAMPLE".replace("IO", "IO"),
    "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "task-runner-with-a-rather-long-name-that-goes-on-and-on-2",
    "xAKIA" + "ABCDEFGHJKLMNPQR",
    "-----BEGIN PUBLIC KEY-----\n" + "A" * 64,
    PEM.format(""),
    "The password rules: at least 8 characters.",
    "",
]


@pytest.mark.parametrize(("rule", "text"), SECRETS)
def test_a_secret_is_found_and_named_with_its_line_but_never_shown(rule, text):
    found = scan_secrets(f"# a\n# b\n{text}\n")
    assert (found[0].rule, found[0].line) == (rule, 3)
    assert str(found[0]) == f"{rule} (line 3)"


@pytest.mark.parametrize("text", HARMLESS)
def test_what_only_speaks_of_secrets_is_let_through(text):
    assert scan_secrets(f"x = 1\n{text}\n") == ()


def test_lines_are_right_behind_letters_whose_small_form_is_longer():
    found = scan_secrets("İİİİ\n日本\n" + 'PASSWORD = "x9Kf2-pQz7w"')
    assert [item.line for item in found] == [3]


def test_findings_are_in_order_each_line_once_and_bounded():
    one = 'password = "x9Kf2-pQz7w"; password = "y9Kf2-pQz7w"\n'
    found = scan_secrets(one * 100)
    assert [item.line for item in found] == list(range(1, 21))


class Watched(str):
    """A text that adds up how much of it is gone through."""

    __slots__ = ("steps",)

    def rfind(self, *args):
        found = super().rfind(*args)
        self.steps += args[2] - max(found, 0)
        return found

    def find(self, *args):
        found = super().find(*args)
        self.steps += (len(self) if found < 0 else found) - (args[1] if len(args) > 1 else 0)
        return found

    def count(self, *args):
        self.steps += args[2] - args[1]
        return super().count(*args)


def steps_to_scan(text: str) -> int:
    """Characters gone through one by one, and calls made, each of which may try a regular expression once."""
    watched = Watched(text)
    watched.steps = 0

    def seen(_frame, event, _callee):
        watched.steps += event in {"call", "c_call"}

    before = sys.getprofile()
    sys.setprofile(seen)
    try:
        scan_secrets(watched)
    finally:
        sys.setprofile(before)
    return watched.steps


@pytest.mark.parametrize(
    "piece",
    [
        '{"password":"x9Kf2-pQz7w"},',
        '{"password":"changeme123"},',
        '{"id":17,"token_url":"https://example.org/v1"},',
        f"ey{'J'}abcdefghijklm.",
        "password=",
        "sk-",
        '"',
        "x",
        '\npassword = "changeme123"',
    ],
)
def test_twice_the_text_on_one_line_is_about_twice_the_work(piece):
    once, twice = (steps_to_scan(piece * count) for count in (2_000, 4_000))
    assert twice <= 3 * once
    assert twice <= 40 * len(piece) * 4_000


def test_a_line_is_done_with_once_something_was_found_in_it():
    one = '{"password":"x9Kf2-pQz7w"},'
    assert steps_to_scan(one * 4_000) <= steps_to_scan(one) + 100
