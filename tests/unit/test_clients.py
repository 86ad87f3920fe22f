"""Connecting MCP clients: other people's files are merged into, kept, and given back as they were."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from oxide_desktop.config.clients import Client, Scope, clients, is_ours
from oxide_desktop.config.connecting import BACKUP_ENDING, found_in, install, uninstall
from oxide_desktop.core.errors import OxideError, UsageError

NAMES = ("claude-code", "cursor", "vscode", "gemini", "codex")
COMMAND = "/opt/oxide/bin/oxide-mcp"


class Person:
    """Somebody with a home, a project, and Oxide."""

    def __init__(self, folder: Path) -> None:
        self.home, self.project, self.lock = folder / "home", folder / "project", folder / "lock"
        self.home.mkdir()
        self.project.mkdir()

    def client(self, name: str) -> Client:
        return clients(self.home, {})[name]

    def file(self, name: str, scope: Scope = Scope.USER) -> Path:
        return self.client(name).file(scope, self.project)

    def write(self, name: str, text: str) -> Path:
        file = self.file(name)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode())
        return file

    def install(self, name: str, command: str = COMMAND, scope: Scope = Scope.USER, **options: bool):
        client = self.client(name)
        return install(client, scope, self.project, client.entry(command, {}), self.lock, **options)

    def uninstall(self, name: str, scope: Scope = Scope.USER, **options: bool):
        return uninstall(self.client(name), scope, self.project, self.lock, **options)

    def entry(self, name: str) -> dict | None:
        return found_in(self.client(name), self.file(name))


@pytest.fixture
def person(tmp_path: Path) -> Person:
    return Person(tmp_path)


BEFORE = {
    "claude-code": '{\n  "numStartups": 5,\n  "projects": {"/x": {"mcpServers": {}}}\n}\n',
    "cursor": '{"mcpServers": {"other": {"command": "npx", "args": ["a"]}}}',
    "vscode": '{\r\n\t"inputs": [],\r\n\t"servers": {}\r\n}\r\n',
    "gemini": '{\n    "general": {"vimMode": true},\n    "mcpServers": {\n        "a": {"command": "b"}\n    }\n}',
    "codex": '# my model\nmodel = "gpt"\n\n[mcp_servers.other]\ncommand = "x"\n',
}


@pytest.mark.parametrize("scope", list(Scope))
@pytest.mark.parametrize("name", NAMES)
def test_a_client_without_a_file_gets_one_and_has_none_afterwards(person: Person, name: str, scope: Scope) -> None:
    change = person.install(name, scope=scope)
    file = person.file(name, scope)
    assert change.file == file
    assert change.backup is None
    entry = found_in(person.client(name), file)
    assert (entry["command"], entry["args"]) == (COMMAND, [])
    assert person.install(name, scope=scope).is_none
    assert not person.uninstall(name, scope=scope).is_none
    assert person.uninstall(name, scope=scope).is_none
    assert list(person.home.rglob("*.json")) + list(person.project.rglob("*.*")) == []


@pytest.mark.parametrize("name", NAMES)
def test_what_stands_there_stays_and_comes_back_byte_by_byte(person: Person, name: str) -> None:
    file = person.write(name, BEFORE[name])
    file.chmod(0o640)
    change = person.install(name)
    load = tomllib.loads if name == "codex" else json.loads
    section = person.client(name).section
    before, after = load(BEFORE[name]), load(file.read_text())
    del after[section]["oxide"]
    assert after == {section: {}, **before}
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert change.backup == file.with_name(file.name + BACKUP_ENDING)
    assert change.backup.read_bytes() == BEFORE[name].encode()
    person.uninstall(name)
    assert file.read_bytes() == BEFORE[name].encode()
    assert not change.backup.exists()


def test_the_ends_of_a_codex_file_s_lines_stay_as_they_are(person: Person) -> None:
    before = BEFORE["codex"].replace("\n", "\r\n").encode()
    file = person.file("codex", Scope.USER)
    person.write("codex", "")
    for content in (before, before.removesuffix(b"\r\n")):
        file.write_bytes(content)
        person.install("codex")
        written = file.read_bytes()
        assert written.startswith(content)
        assert b"\n" not in written.replace(b"\r\n", b"")
        person.uninstall("codex")
        assert file.read_bytes().rstrip() == content.rstrip()


@pytest.mark.parametrize("name", NAMES)
def test_what_was_added_since_survives_the_uninstall(person: Person, name: str) -> None:
    file = person.write(name, BEFORE[name])
    person.install(name)
    since = "\n[profiles.new]\nx = 1\n" if name == "codex" else None
    text = file.read_text()
    file.write_text(text + since if since else text.rstrip()[:-1] + ', "since": 1}')
    person.uninstall(name)
    assert ("profiles.new" if since else '"since": 1') in file.read_text()
    assert person.entry(name) is None


def test_a_moved_oxide_is_updated_and_the_first_backup_kept(person: Person) -> None:
    file = person.write("claude-code", BEFORE["claude-code"])
    backup = person.install("claude-code", "/old/oxide-mcp").backup
    assert person.install("claude-code").backup is None
    assert person.entry("claude-code")["command"] == COMMAND
    assert backup.read_text() == BEFORE["claude-code"]
    person.uninstall("claude-code")
    assert file.read_text() == BEFORE["claude-code"]


@pytest.mark.parametrize("name", NAMES)
def test_folders_that_were_there_stay_and_those_that_were_made_go(person: Person, name: str) -> None:
    folder = person.file(name, Scope.PROJECT).parent
    for was_there in (False, True):
        if was_there:
            folder.mkdir(exist_ok=True)
        made = () if was_there or folder == person.project else (folder,)
        assert person.install(name, scope=Scope.PROJECT, dry_run=True).folders == made
        person.install(name, scope=Scope.PROJECT)
        assert person.uninstall(name, scope=Scope.PROJECT, dry_run=True).folders == made
        person.uninstall(name, scope=Scope.PROJECT)
        assert folder.is_dir() == (was_there or folder == person.project)
        assert person.project.is_dir()


def test_a_made_folder_stays_when_somebody_uses_it(person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = person.file("gemini", Scope.PROJECT).parent
    person.install("gemini", scope=Scope.PROJECT)
    (folder / "mine").write_text("")
    person.uninstall("gemini", scope=Scope.PROJECT)
    assert [file.name for file in folder.iterdir()] == ["mine"]
    person.install("cursor")
    monkeypatch.chdir(person.file("cursor").parent)
    person.uninstall("cursor")
    assert list(person.file("cursor").parent.iterdir()) == []


def test_without_a_note_of_what_was_made_only_the_entry_goes(person: Person) -> None:
    person.install("cursor")
    person.lock.with_suffix(".json").write_text("[]")
    person.uninstall("cursor")
    assert json.loads(person.file("cursor").read_text()) == {"mcpServers": {}}


def test_a_file_that_a_person_wrote_stays_though_nothing_else_is_in_it(person: Person) -> None:
    file = person.write("claude-code", '{"mcpServers": {"oxide": {"command": "/old/oxide-mcp"}}}')
    person.install("claude-code")
    person.uninstall("claude-code")
    assert file.read_text() == '{"mcpServers": {}}'
    codex = person.write("codex", '[mcp_servers.oxide]\ncommand = "/old/oxide-mcp"\n')
    person.uninstall("codex")
    assert codex.read_text() == ""


@pytest.mark.parametrize("name", NAMES)
def test_what_a_person_added_to_the_entry_stays_when_oxide_moves(person: Person, name: str) -> None:
    client, file = person.client(name), person.write(name, BEFORE[name])
    old = client.entry("/old/oxide-mcp", {"OXIDE_HOME": "/old", "OXIDE_AUTO_START_WEB": "true"}) | {"timeout": 9}
    file.write_text(client.put(file.read_text(), old))
    install(client, Scope.USER, person.project, client.entry(COMMAND, {"OXIDE_HOME": "/new"}), person.lock)
    env = {"OXIDE_HOME": "/new", "OXIDE_AUTO_START_WEB": "true"}
    assert person.entry(name) == {**old, "command": COMMAND, "env": env}
    person.install(name)
    assert person.entry(name)["env"] == {"OXIDE_AUTO_START_WEB": "true"}
    assert person.install(name).is_none


def test_whatever_stands_in_a_codex_entry_stays_when_oxide_moves(person: Person) -> None:
    own = 'since = 2026-01-02T03:04:05Z\nat = 07:00:00\n"a.b" = [{ c = 2026-01-02 }, [1.5]]\n'
    own += "[mcp_servers.oxide.tools.x]\ny = true\n"
    person.write("codex", f'[mcp_servers.oxide]\ncommand = "/old/oxide-mcp"\n{own}')
    before = person.entry("codex")
    person.install("codex")
    assert person.entry("codex") == {**before, "command": COMMAND}


EDITED = {
    "claude-code": """{"mcpServers": {
      "oxide": {"timeout": 9,  "command": "/old/oxide-mcp", "args": [],
                "env": {"FOO": "1", "OXIDE_HOME": "/old"}, "alwaysAllow": [ "x" ]},
      "other": {}}}""",
    "codex": """[mcp_servers.oxide]  # mine
