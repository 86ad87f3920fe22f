from __future__ import annotations

import base64
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
HEX = string.hexdigits[:16]
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
    ("an age key", "AGE-SECRET-" + "KEY-1" + made(string.ascii_uppercase + string.digits, 58)),
    ("an Azure client secret", "abc8" + "Q~" + made(LETTERS, 31)),
    ("a Databricks token", "da" + "pi" + made(HEX, 32)),
    ("a Discord token", "M" + "T" + made(LETTERS, 22) + "." + made(LETTERS, 6) + "." + made(LETTERS, 30)),
    ("a Groq key", "g" + "sk_" + made(LETTERS, 52)),
    ("a Mailchimp key", made(HEX, 32) + "-us" + "12"),
    ("a Stripe key", "rk" + "_test_" + made(LETTERS, 24)),
    ("a Telegram token", "7391846205" + ":A" + "A" + made(LETTERS, 33)),
    ("a Twilio key", "S" + "K" + made(HEX, 32)),
    ("a Vault token", "hv" + "s." + made(LETTERS, 30)),
    ("a private key", PEM.format("OPENSSH ") + "\n" + made(LETTERS, 70)),
    ("a private key", PEM.format("PGP ").replace("KEY", "KEY BLOCK") + "\nVersion: 2\n\n" + made(LETTERS, 64)),
    ("a private key", '"private_key": "' + PEM.format("") + "\\n" + made(LETTERS, 64) + '"'),
    ("a private key", "PuTTY-User-Key-" + "File-3: ssh-ed25519\nEncryption: none\n"),
    ("a password's hash", "root:$6" + "$" + made(LETTERS, 16) + "$" + made(LETTERS, 86) + ":18000:0:"),
    ("a password's hash", "bob:$apr" + "1$" + made(LETTERS, 8) + "$" + made(LETTERS, 22)),
    ("a password's hash", "$2" + "b$12$" + made(LETTERS, 53)),
    ("a password's hash", "$argon" + "2id$v=19$m=65536,t=3,p=4$" + made(LETTERS, 22) + "$" + made(LETTERS, 43)),
    ("a password in SQL", "ALTER USER bob WITH PASSWORD 'Sommer" + "2024'"),
    ("a password in SQL", 'CREATE USER bob IDENTIFIED BY "Sommer' + '2024"'),
    ("a password on a command line", "docker login -u bob -p Sommer" + "2024"),
    ("a password on a command line", "redis-cli -a Sommer" + "2024 ping"),
    ("a password in SQL", "set password for root = 'Tr0ub4" + "dor3x'"),
    ("a password in SQL", "SET PASSWORD FOR 'bob'@'localhost' = PASSWORD('Tr0ub4" + "dor3x');"),
    ("a private key", base64.b64encode(f"{PEM.format('')}\n{made(LETTERS, 99)}".encode()).decode()),
    ("a private key", base64.b64encode(f"{PEM.format('OPENSSH ')}\n{made(LETTERS, 99)}".encode()).decode()),
    (
        "a private key",
        "KUBE_CONFIG_DATA=" + base64.b64encode(f"{PEM.format('RSA ')}\n{made(LETTERS, 99)}".encode()).decode(),
    ),
    # In the form of a token only a value that as a whole is a placeholder is one.
    ("a GitHub token", "gh" + "p_PLANTEDB" + string.ascii_lowercase + "12"),
    # A value is not let through because a placeholder's word stands somewhere in it.
    ("an API key", "sk-" + "proj-your1234abcd" + made(LETTERS, 60)),
    ("an API key", "sk-" + "proj-" + made(LETTERS, 60) + "token" + made(LETTERS, 20)),
    ("an AWS secret key", "AWS_SECRET_ACCESS_KEY=" + "token1234" + made(LETTERS, 31)),
    ("a password in an address", "redis://:" + made(LETTERS, 12) + "@cache:6379"),
    ("a password in an address", "amqp://bob:" + "wonder" + "land@queue"),
    ("a sign-in header", "Authorization: Bearer " + made(LETTERS, 40)),
    ("a sign-in header", "-H 'authorization: token " + made(HEX, 40) + "'"),
    ("a sign-in header", "Authorization: Basic " + base64.b64encode(b"bob:x9Kf2pQz").decode()),
    ("a password on a command line", "curl -u admin:" + made(LETTERS, 10) + " https://a.b"),
    ("a password on a command line", "curl https://a.b --user bob:Winter" + "Is99"),
    ("a password on a command line", "mysql -uroot -pSommer" + "2024 db"),
    ("a password on a command line", "sshpass -p Sommer" + "2024 ssh host"),
]
WORDY = "correct" + "horse"
PERSONAL = "Sommer" + "2024"
RANDOM = made(LETTERS, 14)
ASSIGNED = [
    f"password: {WORDY}",
    "password: Tr0ub4" + "dor&3",
    "  password: S3cr3t" + "!pass",
    "password: hun" + "ter2x",
    "password: correct-horse-battery" + "-staple",
    "passwd: 846" + "19273",
    "password: My" + "DogRex7",
    f'password: "{WORDY}"',
    f'"password": "{WORDY}"',
    f"DB_PASSWORD={WORDY}",
    f"DB_PASSWORD='{WORDY}'",
    f"[db]\npassword = {WORDY}",
    f"db_password={RANDOM}",
    f"db_password={PERSONAL}",
    f"export DB_PASSWORD={RANDOM}",
    f"ENV DB_PASSWORD {PERSONAL}",
    f"set PASSWORD={RANDOM}",
    f"$env:API_KEY = '{RANDOM}'",
    f"FTP_PASS={PERSONAL}",
    f"smtp_pass: {RANDOM}",
    f"PGPASSWORD={RANDOM} psql -h x",
    f"spring.datasource.password={PERSONAL}",
    "spring.datasource.password=p@ss" + "W0rd!x",
    f"apiKey: {RANDOM}",
    f"const apiKey: '{RANDOM}'",
    f"x-api-key: {made(HEX, 32)}",
    f"-H 'x-api-key: {RANDOM}'",
    "api_key: 1f3c9a7e-2b4d-" + "4c6a-9e8f-0d1c2b3a4f5e",
    f"auth_token = '{made(HEX, 32)}'",
    f"secret: {made(string.ascii_uppercase + '234567', 32)}",
    f"TOKEN_GITHUB={made(LETTERS, 30)}",
    f'{{"client_secret": "{RANDOM}"}}',
    f'{{\\"password\\": \\"{RANDOM}\\"}}',
    f'headers["X-Token"] = `{RANDOM}`',
    f"    token: {made(LETTERS, 60)}",
    f"token: {made(LETTERS, 20)}.{made(LETTERS, 20)}",
    f"    client-key-data: {made(LETTERS, 200)}==",
    f"app --password={RANDOM}",
    f"app --password {PERSONAL} x",
    f"app --api-key {RANDOM}",
    "Server=db;User Id=sa;Password=Str0ng" + "Pw9;Encrypt=true",
    f"jdbc:mysql://h/db?user=a&password={RANDOM}",
    f"host=h user=u password={PERSONAL} dbname=x",
    f"//registry.example.org/:_password={made(LETTERS, 20)}",
    f"machine h login bob password {PERSONAL}",
    f"machine h\n  login bob\n  password {PERSONAL}",
    f"<password>{PERSONAL}</password>",
    f'<add key="DbPassword" value="{PERSONAL}!"/>',
    f"define('DB_PASSWORD', '{RANDOM}');",
    f"- name: DB_PASSWORD\n  value: {RANDOM}",
    f'{{"name":"API_TOKEN","value":"{RANDOM}"}}',
    f"SECRET_KEY = 'django-insecure-{made(LETTERS, 50)}'",
    f"password: str = '{PERSONAL}'",
    f'password := "{PERSONAL}"',
    f"password => '{PERSONAL}'",
    "connect(password='Wint3r" + "!sC')",
    f"password: |\n  {PERSONAL}",
    f"**Password:** {PERSONAL}",
    f"Passwort: {PERSONAL}",
    f"API Key: {made(LETTERS, 32)}",
    f"OPENAI_KEY={made(LETTERS, 40)}",
    f"encryption.key={made(LETTERS, 32)}",
    f"admin_pw = '{PERSONAL}'",
    f'user.setPassword("{PERSONAL}")',
    f"aws configure set aws_secret_access_key {RANDOM}",
    "my password is Tr0ub4" + "dor&3",
    f"the password is: {PERSONAL}",
    "DB_PASSWORD=" + "FvIjBL" + "IZde",
    # A real value as a default, or beside a look-up.
    "password: ${DB_PASSWORD:-Tr0ub4" + "dor&3x}",
    "DB_PASSWORD=${DB_PASSWORD:-" + PERSONAL + "}",
    'DB_PASSWORD="${DB_PASSWORD-' + PERSONAL + '}"',
    f'api_key = os.environ.get("API_KEY") or "{RANDOM}"',
    f'api_key = os.environ.get("API_KEY", "{RANDOM}")',
    f"api_key = os.getenv('API_KEY', default='{RANDOM}')",
    f'const apiKey = process.env.API_KEY || "{RANDOM}";',
    f"const apiKey = process.env.API_KEY ?? '{RANDOM}';",
    f'password = os.environ.get("DB_PASSWORD") or "{PERSONAL}"',
    # Versions and encodings behind the name.
    f"API_KEY_V2={RANDOM}",
    f"api_key_v2: {RANDOM}",
    f'{{"api_key_v2": "{RANDOM}"}}',
    f"apiKeyV2: {RANDOM}",
    "signing_key_hex: " + made(HEX, 48),
    "tls_key_b64: " + made(LETTERS, 64),
    "private_key_b64: " + made(LETTERS, 64) + "==",
    "master_key_base64=" + made(LETTERS, 64),
]
HARMLESS = [
    *("password: str", "password: str,", "password: string;", "password: SecretStr", "password: Optional[str] = None"),
    *(
        "token = get_token()",
        "def login(password):",
        "if password == other:",
        "password=password,",
        "    password=passwd2",
    ),
    *(
        "max_tokens: 4096",
        'tokenizer = "bpe"',
        "token: Token",
        "token_type: bearer",
        "next_token: " + made(LETTERS, 20),
    ),
    *(
        "password: <your password>",
        "password: ${DB_PASSWORD}",
        "token: ${{ secrets.TOKEN }}",
        "token: secrets.NPM_TOKEN",
    ),
    *("password: changeme", "PASSWORD=xxxxxx", "password: example", "api_key: null", "password: required", "pass: 100"),
    *("password: {{ vault_password }}", "password: !vault |", "password: *default2", "password = '********'"),
    *('password = "changeme123"', 'password = os.environ["DB_PASSWORD"]', "const token = process.env.TOKEN1"),
    *("password = getpass.getpass('Pw1: ')", "token = get_token(user, 12345678)", "password: user.password1,"),
    *('secret = "correct horse battery staple"', 'api_key: "${API_KEY_FROM_ENV_9}"', 'API_KEY = "keyring:openai1"'),
    *('token_url = "https/auth/v2"', 'password: "aaaaaaaa1"', "TOKEN=$(cat /run/token1234567)", "secretName: my-2"),
    *(
        "The password rules: at least 8 characters.",
        "the password is required",
        "token is expired2",
        "Password: enter it",
    ),
    *(
        '"password": "Passwort"',
        'type="password" name="password2"',
        "password: 'required|min:8'",
        "PWD=/home/user1/abc",
    ),
    *("password_file: /run/secrets/db2", "password: hashed_password2", "password: z.string().min(8)", "token: x1"),
    *(
        "Authorization: Bearer <token>",
        "Authorization: Bearer $TOKEN",
        'headers = {"Authorization": f"Bearer {token}"}',
    ),
    *(
        "Authorization: Basic dXNlcjpwYXNzd29yZA==",
        "Authorization: Basic !!!!not-base64",
        "curl -u user:pass https://x",
    ),
    *("curl -u $USER:$PASS https://x", "mysql -p$PASSWORD", "tar -pxf1234567 a", "app --password <password>"),
    *("postgres://postgres:postgres@localhost/db", "http://user:pass@example.com", "https://${USER}:${PASS}@host/x"),
    *("https://example.org:8443/a@b", "AKIA" + "IOSFODNN7EXAMPLE", "xAKIA" + "ABCDEFGHJKLMNPQR"),
    "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "task-runner-with-a-rather-long-name-that-goes-on-and-on-2",
    "sk-" + "your-openai-api-key-goes-here-please-1",
    "gh" + "p_" + "x" * 36,
    "gh" + "p_" + string.ascii_lowercase + "0123456789",
    "gh" + "p_1234567890" + string.ascii_lowercase,
    "password: ${DB_PASSWORD:-}",
    "password: ${DB_PASSWORD:-changeme}",
    "password: ${DB_PASSWORD:?it must be set}",
    "password: ${DB_PASSWORD:-${OTHER_PASSWORD2}}",
    'api_key = os.environ.get("API_KEY") or "changeme"',
    'api_key = os.environ.get("API_KEY") or "not-set-in-this-environment"',
    'api_key = os.environ.get("API_KEY", "your-key-1")',
    'api_key = config.get("api_key") or config.get("x7Kp2mQ9vR4tY8")',
    "api_key_v2: ${API_KEY_V2}",
    "set password for root = 'changeme'",
    "public_key_b64: " + made(LETTERS, 64),
    "LS0tLS1CRU" + "dJTi" + "BQVUJMSUMgS0VZLS0tLS0" + made(LETTERS, 60),
    base64.b64encode(f"{'-' * 5}BEGIN CERTIFICATE{'-' * 5}\n{made(LETTERS, 99)}".encode()).decode(),
    '"integrity": "sha512-' + made(LETTERS, 86) + '=="',
    '"hash": "' + made(HEX, 40) + '"',
    "commit " + made(HEX, 40),
    "id: 123e4567-e89b-12d3-a456-426614174000",
    "-----BEGIN PUBLIC KEY-----\n" + "A" * 64,
    PEM.format(""),
    "cache_key = '" + made(LETTERS, 32) + "'",
    "splitpasswd('user+1:a+b')",
    "RC2_KEY = rc2_key_st",
    "tokens = ['" + made(LETTERS, 12) + "']",
    "if (token === " + made(LETTERS, 12) + ") {",
    f"{'x' * 200}; the secret of this",
    f"{'x ' * 100}password={WORDY}",
    f"{'x ' * 100}password: '{WORDY}'",
    'password: "' + made(LETTERS, 400) + '"',
    "secret_of = 'some1thing'",
    "",
]


