"""How often the classifier is right, and what it costs, on prompts that its weights were not learned from.

Two measures: the shipped weights on `training/held_out`, which is never learned from; and each style of the corpus with
weights learned without it (a tenth of the styles at a time). Both are our own prompts, so real ones may do worse:
`--prompts FILE.jsonl` measures others (`prompt`, `label`, `lang`, `files` on each line).

Goals on prompts of other people: 82 % and macro-F1 82, services 90 %, at most 5 points lost without the lists of files
and between English and the rest; median under 0.5 ms and 95th percentile under 1 ms.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from oxide_desktop.core.classify import classify
from oxide_desktop.core.model import TaskType
from oxide_desktop.core.weights import FILE
from training.corpus import HELD_OUT, Sample, load, varied, with_and_without_files

GOAL, GOAL_SERVICE, GOAL_MEDIAN_MS, GOAL_P95_MS = 82.0, 90.0, 0.5, 1.0
SHORT_CHARS = 120
PARTS = 10
TYPES = [item.value for item in TaskType]
LANES = {"codebase_analysis": "large", "quick_query": "local", "general": "local"}

Pairs = list[tuple[Sample, str]]  # what it is, what was found


def percent(hits: Sequence[bool]) -> float:
    return 100 * sum(hits) / len(hits) if hits else float("nan")


def right(pairs: Pairs) -> float:
    return percent([sample.label == found for sample, found in pairs])


def macro_f1(pairs: Pairs) -> float:
    counts = Counter((sample.label, found) for sample, found in pairs)
    scores = []
    for name in TYPES:
        hit = counts[name, name]
        wrong = sum(count for (label, found), count in counts.items() if (label == name) != (found == name))
        scores.append(2 * hit / (2 * hit + wrong) if hit or wrong else 1.0)
    return 100 * statistics.mean(scores)


def tell(title: str, pairs: Pairs) -> None:
    english = [pair for pair in pairs if pair[0].lang == "en"]
    others = [pair for pair in pairs if pair[0].lang != "en"]
    short = [pair for pair in pairs if len(pair[0].prompt) < SHORT_CHARS]
    long = [pair for pair in pairs if len(pair[0].prompt) >= SHORT_CHARS]
    lanes = percent([LANES.get(sample.label) == LANES.get(found) for sample, found in pairs])
    parts = (
        f"{right(pairs):5.1f} %, F1 {macro_f1(pairs):4.1f}, service {lanes:4.1f} %",
        f"English {right(english):4.1f}, other {right(others):4.1f}",
        f"short {right(short):4.1f}, long {right(long):4.1f}",
        f"of {len(pairs):,}",
    )
    print(f"{title:<24}{' · '.join(parts)}")


def confusion(pairs: Pairs) -> None:
    counts = Counter((sample.label, found) for sample, found in pairs)
    print(f"{'is, found as:':<20}" + "".join(f"{name[:9]:>10}" for name in TYPES))
    for label in TYPES:
        print(f"{label:<20}" + "".join(f"{counts[label, found] or '·':>10}" for found in TYPES))


def shipped(samples: Sequence[Sample]) -> Pairs:
    return [(sample, classify(sample.prompt, sample.files).task_type.value) for sample in samples]


def without_files(samples: Sequence[Sample]) -> list[Sample]:
    return [replace(sample, files=()) for sample in samples]


def sureness(samples: Sequence[Sample]) -> None:
    """Whether 80 % sure is right in 80 of 100 cases."""
    found = [(classify(sample.prompt, sample.files), sample.label) for sample in samples]
    for low, high in ((0.0, 0.6), (0.6, 0.9), (0.9, 1.01)):
        here = [
            (profile.confidence, profile.task_type == label)
            for profile, label in found
            if low <= profile.confidence < high
        ]
        if here:
            sure = 100 * statistics.mean(confidence for confidence, _ in here)
            print(f"  {len(here):4} prompts {sure:3.0f} % sure: {percent([hit for _, hit in here]):3.0f} % right")


def cost(samples: Sequence[Sample]) -> bool:
    start = time.perf_counter()
    classify("warm up")
    first_ms = (time.perf_counter() - start) * 1000
    times = []
    for sample in samples:
        start = time.perf_counter()
        classify(sample.prompt, sample.files)
        times.append((time.perf_counter() - start) * 1000)
    median, p95 = statistics.median(times), statistics.quantiles(times, n=20)[-1]
    huge = "Explain this.\n" + "some words of a log line 17\n" * 180_000
    start = time.perf_counter()
    classify(huge)
    huge_ms = (time.perf_counter() - start) * 1000
    print(f"time: median {median:.3f} ms, 95th percentile {p95:.3f} ms")
    print(f"5 MB: {huge_ms:.1f} ms, {huge_ms / median:.0f} times the median")
    print(f"first call {first_ms:.0f} ms; weights {FILE.stat().st_size / 1000:,.0f} kB")
    return median < GOAL_MEDIAN_MS and p95 < GOAL_P95_MS


def held_out_styles() -> Pairs:
    """Every style judged by weights learned in one run without it and the other styles of its tenth: minutes."""
    from training.learn import learn, seen

    corpus = load()
    styles = sorted({sample.style for sample in corpus})
    pairs: Pairs = []
    for part in range(PARTS):
        held_out = set(styles[part::PARTS])
        rest = with_and_without_files(varied([sample for sample in corpus if sample.style not in held_out]))
        learned = learn([seen(sample) for sample in rest], [sample.label for sample in rest], runs=1)
        for style in sorted(held_out):
            judged = [sample for sample in corpus if sample.style == style]
            best = learned.scores([seen(sample) for sample in judged]).argmax(axis=1)
            here = [(sample, TYPES[number]) for sample, number in zip(judged, best, strict=True)]
            tell(f"  without {style}", here)
            pairs += here
    return pairs


def hardness() -> None:
    """How well complexity orders prompts as people do, by what was learned from other prompts."""
    from training.rate import held_out, load, rank_correlation

    rated = load()
    found = rank_correlation(held_out(rated), [rating for _, rating in rated])
    print(f"complexity: rank correlation {found:.2f} with {len(rated)} ratings held out")


def read_jsonl(path: Path) -> list[Sample]:
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [
        Sample(
            item["label"], item.get("lang", "en"), "given", item["prompt"], tuple(map(tuple, item.get("files") or ()))
        )
        for item in lines
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prompts", type=Path, help="measure these instead of our own")
    parser.add_argument("--quick", action="store_true", help="leave out the styles (some minutes)")
    args = parser.parse_args()
    samples = read_jsonl(args.prompts) if args.prompts else load(HELD_OUT)
    in_time = cost(samples)
    pairs = shipped(samples)
    tell("never learned from", pairs)
    tell("… lists hidden", shipped(without_files(samples)))
    if not args.prompts:
        for style in sorted({sample.style for sample in samples}):
            tell(f"of it {style}", [pair for pair in pairs if pair[0].style == style])
    confusion(pairs)
    sureness(samples)
    hardness()
    if not args.quick and not args.prompts:
        print("each style by weights learned without it:")
        styles = held_out_styles()
        tell("all styles", styles)
        confusion(styles)
    return 0 if in_time and right(pairs) >= GOAL and macro_f1(pairs) >= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
