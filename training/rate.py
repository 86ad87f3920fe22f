"""Learn how much each thing adds to the complexity of a task, from prompts that were rated by hand.

    python training/rate.py

prints the tables that `core/complexity.py` carries, and how well they foretell ratings they were not learned from.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import numpy as np

from oxide_desktop.core.complexity import seen
from oxide_desktop.core.features import look_at
from oxide_desktop.core.model import TaskType
from training.corpus import HERE, Sample, file_list

TYPES = list(TaskType)
ARGUED = ("easy words",)  # people call hard things simple, too: what it takes off is set by hand
_LINE = re.compile(r"(\d) (\w+) \[([a-z]{2})\] (.*)")
_RIDGE, _FOLDS, _MOST = 3.0, 10, 10
Rated = list[tuple[Sample, float]]


def load() -> Rated:
    """Rated prompts, their ratings between 0 and 1."""
    found = []
    for line in (HERE / "ratings.txt").read_text(encoding="utf-8").splitlines():
        if match := _LINE.match(line):
            prompt, _, files = match[4].partition(" || ")
            sample = Sample(match[2], match[3], "ratings", prompt.replace("\\n", "\n"), file_list(files))
            found.append((sample, int(match[1]) / _MOST))
    return found


def names() -> list[str]:
    return [name for name, _ in seen(look_at("x"), ()) if name not in ARGUED]


def rows(samples: Sequence[Sample]) -> np.ndarray:
    found = np.zeros((len(samples), len(TYPES) + len(names())))
    for row, sample in zip(found, samples, strict=True):
        row[TYPES.index(TaskType(sample.label))] = 1
        row[len(TYPES) :] = [
            amount for name, amount in seen(look_at(sample.prompt, sample.files), sample.files) if name not in ARGUED
        ]
    return found


def learn(matrix: np.ndarray, ratings: np.ndarray) -> np.ndarray:
    """Ridge regression; a type's start is only held loosely."""
    held = np.diag([0.5] * len(TYPES) + [_RIDGE] * (matrix.shape[1] - len(TYPES)))
    return np.linalg.solve(matrix.T @ matrix + held, matrix.T @ ratings)


def rank_correlation(one: Sequence[float], other: Sequence[float]) -> float:
    """Spearman's, ties sharing their ranks."""
    return float(np.corrcoef(_ranks(one), _ranks(other))[0, 1])


def _ranks(values: Sequence[float]) -> np.ndarray:
    array = np.asarray(values, dtype=float)
    return np.array([((array < value).sum() + (array <= value).sum() - 1) / 2 for value in array])


def held_out(rated: Rated) -> list[float]:
    """For each prompt what was learned from the other nine tenths of them."""
    matrix, ratings = rows([sample for sample, _ in rated]), np.array([rating for _, rating in rated])
    found = np.zeros(len(rated))
    for fold in range(_FOLDS):
        here = np.arange(len(rated)) % _FOLDS == fold
        found[here] = matrix[here] @ learn(matrix[~here], ratings[~here])
    return list(found)


def main() -> None:
    rated = load()
    ratings = [rating for _, rating in rated]
    learned = learn(rows([sample for sample, _ in rated]), np.array(ratings))
    print("STARTS =", {item.value: round(float(value), 3) for item, value in zip(TYPES, learned, strict=False)})
    print("ADDS =", {name: round(float(value), 3) for name, value in zip(names(), learned[len(TYPES) :], strict=True)})
    print(f"rank correlation on ratings held out: {rank_correlation(held_out(rated), ratings):.2f} of {len(rated)}")


if __name__ == "__main__":
    main()