@pytest.mark.parametrize(("rule", "text"), SECRETS)
def test_a_secret_is_found_and_named_with_its_line_but_never_shown(rule, text):
    found = scan_secrets(f"# a\n# b\n{text}\n")
    assert (found[0].rule, found[0].line) == (rule, 3)
    assert str(found[0]) == f"{rule} (line 3)"


@pytest.mark.parametrize("text", ASSIGNED)
def test_what_a_password_or_key_is_set_to_is_found_in_every_language_of_settings(text):
    found = scan_secrets(f"x = 1\n{text}\n")
    assert [item.rule for item in found] == ["a password or key"]


@pytest.mark.parametrize("text", HARMLESS)
def test_what_only_speaks_of_secrets_is_let_through(text):
    assert scan_secrets(f"x = 1\n{text}\n") == ()


def test_lines_are_right_behind_letters_whose_small_form_is_longer():
    found = scan_secrets("İİİİ\n日本\n" + 'PASSWORD = "x9Kf2-p' + 'Qz7w"')
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
        'token="',
        "token:",
        "secret = 'a,",
        "--password x ",
        "curl -u a:",
        "authorization: bearer ",
        "apikey-",
        "://a:",
        "a" * 40,
        "${A:-",
        "os.environ.get('a') or ",
        "process.env.",
        "set password for a ",
        base64.b64encode(b"-----BEGIN PRIVATE KEY")[:28].decode(),
    ],
)
def test_twice_the_text_on_one_line_is_about_twice_the_work(piece):
    once, twice = (steps_to_scan(piece * count) for count in (2_000, 4_000))
    assert twice <= 3 * once
    assert twice <= 40 * len(piece) * 4_000


def test_a_line_is_done_with_once_something_was_found_in_it():
    one = '{"password":"x9Kf2-pQz7w"},'
    assert steps_to_scan(one * 4_000) <= steps_to_scan(one) + 100
