"""Secrets that are none: made when the tests run, so that no scanner finds one in this repository."""

from __future__ import annotations

import base64
import random
import string
from dataclasses import dataclass

LETTERS = string.ascii_letters + string.digits
HEX = "0123456789abcdef"
_draw = random.Random(11)


def made(length: int, alphabet: str = LETTERS) -> str:
    """Something that looks real."""
    return "".join(_draw.choice(alphabet) for _ in range(length))


@dataclass(frozen=True)
class Planted:
    """A text with a secret in it.

    Attributes:
        file: Where such a text is found.
        text: All of it; the secret stands in its second line or below.
        secret: What must never leave.
    """

    file: str
    text: str
    secret: str


def _planted(file: str, before: str, secret: str, after: str = "") -> Planted:
    return Planted(file, f"first line\n{before}{secret}{after}\n", secret)


def planted() -> tuple[Planted, ...]:
    """Twenty of different kinds, and in as many forms."""
    return (
        _planted("aws.ini", "key = ", "AK" + "IA" + made(16, "ABCDEFGHJKLMNPQR234567")),
        _planted("aws.py", 'aws_secret_access_key = "', made(40), '"'),
        _planted("github.md", "Use ", "gh" + "p_" + made(36), " for it."),
        _planted("gitlab.txt", "", "gl" + "pat-" + made(20)),
        _planted("slack.js", "send('", "xo" + "xb-" + made(12, string.digits) + "-" + made(24), "')"),
        _planted("stripe.rb", "Stripe.api_key = '", "sk" + "_live_" + made(24), "'"),
        _planted("openai.ts", "new OpenAI({ apiKey: '", "sk-" + "proj-" + made(60), "' })"),
        _planted("anthropic.sh", "export KEY=", "sk-" + "ant-api03-" + made(80)),
        _planted("google.html", "<script src='?key=", "AI" + "za" + made(35), "'>"),
        _planted("hub.ipynb", '"login(', "h" + "f_" + made(34), ')"'),
        _planted("pem.txt", "-----BEGIN " + "PRIVATE KEY-----\n", made(64), "\n"),
        _planted("jwt.http", "GET /?t=", f"ey{'J'}{made(20)}.ey{'J'}{made(40)}.{made(43)}"),
        _planted("compose.yaml", "  password: ", "correct" + "horse"),
        _planted("kube.yaml", "    client-key-data: ", made(200)),
        _planted("app.properties", "spring.datasource.password=", "Sommer" + "2024"),
        _planted("client.json", '  "client_secret": "', made(32), '"'),
        _planted("db.py", 'connect("postgres://app:', made(12), '@db/main")'),
        _planted("curl.md", "curl -u admin:", made(12), " https://example.org"),
        _planted("header.txt", "Authorization: Basic ", base64.b64encode(f"me:{made(10)}".encode()).decode()),
        _planted("web.config", 'connectionString="Server=db;Password=', made(12), ';"'),
    )
