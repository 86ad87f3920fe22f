"""Learn the classifier's weights from the corpus and write them where the program reads them.

    make train

The same corpus on the same machine gives the same file. `make check` fails while the file is older than the corpus.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import numpy as np

from oxide_desktop.core.weights import FILE, pack, unpack
from training.corpus import digest, load, varied, with_and_without_files
from training.learn import TYPES, Learned, learn, seen

MOST_STEPS = 7  # finer ones tell nothing apart, and take room
BEYOND = 0.001  # the share of weights that are cut off at the most
SURENESS = 0.5  # as sure as the weights may be of styles that they were not learned from


def content(learned: Learned) -> bytes:
    """The file: weights in whole steps, features that say nothing left out."""
    table = SURENESS * (learned.table - learned.table.mean(axis=1, keepdims=True))
    step = float(np.quantile(np.abs(table), 1 - BEYOND)) / MOST_STEPS
    steps = np.clip(np.rint(table / step), -MOST_STEPS, MOST_STEPS).astype(np.int8)
    kept = np.abs(steps).max(axis=1) > 0
    header = {
        "about": "weights of Oxide's classifier, written by training/train.py",
        "corpus": digest(),
        "types": TYPES,
        "step": round(step, 8),
        "bias": [round(SURENESS * float(value), 4) for value in learned.bias],
    }
    names = [name for name, keep in zip(learned.names, kept, strict=True) if keep]
    return pack(header, names, [column.tolist() for column in steps[kept].T])


def main() -> None:
    samples = with_and_without_files(varied(load()))
    learned = learn([seen(sample) for sample in samples], [sample.label for sample in samples])
    written = content(learned)
    FILE.write_bytes(written)
    features = unpack(written)[0]["features"]
    print(f"{FILE.name}: {len(samples):,} samples, {features:,} features, {len(written) / 1000:,.0f} kB")


if __name__ == "__main__":
    main()
