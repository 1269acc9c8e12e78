"""How the students of a study go wrong on test: which calculations fail, and how often there is none.

    python -m benchmarks.slips studies/legs-on-a-budget/runs/full studies/legs-on-a-budget/runs/own-correct

Every argument is an arm's folder, with a run of each seed. Prints Markdown: shares of the test answers, each with its
95 % bootstrap interval over seeds and problems.

    a wrong sum         an addition or subtraction whose sides do not agree; likewise a wrong product, of × and ÷
    none                no calculation is written out
    true, yet wrong     all its calculations are true, and the answer is wrong
    a chain             a calculation has more than two sides: 7 × 14 = 7 × 10 + 7 × 4 = 98
    a chain, right      … and the answer is right
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path

from tutelage.metrics.comparison import interval
from tutelage.records import Attempt
from tutelage.report.format import markdown_table, percent
from tutelage.runs.files import read_rows
from tutelage.text.calculations import find_calculations


def main() -> None:
    """Count and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("arm", nargs="+", type=Path)
    rows = [_row(folder) for folder in parser.parse_args().arm]
    print(markdown_table(("arm", "seeds", "test answers", *SLIPS), rows))


def _row(folder: Path) -> list[str]:
    tests = sorted(folder.glob("seed-*/test-after.jsonl"))
    if not tests:
        raise SystemExit(f"{folder} has no seed-N/test-after.jsonl; name the folder of an arm whose runs have ended")
    answers = [read_rows(test, Attempt) for test in tests]
    shares = [
        percent(interval(["".join(str(int(slip(answer))) for answer in of_seed) for of_seed in answers]))
        for slip in SLIPS.values()
    ]
    return [folder.name, str(len(tests)), str(sum(map(len, answers))), *shares]


def _fails(operators: str) -> Callable[[Attempt], bool]:
    def slip(answer: Attempt) -> bool:
        found = find_calculations(answer.text)
        return any(not each.holds and each.left.operator in operators for each in found)

    return slip


def _none(answer: Attempt) -> bool:
    return not find_calculations(answer.text)


def _true_yet_wrong(answer: Attempt) -> bool:
    found = find_calculations(answer.text)
    return bool(found) and all(each.holds for each in found) and not answer.verdict.correct


def _chain(answer: Attempt) -> bool:
    return any(each.text.count("=") > 1 for each in find_calculations(answer.text))


SLIPS: Mapping[str, Callable[[Attempt], bool]] = {
    "a wrong sum": _fails("+-"),
    "a wrong product": _fails("*/"),
    "none": _none,
    "true, yet wrong": _true_yet_wrong,
    "a chain": _chain,
    "a chain, right": lambda answer: _chain(answer) and answer.verdict.correct,
}

if __name__ == "__main__":
    main()
