"""The MCP clients that Oxide can connect itself to: where each keeps its servers, and in which form.

Formats as their vendors document them (read in November 2026; of these Claude Code alone was run):
Claude Code: code.claude.com/docs/en/mcp · Claude Desktop: modelcontextprotocol.io/docs/develop/connect-local-servers ·
Cursor: cursor.com/docs/mcp · VS Code: code.visualstudio.com/docs/copilot/reference/mcp-configuration ·
Gemini CLI: geminicli.com/docs/tools/mcp-server · Codex: developers.openai.com/codex/mcp
"""

from __future__ import annotations

import json
import os
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from oxide_desktop.config import json_splice, toml_splice
from oxide_desktop.core.errors import UsageError

SERVER_NAME = "oxide"
_OUR_PROGRAMS = ("oxide-mcp", "oxide-mcp.exe", "oxide_desktop.fronts.mcp.shim")


class Scope(StrEnum):
    """For all of a person's projects, or for one."""

    USER = "user"
    PROJECT = "project"


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """One program, and its file.

    Attributes:
        section: The key in the file that holds the servers.
        user_file: Where that file is; `None` where the program does not exist on this system.
        project_file: The same below a project; `None` where there is none.
        extra: What an entry holds besides command, args and env.
        after: What a person does next.
    """

    name: str
    title: str
    section: str
    user_file: Path | None
    project_file: str | None
    extra: Mapping[str, object]
    after: str

    def file(self, scope: Scope, project: Path) -> Path:
        """The file of that scope.

        Raises:
            UsageError: There is none.
        """
        found = self.user_file if scope is Scope.USER else self.project_file
        if found is None:
            where = "on this system" if scope is Scope.USER else "for one project alone"
            raise UsageError(
                f"{self.title} cannot be connected {where}",
                "Its maker documents no file for that.",
                "Choose another --client or --scope.",
            )
        return project / found

    def servers(self, text: str) -> dict[str, Any]:
        """The servers in a file.

        Raises:
            ValueError: The file is not of that form.
        """
        tree = self.tree(text)
        section = tree.get(self.section, {}) if isinstance(tree, dict) else None
        if not isinstance(section, dict):
            raise ValueError(f"{self.section} is no object")  # noqa: TRY004 - one kind of error for a file of another form
        return section

    def tree(self, text: str) -> Any:  # noqa: ANN401 - whatever stands in the file
        """What a file says.

        Raises:
            ValueError: It is no file of that kind.
        """
        if self._is_toml:
            return tomllib.loads(text)
        return json.loads(text) if text.strip() else {}

    def entry(self, command: str, env: Mapping[str, str]) -> dict[str, object]:
        """Oxide as this client writes it."""
        return {**self.extra, "command": command, "args": [], **({"env": dict(env)} if env else {})}

    def put(self, text: str, entry: Mapping[str, object]) -> str:
        """The file's text with Oxide in it."""
        if self._is_toml:
            return toml_splice.put_table(text, self.section, SERVER_NAME, entry)
        return json_splice.put(text, (self.section, SERVER_NAME), entry)

    def change(self, text: str, edits: Mapping[tuple[str, ...], object]) -> str:
        """The file's text with other values within Oxide's entry; `None` takes one out."""
        for inner, value in edits.items():
            path = (self.section, SERVER_NAME, *inner)
            if self._is_toml:
                text = toml_splice.take_value(text, path) if value is None else toml_splice.put_value(text, path, value)
            else:
                text = json_splice.take_out(text, path) if value is None else json_splice.put(text, path, value)
        return text

    def take_out(self, text: str, *, section_too: bool) -> str:
        """The file's text without Oxide, and without the section if that is to go as well."""
        if self._is_toml:
            return toml_splice.take_table(text, self.section, SERVER_NAME)
        return json_splice.take_out(text, (self.section,) if section_too else (self.section, SERVER_NAME))

    @property
    def form(self) -> str:
        """What a file must not be for a program to change it, in words."""
        return "It is" if self._is_toml else "It holds comments or is"

    def shown(self, entry: Mapping[str, object]) -> str:
        """An entry as a person would write it into the file."""
        if self._is_toml:
            return toml_splice.put_table("", self.section, SERVER_NAME, entry)
        return json.dumps({self.section: {SERVER_NAME: entry}}, indent=2, ensure_ascii=False)

    @property
    def _is_toml(self) -> bool:
        return self.name == "codex"


