"""What a project's file decides about tasks: where they go, and what of them stays on the machine."""

from pathlib import Path

import pytest

from oxide_desktop.config.projects import ProjectFiles
from oxide_desktop.core.errors import UsageError
from oxide_desktop.core.model import Analysis, Explanation, Locality, Preferences, Route, TaskType
from oxide_desktop.core.project import PROJECT_LABEL, ProjectSettings
from oxide_desktop.core.telling import route_sentence
from tests.unit.test_orchestrator import House, request, stub

HOME, CLOUD, OTHER = "home", "cloud", "other"


def project(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ".oxide.yaml").write_text(text, encoding="utf-8")
    return folder


def house(*names: str) -> House:
    """Services in that order of the settings; `home` is the local one."""
    places = {name: Locality.LOCAL if name == HOME else Locality.CLOUD for name in names}
    adapters = [stub(["ok"], ["ok"], name=name, locality=place) for name, place in places.items()]
    return House(*adapters, projects=ProjectFiles(names))


async def explain(where: House, cwd: Path, **values: object) -> Explanation:
    wishes = Preferences(**{"task_type": TaskType.CODE_REVIEW, **values})
    return await where.orchestrator.explain(request(cwd=cwd, preferences=wishes))


async def test_a_project_s_rule_decides_and_the_explanation_says_whose_it_is(tmp_path: Path):
    project(tmp_path, "rules: {code_review: other}")
    (tmp_path / "src").mkdir()
    async with house(CLOUD, OTHER) as open_house:
        found = await explain(open_house, tmp_path / "src")

        assert [item.service for item in found.route.candidates] == [OTHER, CLOUD]
        assert (found.route.rule, found.route.rule_from) == ("code_review → other", PROJECT_LABEL)
        sentence = route_sentence("code_review", found.route)
        assert 'because: rule "code_review → other" (project .oxide.yaml)' in sentence
        assert found.route.candidates[0].reasons[0] == "rule of the project .oxide.yaml"
        assert Route.from_dict(found.route.to_dict()) == found.route


async def test_a_type_without_a_rule_in_the_project_goes_where_it_always_goes(tmp_path: Path):
    project(tmp_path, "rules: {coding: other}")
    async with house(CLOUD, OTHER) as open_house:
        found = await explain(open_house, tmp_path)

    assert (found.route.candidates[0].service, found.route.rule_from) == (CLOUD, None)
    assert "rule_from" not in found.route.to_dict()


async def test_the_nearest_project_s_rule_stands_above_the_person_s_own(tmp_path: Path):
    project(tmp_path, "rules: {code_review: cloud}")
    project(tmp_path / "inner", "rules: {code_review: home}")
    async with house(CLOUD, OTHER, HOME) as open_house:
        open_house.rules.set(TaskType.CODE_REVIEW, OTHER)
        found = await explain(open_house, tmp_path / "inner")

    assert found.route.candidates[0].service == HOME


async def test_a_project_cannot_send_to_the_cloud_what_stays_on_the_machine_without_it(tmp_path: Path):
    project(tmp_path, "rules: {code_review: cloud}")
    async with house(HOME, CLOUD) as open_house:
        found = await explain(open_house, tmp_path)

        assert found.route.candidates[0].service == HOME
        assert found.route.rule is None
        assert any("was not followed" in note for note in found.notes)
        record = await open_house.ask(cwd=tmp_path, preferences=Preferences(task_type=TaskType.CODE_REVIEW))
    assert (record.service, open_house.adapters[CLOUD].calls) == (HOME, [])
    assert any("was not followed" in note for note in record.notes)


async def test_a_rule_whose_service_cannot_take_the_task_changes_nothing(tmp_path: Path):
    project(tmp_path, "rules: {code_review: home}")
    async with House(stub(["ok"], name=CLOUD, locality=Locality.CLOUD), projects=ProjectFiles((HOME, CLOUD))) as one:
        found = await explain(one, tmp_path)

    assert [item.service for item in found.route.candidates] == [CLOUD]
    assert found.route.rule is None


async def test_who_names_a_service_gets_it_whatever_the_project_says(tmp_path: Path):
    project(tmp_path, "rules: {code_review: other}")
    async with house(CLOUD, OTHER) as open_house:
        found = await explain(open_house, tmp_path, preferred_service=CLOUD)

    assert [item.service for item in found.route.candidates] == [CLOUD]