# why so
command = '/old/oxide-mcp' # the program
enabled   = true
args = [
  "--old",  # no more
]
[mcp_servers.oxide.env]
FOO = "1"
"OXIDE_HOME" = '/old' # there
[mcp_servers.oxide.tools.x] # last
y = true
[other]
""",
}
MENDED = {
    "claude-code": EDITED["claude-code"].replace('"/old/oxide-mcp"', f'"{COMMAND}"').replace('"/old"', '"/new"'),
    "codex": EDITED["codex"]
    .replace("'/old/oxide-mcp'", f'"{COMMAND}"')
    .replace('[\n  "--old",  # no more\n]', "[]")
    .replace("'/old'", '"/new"'),
}


@pytest.mark.parametrize("name", list(EDITED))
def test_an_entry_that_a_person_edited_is_changed_where_it_leads_alone_and_kept_whole(
    person: Person, name: str
) -> None:
    client, file = person.client(name), person.write(name, EDITED[name])
    entry = client.entry(COMMAND, {"OXIDE_HOME": "/new"})
    change = install(client, Scope.USER, person.project, entry, person.lock)
    assert file.read_text() == MENDED[name]
    assert change.backup.read_text() == EDITED[name]
    assert install(client, Scope.USER, person.project, entry, person.lock).is_none
    person.uninstall(name)
    assert person.entry(name) is None
    assert change.backup.read_text() == EDITED[name]
    install(client, Scope.USER, person.project, entry, person.lock)
    assert change.backup.read_text() == EDITED[name]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('env = {A = "1"} # mine\n', 'env = { A = "1", OXIDE_HOME = "/new" } # mine\n'),
        ('env.OXIDE_HOME = "/old"\nenv.A = "1"\n', 'env.OXIDE_HOME = "/new"\nenv.A = "1"\n'),
        ('[mcp_servers.oxide.env]\nA = "1"', '[mcp_servers.oxide.env]\nOXIDE_HOME = "/new"\nA = "1"'),
        ("[mcp_servers.oxide.env]", '[mcp_servers.oxide.env]\nOXIDE_HOME = "/new"\n'),
    ],
)
def test_in_codex_the_home_is_put_where_the_variables_are(person: Person, before: str, after: str) -> None:
    head = f'[mcp_servers.oxide]\ncommand = "{COMMAND}"\n'
    client, file = person.client("codex"), person.write("codex", head + before)
    install(client, Scope.USER, person.project, client.entry(COMMAND, {"OXIDE_HOME": "/new"}), person.lock)
    assert file.read_text() == head + after
    person.install("codex")
    assert "OXIDE_HOME" not in file.read_text()
    assert person.entry("codex").get("env", {}) == ({"A": "1"} if "A" in before else {})


def test_in_codex_a_home_without_variables_beside_it_gets_a_line_of_its_own(person: Person) -> None:
    client, file = person.client("codex"), person.write("codex", f'[mcp_servers.oxide]\r\ncommand = "{COMMAND}"\r\n')
    install(client, Scope.USER, person.project, client.entry(COMMAND, {"OXIDE_HOME": "/new"}), person.lock)
    line = 'env = { OXIDE_HOME = "/new" }\r\n'
    assert file.read_bytes().decode() == f'[mcp_servers.oxide]\r\n{line}command = "{COMMAND}"\r\n'


@pytest.mark.parametrize(
    "servers", ["mcp_servers = {}", 'mcp_servers = { a = { command = "b" } } # mine', "mcp_servers = {   }\n[x]"]
)
def test_codex_servers_within_braces_are_added_to_and_taken_from_there(person: Person, servers: str) -> None:
    file = person.write("codex", f"# first\n{servers}\n")
    person.install("codex")
    assert person.entry("codex") == {"command": COMMAND, "args": []}
    person.install("codex", "/moved/oxide-mcp")
    assert person.entry("codex")["command"] == "/moved/oxide-mcp"
    file.write_text(file.read_text() + "y = 1\n")
    person.uninstall("codex")
    assert file.read_text().splitlines() == [*f"# first\n{servers.replace('{   }', '{}')}".splitlines(), "y = 1"]


def test_a_codex_entry_that_only_a_person_can_change_stays_and_the_reason_is_true(person: Person) -> None:
    text = 'mcp_servers.oxide.args = ["oxide-mcp"]\n'
    file = person.write("codex", text)
    with pytest.raises(UsageError, match="is left as it is") as refused:
        person.install("codex")
    assert refused.value.message.startswith("It is not in the documented form (it is there in a form that only a")
    assert COMMAND in refused.value.hint
    assert file.read_text() == text


def test_what_a_person_added_since_is_kept_when_the_entry_goes(person: Person) -> None:
    person.install("cursor")
    file = person.file("cursor")
    tree = json.loads(file.read_text())
    tree["mcpServers"]["oxide"]["env"] = {"FOO": "1"}
    file.write_text(json.dumps(tree))
    change = person.uninstall("cursor")
    assert not file.exists()
    assert json.loads(change.backup.read_text()) == tree


def test_a_file_that_a_person_made_read_only_stays_as_it_is(person: Person) -> None:
    file = person.write("cursor", "{}")
    file.chmod(0o444)
    with pytest.raises(OxideError, match="It is read-only"):
        person.install("cursor")
    assert [path.name for path in file.parent.iterdir()] == ["mcp.json"]
    assert file.read_text() == "{}"


def test_a_person_s_own_file_of_the_backup_s_name_stays(person: Person) -> None:
    file = person.write("cursor", BEFORE["cursor"])
    own = file.with_name(file.name + BACKUP_ENDING)
    own.write_text("mine")
    change = person.install("cursor")
    assert change.backup == file.with_name(f"{own.name}.2")
    person.uninstall("cursor")
    assert (own.read_text(), change.backup.exists()) == ("mine", False)
    assert file.read_text() == BEFORE["cursor"]


def test_an_install_that_fails_leaves_nothing_behind(person: Person) -> None:
    file = person.write("cursor", "{}")
    person.lock.with_suffix(".json").mkdir()  # where it would note what it makes
    with pytest.raises(OxideError, match="was not changed"):
        person.install("cursor")
    with pytest.raises(OxideError, match="was not changed"):
        person.install("gemini")
    assert [path.name for path in person.home.rglob("*")] == [".cursor", "mcp.json"]
    assert file.read_text() == "{}"


@pytest.mark.parametrize("name", ["cursor", "codex"])
def test_a_file_without_end_or_bottom_is_left_as_it_is(person: Person, name: str) -> None:
    file = person.write(name, "a = " + "[" * 100_000 if name == "codex" else '{"a":' * 100_000)
    with pytest.raises(UsageError, match="is left as it is"):
        person.install(name)
    with pytest.raises(UsageError, match="is left as it is"):
        person.entry(name)
    file.unlink()
    os.mkfifo(file)
    with pytest.raises(UsageError, match="is left as it is"):
        person.install(name)


def test_a_dry_run_tells_and_changes_nothing(person: Person) -> None:
    file = person.write("cursor", BEFORE["cursor"])
    change = person.install("cursor", dry_run=True)
    assert COMMAND in change.after
    assert file.read_text() == BEFORE["cursor"]
    assert not file.with_name(file.name + BACKUP_ENDING).exists()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("vscode", '{\n  // mine\n  "servers": {}\n}'),
        ("gemini", '{"mcpServers": {},}'),
        ("claude-code", '{"mcpServers": []}'),
        ("cursor", '["mcpServers"]'),
        ("codex", "[mcp_servers\n"),
        ("codex", 'mcp_servers = "none"'),
        ("cursor", "\x00\x01"),
    ],
)
def test_a_file_in_another_form_is_left_alone_and_the_entry_shown(person: Person, name: str, text: str) -> None:
    file = person.write(name, text)
    with pytest.raises(UsageError, match="is left as it is") as refused:
        person.install(name)
    assert COMMAND in refused.value.hint
    assert file.read_text() == text
    with pytest.raises(UsageError, match="is left as it is"):
        person.uninstall(name)


def test_codex_tables_that_cannot_be_taken_out_are_left_alone(person: Person) -> None:
    text = 'mcp_servers.oxide.command = "/x/oxide-mcp"\n'
    file = person.write("codex", text)
    with pytest.raises(UsageError, match="only a person can change"):
        person.uninstall("codex")
    assert file.read_text() == text


def test_a_codex_table_goes_with_its_own_tables_only(person: Person) -> None:
    ours = '[mcp_servers."oxide"]\ncommand = "oxide-mcp"\n[mcp_servers.oxide.env]\nA = "1"\n'
    file = person.write("codex", f"a = 1\n{ours}[mcp_servers.oxide2]\ncommand = 'x'\n")
    person.uninstall("codex")
    assert file.read_text() == "a = 1\n[mcp_servers.oxide2]\ncommand = 'x'\n"


@pytest.mark.parametrize(
    "text",
    [
        'notes = """\n[mcp_servers.oxide]\ncommand = \'x\'\n""""\n',
        "notes = '''\n[mcp_servers.oxide]\n\\'''\n\n[other]\na = 'it\"s'\n",
        'a = [\n  [1, 2],  # not ] the end\n  ["[mcp_servers.oxide]"],\n]\n[b."[x"]\nc = {d = "\\"["}\n',
        'x = "\\\\"\n# """ no string\n[[list]]\ny = """\\"""\n[mcp_servers.oxide]\n"""\n',
    ],
)
def test_in_codex_what_looks_like_a_table_within_a_value_is_none(person: Person, text: str) -> None:
    file = person.write("codex", text)
    assert tomllib.loads(text)
    person.install("codex")
    person.install("codex", "/moved/oxide-mcp")
    assert person.entry("codex")["command"] == "/moved/oxide-mcp"
    since = "\n# And this:\n[since]\nz = 1\n"
    file.write_text(file.read_text() + since)
    person.uninstall("codex")
    assert file.read_text() == text + since


