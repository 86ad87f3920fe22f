"""The rules of the house that no linter knows: sizes, pins, addresses."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MODULE_LINES = 350
FUNCTION_LINES = 40
HOUSE = sorted([*ROOT.glob("oxide_desktop/**/*.py"), *ROOT.glob("installers/**/*.py")])


def long_modules(files: list[Path]) -> list[str]:
    sizes = ((path, len(path.read_text(encoding="utf-8").splitlines())) for path in files)
    return [f"{path.name} has {size} lines" for path, size in sizes if size > MODULE_LINES]


def long_functions(files: list[Path]) -> list[str]:
    found = []
    for path in files:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                size = (node.end_lineno or node.lineno) - node.lineno + 1
                if size > FUNCTION_LINES:
                    found.append(f"{path.name}:{node.lineno} {node.name} has {size} lines")
    return found


def pins(name: str) -> dict[str, str]:
    text = (ROOT / "requirements" / name).read_text(encoding="utf-8")
    return {
        f"{package} {marker}": version
        for package, version, marker in re.findall(r"^([a-z0-9-]+)==(\S+) ?(;.*)?\\$", text, re.MULTILINE)
        if "'never'" not in marker
    }


def test_no_module_is_too_long_to_read_in_one_go():
    assert long_modules(HOUSE) == []


def test_no_function_outgrows_a_screen():
    assert long_functions(HOUSE) == []


def test_the_size_rules_see_what_is_too_long(tmp_path):
    module = tmp_path / "grown.py"
    module.write_text("async def grown():\n" + "    pass\n" * MODULE_LINES, encoding="utf-8")
    assert long_modules([module]) == ["grown.py has 351 lines"]
    assert long_functions([module]) == ["grown.py:1 grown has 351 lines"]


def test_the_modules_that_are_measured_are_the_packages_own():
    assert {path.name for path in HOUSE} >= {"model.py", "record.py", "prepare.py"}


def test_tests_run_on_the_packages_that_people_run():
    app, dev = pins("app.txt"), pins("dev.txt")
    assert len(app) > 40
    assert {package: dev.get(package) for package in app} == app


def test_a_server_runs_on_the_same_packages_without_the_desktop():
    app, server = pins("app.txt"), pins("server.txt")
    assert len(server) > 30
    assert {package: app.get(package) for package in server} == server
    assert not any("pyside6" in package or "qasync" in package for package in server)


def test_requirements_name_no_registry():
    for path in (ROOT / "requirements").glob("*.txt"):
        text = path.read_text(encoding="utf-8")
        assert "://" not in text, path.name
        assert "--hash=sha256:" in text, path.name


def test_workflows_use_actions_by_their_commits():
    uses = [
        line.strip().removeprefix("- ")
        for path in (ROOT / ".github" / "workflows").glob("*.yml")
        for line in path.read_text(encoding="utf-8").splitlines()
        if re.match(r"\s*(- )?uses:", line)
    ]
    assert len(uses) > 5
    assert [line for line in uses if not re.fullmatch(r"uses: (\./\S+|\S+@[0-9a-f]{40} # v[\d.]+)", line)] == []


def test_the_architecture_page_names_every_module():
    page = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    modules = [path for path in HOUSE if path.name != "__init__.py" and "oxide_desktop" in path.parts]
    assert [str(path.relative_to(ROOT)) for path in modules if f"- `{path.stem}`: " not in page] == []
