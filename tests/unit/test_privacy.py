from __future__ import annotations

from pathlib import Path

import pytest

from oxide_desktop.core.privacy import (
    check_prompt,
    credential_glob,
    hold_reason,
    local_only_glob,
    prompt_reason,
    scan_of,
    stricter,
)
from oxide_desktop.core.receipts import LOCAL_ONLY, NAME_HOLDS, FileReceipt, ReadStatus, held_phrase, skip_notes
from oxide_desktop.core.secret_scan import Finding
from oxide_desktop.core.settings import PrivacySettings

SECRET = 'password = "x9Kf2-pQz7w"'


@pytest.mark.parametrize(
    ("glob", "name"),
    [
        ("secrets/", "/home/me/work/secrets/a/b.py"),
        ("secrets/**", "/home/me/work/secrets/a/b.py"),
        ("secrets", "/home/me/work/secrets/b.py"),
        ("*.sql", "/x/DUMP.SQL"),
        ("src/**/key?.py", "/r/src/key1.py"),
        ("src/**/key?.py", "/r/src/a/b/key1.py"),
        ("./docs/*.md", "/r/docs/x.md"),
        ("/srv/data", "/srv/data/x"),
        ("C:\\data\\*", "C:/data/x.txt"),
        ("file[0-9].txt", "/a/file7.txt"),
        ("file[!0-9].txt", "/a/filex.txt"),
        ("[z-a]", "/a/[z-a]"),
        ("a[]&&--]b", "/x/a&b"),
        ("**", "/anything"),
        ("~/private/*", "/home/me/private/x"),
    ],
)
def test_a_local_only_glob_matches_at_any_depth_and_below_folders(glob, name, monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    assert local_only_glob([name], ["nothing", glob]) == glob


@pytest.mark.parametrize(
    ("glob", "name"),
    [
        ("secrets/", "/home/me/secrets"),
        ("secrets", "/home/me/secretsanta/b.py"),
        ("/tmp/x", "/tmp/xevil"),
        ("/srv/data", "/home/srv/data"),
        ("*.sql", "/a/sql.py"),
        ("src/*.py", "/r/src/a/b.py"),
        ("file[!0-9].txt", "/a/file7.txt"),
    ],
)
def test_what_a_glob_does_not_mean_is_not_held_back(glob, name):
    assert local_only_glob([name], [glob]) is None


def test_without_globs_nothing_matches():
    assert local_only_glob(["/a"], []) is None


@pytest.mark.parametrize(
    "name",
    [
        "/p/.env",
        "/p/.env.production",
        "/p/prod.env",
        "/h/.ssh/config",
        "/h/.ssh/id_ed25519",
        "/h/id_rsa",
        "/h/.aws/credentials",
        "/h/.netrc",
        "/p/server.pem",
        "/p/tls.KEY",
        "/p/store.p12",
        "/p/my.kdbx",
        "/h/.docker/config.json",
        "/h/.oxide/config.yaml",
        "/p/service-account-prod.json",
        "/p/.ENV.Local",
        "/p/.env-prod",
        "/p/.env.example/id_rsa",
        "/h/.ssh/.env.example",
        "/h/.gnupg/pubring.kbx",
        "/h/.kube/config",
        "/h/.git-credentials",
        "/h/.pgpass",
        "/h/.pypirc",
        "/p/key.pfx",
        "/p/store.JKS",
        "/p/terraform.tfstate",
        "/p/terraform.tfstate.backup",
        "/p/secrets.yaml",
        "/p/Secrets.json",
        "/p/client_secret_1.json",
        "/etc/shadow",
    ],
)
def test_files_of_credentials_are_known_by_name(name):
    assert credential_glob([name])


@pytest.mark.parametrize(
    "name",
    [
        "/p/.env.example",
        "/p/.env.local.sample",
        "/p/prod.env.template",
        "/p/example.env",
        "/p/id_rsa.pub",
        "/p/environment.py",
        "/p/.oxide.yaml",
        "/p/keys.py",
        "/p/secrets.py",
        "/p/shadow/dom.js",
        "/p/.npmrc",
    ],
)
def test_files_that_only_sound_like_credentials_are_not(name):
    assert credential_glob([name]) is None


def test_a_link_does_not_launder_a_file_of_credentials():
    assert credential_glob(["/p/notes.txt", "/h/.ssh/id_rsa"]) == "id_rsa"
    assert credential_glob(["/p/.env.example", "/p/.env"]) == ".env"


def test_the_reason_says_which_lane_holds_a_file_back():
    privacy = PrivacySettings(local_only=("finance/**",))
    finding = Finding("an AWS access key", 12)
    assert hold_reason([Path("/p/finance/x.csv")], (), privacy) == "local only: matches finance/**"
    assert hold_reason([Path("/p/.env")], (), privacy) == "local only: a file of credentials (.env)"
    held = hold_reason([Path("/p/a.py")], (finding,), privacy)
    assert held == "local only: holds what looks like an AWS access key (line 12)"
    assert hold_reason([Path("/p/a.py")], (), privacy) is None


def test_a_secret_in_a_files_name_holds_it_back_too():
    name = "dump-" + "gh" + "p_" + "x9Kf2pQz7wB4nR8tY1cV" * 2
    held = hold_reason([Path("/p") / name[:45]], (), PrivacySettings())
    assert held == "local only: its name holds what looks like a GitHub token"
    assert hold_reason([Path("/p") / name[:45]], (), PrivacySettings(scan_secrets=False)) is None


def test_a_name_that_is_a_secret_is_not_repeated():
    held = [FileReceipt(path, ReadStatus.SKIPPED, f"{LOCAL_ONLY}{NAME_HOLDS} a token") for path in ("s3cr3t", "s4")]
    assert skip_notes(held) == ("Left out: 2 files (local only: its name holds what looks like a token).",)
    assert held_phrase(held[:1]) == "1 file (its name holds what looks like a token)"


def test_of_two_settings_what_both_allow_is_allowed():
    one = PrivacySettings(local_only=("a", "b"), scan_secrets=False, allowed_roots=(Path("/p"), Path("/q/r")))
    other = PrivacySettings(local_only=("b", "c"), scan_secrets=True, allowed_roots=(Path("/p/x"), Path("/q")))
    both = PrivacySettings(local_only=("a", "b", "c"), allowed_roots=(Path("/q/r"), Path("/p/x")))
    assert stricter(one, other) == both
    assert stricter(PrivacySettings(), other).allowed_roots == stricter(other, PrivacySettings()).allowed_roots
    assert stricter(PrivacySettings(), PrivacySettings()) == PrivacySettings()


def test_a_prompt_is_scanned_unless_the_settings_switch_it_off():
    found = check_prompt(f"why?\n{SECRET}", PrivacySettings())
    assert prompt_reason(found) == "the prompt holds what looks like a password or key (line 2)"
    assert "x9Kf2" not in prompt_reason(found)
    assert scan_of(SECRET, PrivacySettings(scan_secrets=False)) == ()
