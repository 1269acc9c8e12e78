"""What `tutelage view` costs: how fast a large run is indexed, how soon a page comes, how much memory it takes.

    python -m benchmarks.view [--problems 100000] [--small] [--run DIR]

Makes a run of four rounds with four attempts at every problem, from a tiny vocabulary (DIR is kept, and used again if
it is there), and prints Markdown. Seconds of the CPU are those of the whole process, so that other programs on the
machine count less; it uses one core.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import statistics
import tempfile
import time
from collections.abc import Iterator
from itertools import product
from pathlib import Path

from benchmarks.view_served import SEARCHES, SORTS, print_served, print_times
from tutelage.view.class_book import book_page
from tutelage.view.facts import COURSES, Filter
from tutelage.view.index.index import RunIndex
from tutelage.view.mistakes import mistakes
from tutelage.view.pair import Side, pair
from tutelage.view.story import story
from tutelage.view.teacher import refused_page, teacher_facts

ROUNDS, SAMPLES = 4, 4
NOUNS = ("pens", "boxes", "apples", "cats", "hens", "legs", "cows", "books", "cups", "coins")
KINDS = ("wrong calculation", "wrong number copied", "wrong plan", "format", "wrong answer")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", type=int, default=100_000)
    parser.add_argument("--small", action="store_true", help="200 problems: whether it works")
    parser.add_argument("--run", type=Path)
    given = parser.parse_args()
    problems = 200 if given.small else given.problems
    with tempfile.TemporaryDirectory() as scratch:
        run = given.run or Path(scratch) / "run"
        if not (run / "run.json").exists():
            make_run(run, problems)
        _indexing(run)
        _first_screen(run)
        with RunIndex.open(run) as index:
            index.wait(600)
            _queries(index, problems)
        print_served(run)
        with RunIndex.open(run) as index:
            index.wait(600)
            _live(index)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"\nMemory of this process at most: {peak:,.0f} MB")


def make_run(run: Path, problems: int) -> None:
    """Write a run's files. The student gets better from round to round."""
    draw = random.Random(0)
    asked = [(f"{number:016x}", draw.randrange(2, 99), draw.randrange(2, 99)) for number in range(problems)]
    names = [(draw.choice(NOUNS), draw.choice(NOUNS)) for _ in asked]
    (run / "round-00").mkdir(parents=True)
    _write(run / "problems.jsonl", (_problem(*each, *pair) for each, pair in zip(asked, names, strict=True)))
    for number in range(1, ROUNDS + 1):
        folder = run / f"round-{number:02d}"
        folder.mkdir()
        with (folder / "exam.jsonl").open("w") as exam, (folder / "mistakes.jsonl").open("w") as wrong:
            for (name, one, two), (noun, other) in zip(asked, names, strict=True):
                for sample in range(SAMPLES):
                    is_right = draw.random() < number / (ROUNDS + 2)
                    said = one * two if is_right else one + draw.randrange(100)
                    attempt = _attempt(name, sample, one, two, said, noun, other, is_right)
                    exam.write(json.dumps(attempt) + "\n")
                    if not is_right:
                        wrong.write(json.dumps(_mistake(name, sample, one, two, said, draw.choice(KINDS))) + "\n")
        some = draw.sample(asked, max(1, problems // 4))
        _write(folder / "feedback.jsonl", (_reply(*each, draw.random() < 0.8) for each in some))
    (run / "run.json").write_text(json.dumps({"format": 1, "id": "benchmark", "data": "0"}) + "\n")


def _problem(name: str, one: int, two: int, noun: str, other: str) -> dict[str, object]:
    question = f"Tom has {one} {noun} of {two} {other}. How many {other} are there?"
    problem = {"id": name, "question": question, "answer": str(one * two), "choices": [], "rationale": None}
    return {"split": "train", "kind": "number", "problem": {**problem, "equation": f"{one} * {two}"}}


def _attempt(
    name: str, sample: int, one: int, two: int, said: int, noun: str, other: str, is_right: bool
) -> dict[str, object]:
    reason = "right" if is_right else f"{said} is not {one * two}"
    verdict = {"correct": is_right, "answer": str(said), "reason": reason}
    text = f" Tom has {one} {noun} with {two} {other} each.\n{one} × {two} = {said} {other}\nThe answer is {said}."
    row = {"problem_id": name, "sample": sample, "text": text, "verdict": verdict, "finish": "stop", "tokens": 31}
    return {**row, "seal": f"{hash((name, sample)) & 0xFFFFFFFF:016x}"}


def _mistake(name: str, sample: int, one: int, two: int, said: int, kind: str) -> dict[str, object]:
    step = {"kind": kind, "step": f"{one} × {two} = {said}", "right": f"{one} × {two} = {one * two}"}
    return {"problem_id": name, "sample": sample, **step, "start": 40, "end": 52}


def _reply(name: str, one: int, two: int, is_sound: bool) -> dict[str, object]:
    failure = None if is_sound else "wrong answer"
    asked = {"way": "mistake", "hint": False, "sound": is_sound, "prompt_tokens": 200, "completion_tokens": 50}
    return {
        **{"problem_id": name, "sample": 0, "mistake": f"{one} + {two}", "text": f"Each holds {two}: {one} × {two}."},
        "verdict": {"correct": is_sound, "answer": str(one * two), "reason": "right" if is_sound else "it is not so"},
        "usage": {"requests": 1, "prompt_tokens": 200, "completion_tokens": 50, "cost_usd": 0.0001},
        **{"keys": [], "failure": failure, "explanation": None},
        "asked": [{**asked, "failure": failure, "reason": "it is not so"}],
    }


def _write(path: Path, rows: Iterator[object]) -> None:
    with path.open("w") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)


def _indexing(run: Path) -> None:
    for old in (run / ".view").glob("*"):
        old.unlink()
    began, cpu = time.monotonic(), time.process_time()
    with RunIndex.open(run) as index:
        rows = index.wait(3600).rows
        wall, cpu = time.monotonic() - began, time.process_time() - cpu
    read, made = (
        sum(path.stat().st_size for path in paths) for paths in (run.rglob("*.jsonl"), (run / ".view").glob("*"))
    )
    print("| indexing | rows | MB | seconds | rows a second | CPU seconds | rows a CPU second | MB of the index |")
    print("|---|---|---|---|---|---|---|---|")
    print(
        f"| | {rows:,} | {read / 1e6:,.0f} | {wall:.1f} | {rows / wall:,.0f} | {cpu:.1f} | {rows / cpu:,.0f} "
        f"| {made / 1e6:,.0f} |"
    )


def _first_screen(run: Path) -> None:
    began, cpu = time.monotonic(), time.process_time()
    with RunIndex.open(run) as index:
        book_page(index, Filter(), 1)
        wall, cpu = time.monotonic() - began, time.process_time() - cpu
    print(f"\nOpened again, the first page of the class book: {wall:.2f} s ({cpu:.2f} s of the CPU)")


def _queries(index: RunIndex, problems: int) -> None:
    wanted = [Filter(sort=sort, search=words) for sort, words in product(SORTS, SEARCHES)]
    wanted += [Filter(course=course, search=words) for course, words in product(COURSES, SEARCHES)]
    wanted += [Filter(kind=kind, taught=taught, sort="-last") for kind, taught in product(KINDS, (None, True, False))]
    some = [f"{number:016x}" for number in range(0, problems, max(1, problems // 20))]
    print("\n| question | times | median ms | 95 % ms | median CPU ms | 95 % CPU ms |\n|---|---|---|---|---|---|")
    print_times("filter, sort or search", [lambda each=each: book_page(index, each, 1) for each in wanted])
    print_times("next page", [lambda page=page: book_page(index, wanted[-1], page) for page in range(2, 42)])
    print_times("last page", [lambda each=each: book_page(index, each, 10**6) for each in wanted[-20:]])
    print_times("story", [lambda name=name: story(index, name, wanted[-1]) for name in some])
    print_times("mistakes", [lambda: mistakes(index)])
    print_times("teacher", [lambda: teacher_facts(index)])
    print_times("refused", [lambda page=page: refused_page(index, None, page) for page in range(1, 21)])
    sides = Side(index, "exam-1"), Side(index, "exam-4")
    print_times("two sittings, first", [lambda: pair(*sides)])
    print_times(
        "two sittings, next",
        [lambda page=page: pair(*sides, "differ", page) for page in range(2, 12)],
    )


def _live(index: RunIndex) -> None:
    """How soon a new row is seen, and what following costs while nothing happens."""
    path = index.run / "round-04" / "exam.jsonl"
    size, seen = path.stat().st_size, list[float]()
    try:
        for number in range(10):
            before = index.version
            with path.open("a") as file:
                file.write(json.dumps(_attempt("0" * 16, 4 + number, 3, 4, 12, "pens", "cups", True)) + "\n")
            began = time.monotonic()
            while index.version == before and time.monotonic() - began < 60:
                time.sleep(0.005)
            seen.append(time.monotonic() - began)
    finally:
        with path.open("r+") as file:
            file.truncate(size)
    print(f"\nA new row is found after {statistics.median(seen):.2f} s, at most {max(seen):.2f} s.")


if __name__ == "__main__":
    main()
