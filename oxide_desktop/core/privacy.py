"""Privacy lanes: what may go to which service. They stand below the router, so that no fallback can leak.

Three rules, all of them enforced where a prompt is put together for one service (`core.context.fit`):

* A file that matches a glob of `privacy.local_only` never goes to a cloud service.
* A file that by its name holds credentials never goes to a cloud service, and is read at all only where the person
  named it itself rather than by a glob or its folder.
* A file or prompt in which something looks like a secret never goes to a cloud service (`privacy.scan_secrets`).

The router asks `check_prompt` beforehand, so that cloud services are passed over with the reason.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

from oxide_desktop.core.receipts import CREDENTIALS, LOCAL_ONLY, NAME_HOLDS
from oxide_desktop.core.secret_scan import Finding, scan_secrets
from oxide_desktop.core.settings import PrivacySettings

CREDENTIAL_GLOBS: tuple[str, ...] = (
    # Keys and stores of keys
    "*.pem", "*.key", "*.ppk", "*.p12", "*.pfx", "*.jks", "*.keystore", "*.kdb", "*.kdbx", "*.p8", "*.bcfks", "*.ovpn",
    "id_rsa", "id_dsa", "id_ecdsa", "id_ecdsa_sk", "id_ed25519", "id_ed25519_sk", "id_xmss", "*.asc.key", "*.agekey",
    "*.keychain", "*.keychain-db", "keyrings/", "key3.db", "key4.db", "logins.json", "cookies.sqlite", "Login Data",
    # Sign-ins of tools
    ".env", ".env.*", ".env-*", ".env_*", ".envrc", "*.env", ".netrc", "_netrc", ".pgpass", "pgpass.conf", ".my.cnf",
    ".mylogin.cnf", ".htpasswd", ".git-credentials", ".dockercfg", ".docker/config.json", ".kube/config",
    "*.kubeconfig", ".pypirc", ".config/gh/hosts.yml", ".vault-token", ".s3cfg", ".boto", ".rclone.conf", "rclone.conf",
    "service-account*.json", "service_account*.json", "application_default_credentials.json", "client_secret*.json",
    ".ssh/", ".gnupg/", ".aws/", ".azure/", ".gcloud/", ".config/gcloud/", ".password-store/", ".terraform.d/",
    ".oxide/", ".m2/settings-security.xml", ".cargo/credentials", ".cargo/credentials.toml", ".gem/credentials",
    # State and values that hold them
    "*.tfstate", "*.tfstate.backup", "*.tfstate.*.backup", "terraform.tfvars", "*.auto.tfvars", "credentials.json",
    *(f"{name}.{suffix}" for name in ("secret", "secrets") for suffix in (
        "yaml", "yml", "json", "toml", "ini", "env", "txt", "properties", "conf", "cfg", "xml", "tfvars", "enc")),
    "*.secret", "*.secrets", "wp-config.php", "/etc/shadow", "/etc/gshadow",
)  # fmt: skip
_NOT_OF_TEMPLATES = tuple(glob for glob in CREDENTIAL_GLOBS if ".env" not in glob)
# Templates that are shared with the code: scanned like any other file.
_TEMPLATE = re.compile(
    r".*\.env(?:[._-].+)?[._-](?:example|sample|template|dist|defaults)|(?:example|sample|template)\.env", re.IGNORECASE
)
PROMPT_HOLDS = "the prompt holds what looks like"
WAY_OUT = "Ask a local service, or take out what is held; `privacy` in the settings says what else may be done."


def expand_home(path: str) -> str:
    """`~` and `~name` at the start replaced; what names no known home stays as it is."""
    return os.path.expanduser(path)  # noqa: PTH111 - Path.expanduser raises for a home it does not know


def stricter(one: PrivacySettings, other: PrivacySettings) -> PrivacySettings:
    """What both allow."""
    return PrivacySettings(
        local_only=tuple(dict.fromkeys((*one.local_only, *other.local_only))),
        scan_secrets=one.scan_secrets or other.scan_secrets,
        allowed_roots=_both(one.allowed_roots, other.allowed_roots),
    )


def _both(one: tuple[Path, ...] | None, other: tuple[Path, ...] | None) -> tuple[Path, ...] | None:
    """The folders that lie within both; `None` is anywhere."""
    if one is None or other is None:
        return other if one is None else one
    within = [root for root in one if any(root.is_relative_to(limit) for limit in other)]
    within += [root for root in other if any(root.is_relative_to(limit) for limit in one)]
    return tuple(dict.fromkeys(within))


def scan_of(text: str, privacy: PrivacySettings) -> tuple[Finding, ...]:
    """What looks like a secret in `text`, nothing where the settings switch the scan off."""
    return scan_secrets(text) if privacy.scan_secrets else ()


def check_prompt(prompt: str, privacy: PrivacySettings) -> tuple[Finding, ...]:
    """What in a prompt forbids sending it to a cloud service; local ones may take it."""
    return scan_of(prompt, privacy)


def prompt_reason(findings: Sequence[Finding]) -> str:
    """Why a service may not have the prompt, as a phrase that never shows the secret."""
    return f"{PROMPT_HOLDS} {findings[0]}"


def hold_reason(paths: Iterable[Path], findings: Sequence[Finding], privacy: PrivacySettings) -> str | None:
    """Why a file may not go to a cloud service, `None` if it may.

    Args:
        paths: All absolute paths the file is known by, the real one among them, so that no link launders a name.
        findings: What the secret scan found in its text.
        privacy: The settings.
    """
    names = [path.as_posix() for path in paths]
    if glob := local_only_glob(names, privacy.local_only):
        return f"{LOCAL_ONLY}matches {glob}"
    if glob := credential_glob(names):
        return f"{LOCAL_ONLY}{CREDENTIALS} ({glob})"
    if findings and privacy.scan_secrets:
        return f"{LOCAL_ONLY}holds what looks like {findings[0]}"
    if privacy.scan_secrets and (found := scan_secrets("\n".join(names))):
        return f"{LOCAL_ONLY}{NAME_HOLDS} {found[0].rule}"
    return None


def local_only_glob(names: Iterable[str], globs: Iterable[str]) -> str | None:
    """The first glob that one of the absolute `names` matches.

    A glob without a leading `/` or `~` matches at any depth, whatever folder it is looked at from, and everything
    below a folder that it matches: it is better to hold back too much than to leak from a subfolder.
    """
    return _first_match(tuple(names), tuple(globs))


def credential_glob(names: Iterable[str]) -> str | None:
    """The glob of known files of credentials that one of the absolute `names` matches."""
    known = tuple(names)
    templates = tuple(name for name in known if _TEMPLATE.fullmatch(name.rpartition("/")[2]))
    others = tuple(name for name in known if name not in templates)
    return _first_match(others, CREDENTIAL_GLOBS) or _first_match(templates, _NOT_OF_TEMPLATES)


def _first_match(names: tuple[str, ...], globs: tuple[str, ...]) -> str | None:
    if not any(_pattern(globs).match(name) for name in names):
        return None
    return next(glob for glob in globs if any(_pattern((glob,)).match(name) for name in names))


@lru_cache(maxsize=512)
def _pattern(globs: tuple[str, ...]) -> re.Pattern[str]:
    """Globs as one regular expression for absolute paths; case never counts, since on many disks it does not."""
    return re.compile("|".join(_expression(glob) for glob in globs) or r"(?!)", re.IGNORECASE | re.DOTALL)


def _expression(glob: str) -> str:
    text = expand_home(glob).replace("\\", "/")
    root = re.match(r"/|[A-Za-z]:/", text)
    body = "".join(_piece(part) for part in _PARTS.split(text.removeprefix("./").rstrip("/")))
    below = "/.*" if text.endswith("/") else "(?:/.*)?"
    return f"{'' if root else '(?:.*/)?'}{body}{below}\\Z"


_PARTS = re.compile(r"(\*\*/|\*+|\?|\[!?\]?[^\]]*\])")
_FIXED = {"**/": "(?:.*/)?", "*": "[^/]*", "?": "[^/]"}


def _piece(part: str) -> str:
    """One split-off piece of a glob as a regular expression."""
    if part in _FIXED:
        return _FIXED[part]
    if part.startswith("**"):
        return ".*"
    if not (part.startswith("[") and part.endswith("]")):
        return re.escape(part)
    inside = part[1:-1].removeprefix("!")
    safe = re.sub(r"(?<!\w)-|-(?!\w)|[^\w-]", lambda found: f"\\{found[0]}", inside)
    expression = f"[^/{safe}]" if part.startswith("[!") else f"[{safe}]"
    try:
        re.compile(expression)
    except re.error:  # such as a range that runs backwards: nobody can mean it, so it stands for itself
        return re.escape(part)
    return expression