def is_ours(entry: object) -> bool:
    """Whether an entry starts Oxide's shim, whoever wrote it; the ancestor's did so by way of `uv`."""
    if not isinstance(entry, dict):
        return False
    args = entry.get("args")
    words = [entry.get("command"), *(args if isinstance(args, list) else [])]
    names = {word.replace("\\", "/").rpartition("/")[2] for word in words if isinstance(word, str)}
    return not names.isdisjoint(_OUR_PROGRAMS)


_STDIO = {"type": "stdio"}
_AFTER = {
    "claude-code": "Start Claude Code again; `/mcp` there shows it. It asks once before it uses a project's server.",
    "claude-desktop": "Quit Claude Desktop and start it again.",
    "cursor": "Start Cursor again; it lists its servers in its settings.",
    "vscode": "Run `MCP: List Servers` in VS Code and start it there.",
    "gemini": "Start Gemini CLI again; `/mcp` there shows it.",
    "codex": "Start Codex again; `/mcp` there shows it. It reads a project's file in trusted projects only.",
}


def clients(home: Path, environment: Mapping[str, str] | None = None) -> dict[str, Client]:
    """Every known client by its name."""
    env = os.environ if environment is None else environment
    claude = Path(env.get("CLAUDE_CONFIG_DIR") or home) / ".claude.json"
    desktop = _claude_desktop_file(home, env)
    cursor, vscode = home / ".cursor/mcp.json", _vscode_folder(home, env) / "mcp.json"
    gemini, codex = home / ".gemini/settings.json", Path(env.get("CODEX_HOME") or home / ".codex") / "config.toml"
    known = (
        _client("claude-code", "Claude Code", "mcpServers", claude, ".mcp.json", _STDIO),
        _client("claude-desktop", "Claude Desktop", "mcpServers", desktop, None, {}),
        _client("cursor", "Cursor", "mcpServers", cursor, ".cursor/mcp.json", _STDIO),
        _client("vscode", "VS Code", "servers", vscode, ".vscode/mcp.json", _STDIO),
        _client("gemini", "Gemini CLI", "mcpServers", gemini, ".gemini/settings.json", {}),
        _client("codex", "Codex", "mcp_servers", codex, ".codex/config.toml", {}),
    )
    return {client.name: client for client in known}


def _client(
    name: str, title: str, section: str, user_file: Path | None, project_file: str | None, extra: Mapping[str, object]
) -> Client:
    return Client(
        name=name,
        title=title,
        section=section,
        user_file=user_file,
        project_file=project_file,
        extra=extra,
        after=_AFTER[name],
    )


def _claude_desktop_file(home: Path, env: Mapping[str, str]) -> Path | None:
    return {
        "darwin": home / "Library/Application Support/Claude/claude_desktop_config.json",
        "win32": _roaming(home, env) / "Claude" / "claude_desktop_config.json",
    }.get(sys.platform)


def _vscode_folder(home: Path, env: Mapping[str, str]) -> Path:
    return {
        "darwin": home / "Library/Application Support/Code/User",
        "win32": _roaming(home, env) / "Code" / "User",
    }.get(sys.platform, Path(env.get("XDG_CONFIG_HOME") or home / ".config") / "Code" / "User")


def _roaming(home: Path, env: Mapping[str, str]) -> Path:
    return Path(env.get("APPDATA") or home / "AppData/Roaming")