def test_another_server_of_that_name_is_neither_replaced_nor_removed(person: Person) -> None:
    text = '{"mcpServers": {"oxide": {"command": "rust-thing"}}}'
    file = person.write("claude-code", text)
    with pytest.raises(UsageError, match="another server named oxide"):
        person.install("claude-code")
    assert person.uninstall("claude-code").is_none
    assert file.read_text() == text


@pytest.mark.parametrize(
    ("entry", "ours"),
    [
        ({"command": "uv", "args": ["--directory", "/x", "run", "oxide-mcp"]}, True),
        ({"command": r"C:\Oxide\oxide-mcp.exe"}, True),
        ({"command": "python", "args": ["-m", "oxide_desktop.fronts.mcp.shim"]}, True),
        ({"command": "npx", "args": "oxide-mcp"}, False),
        ({"url": "http://x/oxide-mcp"}, False),
        ("oxide-mcp", False),
        (None, False),
    ],
)
def test_an_entry_is_ours_by_what_it_starts(entry: object, ours: bool) -> None:
    assert is_ours(entry) is ours


def test_a_byte_order_mark_stays(person: Person) -> None:
    file = person.write("cursor", "\ufeff" + BEFORE["cursor"])
    person.install("cursor")
    assert file.read_text().startswith("\ufeff{")
    person.uninstall("cursor")
    assert file.read_text() == "\ufeff" + BEFORE["cursor"]