async def test_a_bad_file_stops_the_task_and_names_the_place(tmp_path: Path):
    project(tmp_path, "rules: {code_review: nowhere}")
    async with house(CLOUD) as open_house:
        with pytest.raises(UsageError, match=r"\.oxide\.yaml:1: rules\.code_review"):
            await explain(open_house, tmp_path)


async def test_a_file_is_held_by_the_project_it_is_in_wherever_it_is_asked_from(tmp_path: Path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    inner = project(tmp_path / "project" / "inner", "local_only: ['*.sql']")
    project(tmp_path / "project", "local_only: ['clients/', '/top.txt']")
    (inner / "clients").mkdir()
    for name in ("clients/a.txt", "top.txt", "dump.sql", "free.txt"):
        (inner / name).write_text(f"text of {name}", encoding="utf-8")
    (tmp_path / "project" / "top.txt").write_text("text of the top", encoding="utf-8")
    (elsewhere / "link.txt").symlink_to(inner / "dump.sql")
    async with house(CLOUD) as open_house:
        record = await open_house.ask(
            cwd=elsewhere,
            files=(str(inner), str(tmp_path / "project" / "top.txt"), "link.txt"),
        )

    (call,) = open_house.adapters[CLOUD].calls
    assert "text of free.txt" in call.prompt
    assert "text of top.txt" in call.prompt  # `/top.txt` means the top of the project
    assert not any(text in call.prompt for text in ("clients/a.txt\n", "text of the top", "text of dump.sql"))
    told = " ".join(record.notes)
    assert all(f"local only: matches {glob} ({PROJECT_LABEL})" in told for glob in ("clients/", "/top.txt", "*.sql"))


async def test_the_parts_of_an_analysis_hold_what_the_project_holds(tmp_path: Path):
    place = project(tmp_path / "project", "local_only: ['clients/']")
    (place / "clients").mkdir()
    (place / "clients" / "a.txt").write_text("text of a client\n" * 50, encoding="utf-8")
    (place / "free.txt").write_text("text that is free\n" * 50, encoding="utf-8")
    async with house(CLOUD, OTHER) as open_house:
        record = await open_house.ask(cwd=tmp_path, files=("project",), analysis=Analysis())

    prompts = [call.prompt for name in (CLOUD, OTHER) for call in open_house.adapters[name].calls]
    assert any("text that is free" in prompt for prompt in prompts)
    assert not any("text of a client" in prompt for prompt in prompts)
    assert {item.path.rsplit("/", 1)[-1]: item.reason for item in record.receipt if item.reason} == {
        "a.txt": f"local only: matches clients/ ({PROJECT_LABEL})"
    }


async def test_a_linked_folder_is_held_by_the_projects_on_both_sides(tmp_path: Path):
    real = project(tmp_path / "real", "")
    (real / "a.txt").write_text("text of a", encoding="utf-8")
    (project(tmp_path / "outer", "local_only: [inside/]") / "inside").symlink_to(real)
    async with house(CLOUD, HOME) as open_house:
        record = await open_house.ask(cwd=tmp_path / "outer", files=("inside/a.txt",))

    assert record.service == HOME
    assert open_house.adapters[CLOUD].calls == []


async def test_a_broken_project_around_a_file_stops_the_task_rather_than_letting_the_file_out(tmp_path: Path):
    broken = project(tmp_path / "broken", "local_only: oops")
    (broken / "a.txt").write_text("text", encoding="utf-8")
    async with house(HOME) as open_house:
        record = await open_house.ask(cwd=tmp_path, files=("broken/a.txt",))

    assert "broken/.oxide.yaml:1: local_only" in (record.error or "").replace("\\", "/")
    assert open_house.adapters[HOME].calls == []


def test_globs_mean_the_tree_and_not_what_stands_above_it():
    found = ProjectSettings(file=Path("/secrets/project/.oxide.yaml"), local_only=("secrets/",))
    assert found.hold_reason(Path("/secrets/project/a.txt")) is None
    assert found.hold_reason(Path("/secrets/project/b/secrets/a.txt")) == (
        "local only: matches secrets/ (project .oxide.yaml)"
    )
