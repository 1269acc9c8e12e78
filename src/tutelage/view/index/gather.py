"""What the rows of a file come to, for the index. Pure, but for the numbers of problems.

{"problem_id": "9f2c…", "sample": 0, "text": "3 + 4 = 7", "verdict": {"correct": false, "answer": "7", …}, …}
    -> spans (problem, offset, length), texts to be found, cells (right, all, kinds), wrong answers

A row that is not as ours are is left out and counts as broken.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from tutelage.money import PICO
from tutelage.records import SPLITS, Split
from tutelage.view.index.followed import Followed
from tutelage.view.index.lines import parsed

Number = Callable[[str, Split], int]
"""The number of a problem by its id; a new one gets one, and belongs to the split."""

Row = Mapping[str, Any]
Place = tuple[int, int]
"""Offset and length of a row in its file."""

SHORT = 200
"""Characters of an answer or a step that are kept to be counted, and of a question to sort by."""
LONG = 2000
"""Characters of a question that are kept."""


@dataclass(slots=True)
class Reply:
    """A reply of the teacher, or a request that got none."""

    problem: int
    answered: bool
    sound: bool
    pico: int
    tokens: int


@dataclass(slots=True)
class Batch:
    """Sums over some rows of one file. Keys are numbers of problems where nothing else is said."""

    rows: int = 0
    broken: int = 0
    spans: list[tuple[int, int, int]] = field(default_factory=list[tuple[int, int, int]])
    texts: dict[int, list[str]] = field(default_factory=dict[int, list[str]])
    cells: dict[int, list[int]] = field(default_factory=dict[int, list[int]])
    kinds: dict[int, set[str]] = field(default_factory=dict[int, set[str]])
    kind_counts: Counter[str] = field(default_factory=Counter[str])
    answers: Counter[tuple[int, str]] = field(default_factory=Counter[tuple[int, str]])
    steps: dict[tuple[str, str], list[int]] = field(default_factory=dict[tuple[str, str], list[int]])
    replies: list[Reply] = field(default_factory=list[Reply])
    usage: list[int] = field(default_factory=lambda: [0, 0, 0, 0, 0])
    failures: Counter[str] = field(default_factory=Counter[str])
    ways: dict[str, list[int]] = field(default_factory=dict[str, list[int]])
    refused: list[tuple[str, int, int, int, int]] = field(default_factory=list[tuple[str, int, int, int, int]])
    problems: list[tuple[Any, ...]] = field(default_factory=list[tuple[Any, ...]])


def gathered(file: Followed, start: int, data: bytes, number: Number, known: Callable[[bytes], int | None]) -> Batch:
    """The sums over whole lines of a file that begin at `start`. `known` finds a problem whose question is known."""
    batch, at, last, end = Batch(), start, -1, -1
    take, split = _TAKES[file.role], _split_of(file)
    for line in data.split(b"\n")[:-1]:
        at, begun = at + len(line) + 1, at
        if not line or line.isspace():
            continue
        try:
            problem = _quickly(line, known) if take is _example else None
            if problem is None:
                problem = take(batch, parsed(line), (begun, at - begun), number, split)
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
            batch.broken += 1
            continue
        batch.rows += 1
        if problem == last and begun == end:
            problem, begun, _ = batch.spans.pop()
        batch.spans.append((problem, begun, at - begun))
        last, end = problem, at
    return batch


def _split_of(file: Followed) -> Split:
    if file.role != "evaluation":
        return "train"
    return "test" if file.round is None else "validation"


def _id_of(row: Row) -> str:
    name = row["problem_id"] if "problem_id" in row else row["problem"]["id"]
    return _text(name)


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    raise TypeError


def _quickly(line: bytes, known: Callable[[bytes], int | None]) -> int | None:
    """The problem of a training example without a look at the rest, if nothing else is wanted of it."""
    before, _, rest = line[:200].partition(b'"id": "')
    name, end, _ = rest.partition(b'"')
    if before != b'{"problem": {' or not end or not line.endswith(b"}"):
        return None
    return known(name)


def _problem(batch: Batch, row: Row, place: Place, number: Number, _split: Split) -> int:
    problem, split, kind = row["problem"], row["split"], row.get("kind")
    if split not in SPLITS:
        raise ValueError
    about = split, _text(kind) if kind else None, *asked(problem)
    found = number(_text(problem["id"]), split)
    batch.problems.append((found, *about, *place))
    return found


def asked(problem: Row) -> tuple[str, str]:
    """Question with its choices, and answer."""
    choices = [f"({choice['label']}) {choice['text']}" for choice in problem.get("choices") or ()]
    return "\n".join([_text(problem["question"]), *choices]), _text(problem["answer"])


def _attempt(batch: Batch, row: Row, _place: Place, number: Number, split: Split) -> int:
    text, verdict = row["text"], row["verdict"]
    correct, answer = verdict["correct"], verdict["answer"]
    if not isinstance(text, str) or not isinstance(correct, bool):
        raise TypeError
    problem = number(_id_of(row), split)
    cell = batch.cells.get(problem)
    if cell is None:
        cell = batch.cells[problem] = [0, 0]
        batch.texts[problem] = [text]
    else:
        batch.texts[problem].append(text)
    cell[0] += correct
    cell[1] += 1
    if not correct and isinstance(answer, str):
        batch.answers[problem, answer[:SHORT]] += 1
    return problem


def _mistake(batch: Batch, row: Row, _place: Place, number: Number, split: Split) -> int:
    kind, step, instead = row["kind"], row.get("step") or "", row.get("right") or ""
    key = _text(step)[:SHORT], _text(instead)[:SHORT]
    named = None if kind is None else _text(kind)[:SHORT]
    problem = number(_id_of(row), split)
    if named is not None:
        batch.kinds.setdefault(problem, set()).add(named)
        batch.kind_counts[named] += 1
    if step:
        batch.steps.setdefault(key, [0, problem])[0] += 1
    return problem


def _reply(batch: Batch, row: Row, place: Place, number: Number, split: Split, answered: bool = True) -> int:
    verdict, usage = row["verdict"], cast(Row, row.get("usage") or {})
    sound, reason, text, explanation = (
        verdict["correct"] is True,
        verdict["reason"],
        row["text"],
        row.get("explanation"),
    )
    failure = _text(row["failure"]) if row.get("failure") else None
    figures = [usage.get(name, 0) for name in ("requests", "prompt_tokens", "completion_tokens")]
    if not isinstance(cost := usage.get("cost_usd", 0.0), int | float):  # a text, times a number, is a long text
        raise TypeError
    figures.append(round(cost * PICO))
    unanswered = _text(reason).startswith("no reply: ")
    askings = [
        (_text(asking["way"]) + ", hint" * bool(asking.get("hint")), bool(asking["sound"]), asking)
        for asking in cast(list[Row], row.get("asked") or ())
    ]
    written = sum(int(each["prompt_tokens"]) + int(each["completion_tokens"]) for *_, each in askings)
    if any(not isinstance(each, int) or not 0 <= each < 2**50 for each in (*figures, written)):
        raise ValueError
    texts = [_text(text), *([explanation] if isinstance(explanation, str) else [])]
    problem = number(_id_of(row), split)
    for asking, (way, was_sound, about) in enumerate(askings):
        count = batch.ways.setdefault(way, [0, 0])
        count[0] += 1
        count[1] += was_sound
        if not was_sound:
            last = asking == len(askings) - 1 and not unanswered
            kind = str(about.get("failure") or (failure if last else None) or "refused")
            batch.refused.append((kind, problem, *place, asking))
    if failure and (unanswered or not askings):
        batch.refused.append((failure, problem, *place, -1))
    if failure:
        batch.failures[failure] += 1
    batch.usage = [
        min(before + value, 2**62) for before, value in zip(batch.usage, (*figures, int(sound)), strict=True)
    ]
    batch.replies.append(Reply(problem, answered, sound, figures[3], written or figures[1] + figures[2]))
    batch.texts.setdefault(problem, []).extend(texts)
    return problem


def _failed(batch: Batch, row: Row, place: Place, number: Number, split: Split) -> int:
    """A request without a rationale for its problem: none came, or a practice problem was asked for."""
    return _reply(batch, row, place, number, split, answered=False)


def _example(batch: Batch, row: Row, place: Place, number: Number, split: Split) -> int:
    """The question of a problem, in a run that has no problems.jsonl."""
    about = asked(row["problem"])
    _text(row["anchor"])
    problem = number(_id_of(row), split)
    batch.problems.append((problem, split, None, *about, *place))
    return problem


def _repair(batch: Batch, row: Row, place: Place, number: Number, split: Split) -> int:
    _text(row["right"])
    return number(_id_of(row), split)


_TAKES: dict[str, Callable[[Batch, Row, Place, Number, Split], int]] = {
    "problems": _problem,
    "replies": _reply,
    "failed": _failed,
    "practice": _failed,
    "exam": _attempt,
    "evaluation": _attempt,
    "mistakes": _mistake,
    "kinds": _mistake,
    "examples": _example,
    "repairs": _repair,
}
"""What a row of each role adds to a batch; it returns the row's problem, or raises before it adds anything."""