def test_a_link_is_followed_and_stays_one(person: Person, tmp_path: Path) -> None:
    real = tmp_path / "dotfiles.json"
    real.write_text("{}\n")
    person.file("claude-code").symlink_to(real)
    person.install("claude-code")
    assert person.file("claude-code").is_symlink()
    assert COMMAND in real.read_text()


def test_a_link_that_leads_nowhere_does_so_again(person: Person, tmp_path: Path) -> None:
    person.file("claude-code").symlink_to(tmp_path / "dotfiles.json")
    person.install("claude-code")
    person.uninstall("claude-code")
    assert person.file("claude-code").is_symlink()
    assert not (tmp_path / "dotfiles.json").exists()


def test_what_has_no_place_here_is_said(person: Person) -> None:
    if sys.platform.startswith("linux"):
        with pytest.raises(UsageError, match="Claude Desktop cannot be connected on this system"):
            person.install("claude-desktop")
    with pytest.raises(UsageError, match="for one project alone"):
        person.install("claude-desktop", scope=Scope.PROJECT)


def test_a_file_that_cannot_be_written_or_read_is_named(person: Person) -> None:
    file = person.file("cursor")
    file.parent.write_text("a file where a folder should be")
    with pytest.raises(OxideError, match=rf"{file} (was not changed|cannot be read)"):
        person.install("cursor")
    (person.home / ".gemini" / "settings.json").mkdir(parents=True)
    with pytest.raises(UsageError, match="cannot be read"):
        person.install("gemini")


def test_several_at_once_lose_nothing(person: Person) -> None:
    person.write("claude-code", "{}")
    code = (
        "import sys; from pathlib import Path; from oxide_desktop.config import clients as c, connecting as n\n"
        "home, project, lock, number = map(Path, sys.argv[1:])\n"
        "client = c.clients(home, {})['claude-code']\n"
        "for each in range(8): n.install(client, c.Scope.USER, project, "
        "client.entry(f'/{number}/{each}/oxide-mcp', {}), lock)\n"
    )
    arguments = [str(person.home), str(person.project), str(person.lock)]
    running = [subprocess.Popen([sys.executable, "-c", code, *arguments, str(number)]) for number in range(3)]
    assert [process.wait(60) for process in running] == [0, 0, 0]
    assert person.entry("claude-code")["command"].endswith("/7/oxide-mcp")
    assert [file.name for file in person.home.iterdir() if file.suffix not in {".json", BACKUP_ENDING}] == []
