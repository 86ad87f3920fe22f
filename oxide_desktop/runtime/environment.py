"""What children see of Oxide's own environment: what programs need to run, and nothing that is a secret."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

from oxide_desktop.config.programs import search_path

MARK = "OXIDE_CHILD"
"""Set in every child to the run it belongs to, so that what a killed guard leaves can be found again."""

ALLOWED = frozenset(
    {
        # who and where
        *("HOME", "USER", "LOGNAME", "SHELL", "PWD", "TMPDIR", "TEMP", "TMP", "TZ", "LANG", "LANGUAGE"),
        # the session's key ring and agents, where programs keep their own sign-in
        *("DBUS_SESSION_BUS_ADDRESS", "SSH_AUTH_SOCK", "GNOME_KEYRING_CONTROL", "__CF_USER_TEXT_ENCODING"),
        # ways out to the network, and whom to trust there
        *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy", "no_proxy"),
        *("SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
        # where version managers keep what they manage
        *("NVM_DIR", "VOLTA_HOME", "BUN_INSTALL", "FNM_DIR", "PNPM_HOME", "ASDF_DATA_DIR", "MISE_DATA_DIR"),
        # libraries and processors, for model servers
        *("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "OMP_NUM_THREADS"),
        # Windows
        *("SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "COMSPEC", "PATHEXT", "USERNAME", "USERPROFILE", "USERDOMAIN"),
        *("HOMEDRIVE", "HOMEPATH", "APPDATA", "LOCALAPPDATA", "PROGRAMDATA", "ALLUSERSPROFILE", "PUBLIC", "OS"),
        *("PROGRAMFILES", "PROGRAMFILES(X86)", "PROGRAMW6432", "COMMONPROGRAMFILES", "COMPUTERNAME"),
        *("NUMBER_OF_PROCESSORS", "PROCESSOR_ARCHITECTURE"),
    }
)
ALLOWED_PREFIXES = ("LC_", "XDG_", "OLLAMA_", "CUDA_", "NVIDIA_", "HIP_", "ROCR_", "HSA_", "GGML_", "VK_")
SECRETS = ("_KEY", "_TOKEN", "_SECRET", "_PASSWORD")  # ends of names that no prefix lets through
LIBRARY_PATH = "LD_LIBRARY_PATH"


def child_environment(added: Mapping[str, str], base: Mapping[str, str] | None = None) -> dict[str, str]:
    """What a child gets: the allowed part of `base` (Oxide's own environment), a full PATH, and what is added."""
    own = os.environ if base is None else base
    env = {name: value for name, value in own.items() if is_allowed(name)}
    env["PATH"] = search_path(own)
    if getattr(sys, "frozen", False):
        restore_library_path(env, own)
    # No terminal is there to draw on.
    return {**env, "TERM": "dumb", "NO_COLOR": "1", **added}


def is_allowed(name: str) -> bool:
    """Whether a variable may be seen by children. Windows does not tell cases apart."""
    known = name.upper() if sys.platform == "win32" else name
    return known in ALLOWED or (known.startswith(ALLOWED_PREFIXES) and not known.endswith(SECRETS))


def restore_library_path(env: dict[str, str], own: Mapping[str, str]) -> None:
    """Take back the frozen bundle's library path: its libraries are no good to other programs."""
    env.pop(LIBRARY_PATH, None)
    if original := own.get(f"{LIBRARY_PATH}_ORIG"):
        env[LIBRARY_PATH] = original
