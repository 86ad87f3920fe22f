"""The corpus: prompts of our own by type, language and style. A style is a file, so that it can be held out whole.

`== type` begins a section, `# lang: xx` sets the language, `[xx]` at the beginning of a line does so for one prompt,
`\\n` is a line break, and ` || a.py b.py` at the end names files that go with the prompt (` || *40`: forty of them).
"""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

HERE = Path(__file__).parent
CORPUS, HELD_OUT = HERE / "corpus", HERE / "held_out"

_EXTENSIONS = (".py", ".ts", ".go", ".java", ".js", ".rs", ".cs", ".rb", ".php", ".kt")
_STEMS = (
    "src/api/routes", "src/core/parser", "lib/queue", "app/models/user", "src/db/session", "handlers/upload", "utils",
    "src/web/client", "jobs/worker", "services/report", "config", "main", "tests/test_main", "storage",
)  # fmt: skip
_NEVER_WITH_FILES = ("quick_query", "general")
_OF_THE_WHOLE = (2, 3, 6, 8, 10, 14, 20, 30, 40, 60)
_OF_A_PART = (1, 1, 1, 1, 2, 2, 3, 5)
_ANY = (1, 2, 3, 8, 20, 40)
_FILES = re.compile(r" \|\|((?: (?:\*\d+|[\w@*-]*[./][\w./@*-]*|[A-Z]\w+file))+)$")  # code has ` || ` as well
_SHORT_CHARS, _SHARE_VARIED, _SHARE_WITH_FILES, _SHARE_WITH_ANY_FILES = 160, 0.5, 0.4, 0.12


@dataclass(frozen=True, slots=True)
class Sample:
    """A prompt with what it is."""

    label: str
    lang: str
    style: str
    prompt: str
    files: tuple[tuple[str, int], ...] = ()


def read(path: Path) -> Iterator[Sample]:
    """The samples of one file."""
    label, lang = "", "en"
    for line in path.read_text(encoding="utf-8").splitlines():
        if found := re.match(r"# lang: (\w\w)$", line):
            lang = found[1]
        elif line.startswith("== "):
            label = line.removeprefix("== ").strip()
        elif line and label:
            found = re.match(r"\[([a-z]{2})\] ", line)
            prompt, files = line[found.end() if found else 0 :], ""
            if listed := _FILES.search(prompt):
                prompt, files = prompt[: listed.start()], listed[1]
            language = found[1] if found else lang
            yield Sample(label, language, path.stem, prompt.replace("\\n", "\n"), file_list(files))


def file_list(written: str) -> tuple[tuple[str, int], ...]:
    """Files as a line of the corpus names them."""
    return tuple((name, 4_000) for item in written.split() for name in _names(item))


def _names(item: str) -> list[str]:
    folder, star, count = item.rpartition("*")
    many = bool(star) and count.isdigit()
    return [f"{folder or 'src/'}part_{number}.py" for number in range(int(count))] if many else [item]


def load(folder: Path = CORPUS) -> list[Sample]:
    """All samples, always in the same order."""
    return [sample for path in sorted(folder.glob("*.txt")) for sample in read(path)]


def pasted() -> dict[str, list[str]]:
    """What people put before and after a request, by kind."""
    found: dict[str, list[str]] = {}
    kind = ""
    for line in (HERE / "pasted.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("== "):
            kind = line.removeprefix("== ")
        elif line and kind:
            found.setdefault(kind, []).append(line.replace("\\n", "\n"))
    return found


_AFTER = {
    "bug_search": ("trace", "trace", "code"),
    "code_review": ("diff", "diff", "code", "slot"),
    "refactoring": ("code", "slot"),
    "documentation": ("code", "code", "diff", "slot"),
    "coding": ("code",),
}
_BEFORE = {
    "general": ("person", "tool"),
    "quick_query": ("tool",),
    "codebase_analysis": ("tool", "role"),
}


def varied(samples: Sequence[Sample], seed: int = 2) -> list[Sample]:
    """Half of the short ones a second time, dressed as people dress them: a role, a tool, a file, something pasted."""
    chance, pieces = random.Random(seed), pasted()
    found = list(samples)
    for sample in samples:
        if len(sample.prompt) > _SHORT_CHARS or chance.random() > _SHARE_VARIED:
            continue
        prompt = sample.prompt
        if "\n" not in prompt and sample.label in _AFTER and chance.random() < 0.6:
            prompt = f"{prompt}\n{chance.choice(pieces[chance.choice(_AFTER[sample.label])])}"
        else:
            before = chance.choice(_BEFORE.get(sample.label, ("role", "tool", "file")))
            prompt = f"{chance.choice(pieces[before])} {prompt}"
        found.append(replace(sample, prompt=prompt))
    return found


def with_and_without_files(samples: Sequence[Sample], seed: int = 1) -> list[Sample]:
    """Two of five that have no list of files a second time with one, such as a task of that kind would have."""
    chance = random.Random(seed)
    found = []
    for sample in samples:
        found.append(sample)
        if sample.files or sample.label in _NEVER_WITH_FILES or chance.random() > _SHARE_WITH_FILES:
            continue
        likely = _OF_THE_WHOLE if sample.label == "codebase_analysis" else _OF_A_PART
        count = chance.choice(_ANY if chance.random() < _SHARE_WITH_ANY_FILES else likely)
        extension = chance.choice(_EXTENSIONS)
        files = (
            (f"{chance.choice(_STEMS)}_{number}{extension}", chance.randrange(600, 30_000)) for number in range(count)
        )
        found.append(replace(sample, files=tuple(files)))
    return found


def digest() -> str:
    """What the weights were learned from, as one number: every prompt, and what words mean."""
    ideas = HERE.parent / "oxide_desktop" / "core" / "ideas.txt"
    found = hashlib.sha256()
    for path in (*sorted(CORPUS.glob("*.txt")), HERE / "pasted.txt", ideas):
        found.update(path.name.encode() + b"\0" + path.read_text(encoding="utf-8").encode() + b"\0")
    return found.hexdigest()
