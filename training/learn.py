"""Learning weights from samples: a softmax over named features, with numpy (which the tests' packages bring)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from oxide_desktop.core.features import look_at
from oxide_desktop.core.model import TaskType
from oxide_desktop.core.weights import damping
from training.corpus import Sample

TYPES = tuple(item.value for item in TaskType)
# What brings most for its room, found with prompts that are never learned from.
LEAST_SEEN, WORDS_LEAST_SEEN, NEAR_LEAST_SEEN = 12, 5, 8
BALANCE = 0.7  # between types as they come (0) and all types alike (1)
ROUNDS, BATCH = 8, 256
RATE, SLOPE_KEPT, SQUARE_KEPT = 0.02, 0.9, 0.999  # Adam (Kingma and Ba 2015)
FADING = 2e-4  # how much of a weight is lost each time its feature is seen
SHARE_LEFT_OUT = 0.5  # of the features in every second look at a sample, so that no single word decides
RUNS = 12  # what is left out, and the order of the samples, is chance: the mean of several is steadier

Array = np.ndarray


def seen(sample: Sample) -> list[str]:
    """The names of a sample's features."""
    return list(look_at(sample.prompt, sample.files).names)


@dataclass(frozen=True)
class Learned:
    """Weights as floating-point numbers, a row for each feature."""

    names: list[str]
    table: Array
    bias: Array

    def scores(self, rows: Sequence[Sequence[str]]) -> Array:
        where = {name: row for row, name in enumerate(self.names)}
        found = np.zeros((len(rows), len(TYPES)))
        for number, row in enumerate(rows):
            known = [where[name] for name in row if name in where]
            found[number] = self.bias + damping(len(known)) * self.table[known].sum(axis=0)
        return found


def _least_seen(name: str) -> int:
    """Words, their beginnings and pieces; ideas near one another; and everything else."""
    match name[0]:
        case "w" | "p" | "z":
            return WORDS_LEAST_SEEN
        case "g":
            return NEAR_LEAST_SEEN
        case _:
            return LEAST_SEEN


def learn(rows: Sequence[Sequence[str]], labels: Sequence[str], runs: int = RUNS) -> Learned:
    """The mean of the weights that several runs find; chance is the same each time."""
    counts = Counter(name for row in rows for name in row)
    names = sorted(name for name, count in counts.items() if count >= _least_seen(name))
    samples = _Samples.of(rows, names)
    wanted = np.array([TYPES.index(label) for label in labels])
    found = [_learned(samples, wanted, len(names), seed) for seed in range(1, runs + 1)]
    table, bias = sum(steps.table for steps in found), sum(steps.bias for steps in found)
    return Learned(names, np.asarray(table, float) / runs, np.asarray(bias) / runs)


def _learned(samples: _Samples, wanted: Array, features: int, seed: int) -> _Steps:
    """Weights that explain the labels, found in small steps."""
    share = np.bincount(wanted, minlength=len(TYPES))
    worth = ((share.mean() / np.maximum(share, 1)) ** BALANCE)[wanted]
    chance = np.random.default_rng(seed)
    steps = _Steps(features, ROUNDS * -(-2 * len(wanted) // BATCH))
    for _ in range(ROUNDS):
        for which, batch in samples.batches(chance):
            steps.take(batch, wanted[which], worth[which])
    return steps


@dataclass(frozen=True)
class _Batch:
    """Some samples: their features one after another, where each sample begins, and what each feature counts."""

    features: Array
    begins: Array
    sizes: Array
    counts: Array


@dataclass(frozen=True)
class _Samples:
    """All samples: their features one after another, and where each sample begins (and the last ends)."""

    features: Array
    begins: Array

    @classmethod
    def of(cls, rows: Sequence[Sequence[str]], names: Sequence[str]) -> _Samples:
        where = {name: number for number, name in enumerate(names)}
        known = [sorted(where[name] for name in row if name in where) for row in rows]  # sums depend on the order
        features = np.fromiter((number for row in known for number in row), np.int64)
        return cls(features, np.cumsum([0, *(len(row) for row in known)]))

    def batches(self, chance: np.random.Generator) -> Iterator[tuple[Array, _Batch]]:
        """Every sample whole, and once more with features missing, as they are in prompts of other people."""
        count = len(self.begins) - 1
        order = chance.permutation(2 * count)
        for first in range(0, len(order), BATCH):
            picked = order[first : first + BATCH]
            which, gaps = picked % count, picked >= count
            sizes = self.begins[which + 1] - self.begins[which]
            owner = np.repeat(np.arange(len(which)), sizes)
            place = np.arange(len(owner)) + np.repeat(self.begins[which] - np.cumsum(sizes) + sizes, sizes)
            kept = ~gaps[owner] | (chance.random(len(owner)) >= SHARE_LEFT_OUT)
            sizes = np.bincount(owner[kept], minlength=len(which))
            some = sizes > 0
            counts = np.repeat([damping(size) for size in sizes[some]], sizes[some])
            begins = np.cumsum(sizes[some]) - sizes[some]
            yield which[some], _Batch(self.features[place[kept]], begins, sizes[some], counts)


class _Steps:
    """The weights while they are learned, with Adam's memory of the slopes beside them."""

    def __init__(self, features: int, planned: int) -> None:
        self.table = np.zeros((features, len(TYPES)), np.float32)
        self.bias = np.zeros(len(TYPES))
        self._slopes, self._squares = np.zeros_like(self.table), np.zeros_like(self.table)
        self._done, self._planned = 0, planned

    def take(self, batch: _Batch, wanted: Array, worth: Array) -> None:
        """Move the weights a little so that these samples are explained better."""
        said = self.table[batch.features] * batch.counts[:, None].astype(np.float32)
        scores = np.add.reduceat(said, batch.begins, axis=0) + self.bias
        raised = np.exp(scores - scores.max(axis=1, keepdims=True))
        error = raised / raised.sum(axis=1, keepdims=True)
        error[np.arange(len(wanted)), wanted] -= 1
        error *= (worth / len(wanted))[:, None]
        order = np.argsort(batch.features, kind="stable")
        features = batch.features[order]
        begins = np.flatnonzero(np.diff(features, prepend=-1))
        owner = np.repeat(np.arange(len(wanted)), batch.sizes)[order]
        slope = np.add.reduceat(error[owner] * batch.counts[order, None], begins, axis=0)
        rate = RATE * (1 - self._done / self._planned)
        self._done += 1
        self._move(features[begins], slope.astype(np.float32), rate)
        self.bias -= rate * error.sum(axis=0)

    def _move(self, rows: Array, slope: Array, rate: float) -> None:
        slopes = SLOPE_KEPT * self._slopes[rows] + (1 - SLOPE_KEPT) * slope
        squares = SQUARE_KEPT * self._squares[rows] + (1 - SQUARE_KEPT) * slope**2
        self._slopes[rows], self._squares[rows] = slopes, squares
        rate *= float((1 - SQUARE_KEPT**self._done) ** 0.5 / (1 - SLOPE_KEPT**self._done))
        self.table[rows] = (1 - FADING) * self.table[rows] - rate * slopes / (np.sqrt(squares) + 1e-8)
