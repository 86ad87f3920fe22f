"""Learning weights from samples: a softmax over named features, with numpy (which the tests' packages bring)."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from oxide_desktop.core.features import look_at
from oxide_desktop.core.model import TaskType
from oxide_desktop.core.weights import damping
from training.corpus import Sample

TYPES = tuple(item.value for item in TaskType)
# How much a feature of each kind may say before it costs: ideas most, since they hold in every language.
SCALES = {
    "i": 1.0,
    "c": 0.5,
    "h": 0.7,
    "l": 0.5,
    "q": 0.5,
    "f": 0.7,
    "f2": 0.5,
    "e": 0.6,
    "g": 0.7,
    "w": 0.9,
    "p": 0.6,
    "b": 0.7,
    "z": 0.7,
}
SCALES |= {"r": 0.3, "s": 0.7, "n": 1.0, "1": 0.6}
LAMBDA = 1.0
LEAST_SEEN = 2
BALANCE = 0.7  # between types as they come (0) and all types alike (1)
ROUNDS = 70
COPIES, SHARE_LEFT_OUT = 2, 0.4  # of every sample, with features left out, so that no single word decides
RUNS = 3  # which features are left out is chance: the mean of several is steadier

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


def with_gaps(rows: Sequence[Sequence[str]], seed: int, count: int) -> list[list[str]]:
    """The samples and copies of them in which features are missing, as they are in prompts of other people."""
    chance = random.Random(seed)
    copies = [[name for name in row if chance.random() >= SHARE_LEFT_OUT] for _ in range(count) for row in rows]
    return [*map(list, rows), *copies]


def learn(rows: Sequence[Sequence[str]], labels: Sequence[str], runs: int = RUNS, copies: int = COPIES) -> Learned:
    """The mean of the weights that several runs find."""
    counts = Counter(name for row in rows for name in row)
    names = sorted(name for name, count in counts.items() if count >= LEAST_SEEN)
    copied = [*labels] * (1 + copies)
    found = [_learned(names, with_gaps(rows, seed, copies), copied) for seed in range(1, runs + 1)]
    table, bias = sum(one.table for one in found), sum(one.bias for one in found)
    return Learned(names, np.asarray(table) / runs, np.asarray(bias) / runs)


def _learned(names: list[str], rows: Sequence[Sequence[str]], labels: Sequence[str]) -> Learned:
    """The weights that explain the labels best without saying more than they have to."""
    matrix = _Matrix.build(rows, names)
    target = np.zeros((len(rows), len(TYPES)))
    target[np.arange(len(rows)), [TYPES.index(label) for label in labels]] = 1
    share = target.sum(axis=0)
    per_sample = ((share.mean() / np.maximum(share, 1)) ** BALANCE)[target.argmax(axis=1)]
    size = len(names) * len(TYPES)

    def cost(values: Array) -> tuple[float, Array]:
        table = values[:size].reshape(len(names), len(TYPES))
        scores = matrix.times(table) + values[size:]
        scores -= scores.max(axis=1, keepdims=True)
        raised = np.exp(scores)
        total = raised.sum(axis=1, keepdims=True)
        loss = -(per_sample * ((scores * target).sum(axis=1) - np.log(total[:, 0]))).sum()
        error = (raised / total - target) * per_sample[:, None]
        slope = matrix.transposed_times(error) + LAMBDA * table
        return loss + LAMBDA / 2 * (table * table).sum(), np.concatenate([slope.ravel(), error.sum(axis=0)])

    values = _minimum(cost, np.zeros(size + len(TYPES)))
    scale = np.array([SCALES[name.split(":", 1)[0]] for name in names])
    return Learned(names, values[:size].reshape(len(names), len(TYPES)) * scale[:, None], values[size:])


@dataclass(frozen=True)
class _Matrix:
    """Samples by features, sparse, ordered both ways."""

    rows: tuple[Array, Array, Array]  # columns, values, where each row starts
    columns: tuple[Array, Array, Array]

    @classmethod
    def build(cls, samples: Sequence[Sequence[str]], names: Sequence[str]) -> _Matrix:
        where = {name: number for number, name in enumerate(names)}
        scale = np.array([SCALES[name.split(":", 1)[0]] for name in names])
        known = [np.array([where[name] for name in sample if name in where], dtype=np.int64) for sample in samples]
        across = np.concatenate(known)
        down = np.repeat(np.arange(len(known)), [len(row) for row in known])
        values = scale[across] * np.repeat([damping(len(row)) for row in known], [len(row) for row in known])
        starts = np.cumsum([0, *(len(row) for row in known[:-1])])
        order = np.argsort(across, kind="stable")
        begins = np.searchsorted(across[order], np.arange(len(names)))
        return cls((across, values, starts), (down[order], values[order], begins))

    def times(self, table: Array) -> Array:
        across, values, starts = self.rows
        return np.add.reduceat(table[across] * values[:, None], starts, axis=0)

    def transposed_times(self, table: Array) -> Array:
        down, values, starts = self.columns
        return np.add.reduceat(table[down] * values[:, None], starts, axis=0)


def _minimum(cost: Callable[[Array], tuple[float, Array]], start: Array, memory: int = 8) -> Array:
    """Where a smooth, convex function is least (limited-memory BFGS with halving steps)."""
    here, (value, slope) = start, cost(start)
    history: list[tuple[Array, Array]] = []
    for _ in range(ROUNDS):
        way = -_turned(slope, history)
        stride = 1.0 if history else 1.0 / max(1.0, float(np.abs(slope).sum()))
        for _ in range(30):
            there = here + stride * way
            new_value, new_slope = cost(there)
            if new_value <= value + 1e-4 * stride * float(slope @ way):
                break
            stride /= 2
        step, change = there - here, new_slope - slope
        if float(step @ change) > 1e-12:
            history = [*history[-memory + 1 :], (step, change)]
        done = value - new_value < 1e-6 * abs(value)
        here, value, slope = there, new_value, new_slope
        if done:
            break
    return here


def _turned(slope: Array, history: Sequence[tuple[Array, Array]]) -> Array:
    """The slope, turned by what the last steps taught of the curvature."""
    way, shares = slope.copy(), []
    for step, change in reversed(history):
        share = float(step @ way) / float(step @ change)
        shares.append(share)
        way -= share * change
    if history:
        step, change = history[-1]
        way *= float(step @ change) / float(change @ change)
    for (step, change), share in zip(history, reversed(shares), strict=True):
        way += step * (share - float(change @ way) / float(step @ change))
    return way
