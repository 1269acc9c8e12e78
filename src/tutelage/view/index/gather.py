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

from tutelage.json_lines import is_unicode
from tutelage.money import PICO
from tutelage.records import SPLITS, Split
from tutelage.view.index.followed import Followed
from tutelage.view.index.lines import parsed

Number = Callable[[str, Split], int]
"""The number of a problem by its id; a new one gets one, and belongs to the split."""

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
    batch, at = Batch(), start
    take, split = _TAKES[file.role], _split_of(file)
    last = end_of_last = -1
    for line in data.split(b"\n")[:-1]:
        at, begun = at + len(line) + 1, at
        if not line or line.isspace():
            continue
        try:
            problem = _quickly(line, known) if take is _example else None
            if problem is None:
                row = parsed(line)
                if take is _problem:
                    batch.problems.append((*_problem(row), begun, at - begun))
                    batch.rows += 1
                    continue
                problem = number(_id_of(row), split)
                take(batch, problem, row, (begun, at - begun))
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
            batch.broken += 1
            continue
        batch.rows += 1
        if problem == last and begun == end_of_last:
            before = batch.spans[-1]
            batch.spans[-1] = (problem, before[1], at - before[1])
        else:
            batch.spans.append((problem, begun, at - begun))
        last, end_of_last = problem, at
    return batch


def storable(text: str) -> str:
    """A text that SQLite can hold: lone surrogates become question marks."""
    return text if is_unicode(text) else text.encode(errors="replace").decode()


def _split_of(file: Followed) -> Split:
    if file.role != "evaluation":
        return "train"
    return "test" if file.round is None else "validation"


def _id_of(row: Mapping[str, Any]) -> str:
    name = row["problem_id"] if "problem_id" in row else row["problem"]["id"]
    return storable(_text(name))


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


def _problem(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """Columns of `problems`: id, split, kind, question, answer."""
    problem, split, kind = row["problem"], row["split"], row.get("kind")
    if split not in SPLITS:
        raise ValueError
    return storable(_text(problem["id"])), split, storable(kind) if kind else None, *asked(problem)


def asked(problem: Mapping[str, Any]) -> tuple[str, str]:
    """Question with its choices, and answer."""
    choices = [f"({choice['label']}) {choice['text']}" for choice in problem.get("choices") or ()]
    return storable("\n".join([_text(problem["question"]), *choices])), storable(_text(problem["answer"]))


def _attempt(batch: Batch, problem: int, row: Mapping[str, Any], _place: tuple[int, int]) -> None:
    text, verdict = row["text"], row["verdict"]
    correct, answer = verdict["correct"], verdict["answer"]
    if not isinstance(text, str) or not isinstance(correct, bool):
        raise TypeError
    cell = batch.cells.get(problem)
    if cell is None:
        cell = batch.cells[problem] = [0, 0]
        batch.texts[problem] = [text]
    else:
        batch.texts[problem].append(text)
    cell[0] += correct
    cell[1] += 1
    if not correct and isinstance(answer, str):
        batch.answers[problem, storable(answer[:SHORT])] += 1


def _evaluated(batch: Batch, problem: int, row: Mapping[str, Any], place: tuple[int, int]) -> None:
    _attempt(batch, problem, row, place)
    batch.answers.clear()  # those of exams are counted


def _mistake(batch: Batch, problem: int, row: Mapping[str, Any], _place: tuple[int, int]) -> None:
    kind, step, instead = row["kind"], row.get("step"), row.get("right")
    if kind is not None:
        kind = storable(_text(kind)[:SHORT])
        batch.kinds.setdefault(problem, set()).add(kind)
        batch.kind_counts[kind] += 1
    if isinstance(step, str) and step:
        key = storable(step[:SHORT]), storable(str(instead or "")[:SHORT])
        batch.steps.setdefault(key, [0, problem])[0] += 1


def _reply(batch: Batch, problem: int, row: Mapping[str, Any], place: tuple[int, int], answered: bool = True) -> None:
    verdict, failure = row["verdict"], row.get("failure")
    usage: Mapping[str, Any] = row.get("usage") or {}
    sound, reason, text = verdict["correct"] is True, str(verdict["reason"]), _text(row["text"])
    askings = [cast(Mapping[str, Any], asking) for asking in row.get("asked") or ()]
    tokens = [usage.get("requests", 0), usage.get("prompt_tokens", 0), usage.get("completion_tokens", 0)]
    pico = round(usage.get("cost_usd", 0.0) * PICO)
    if not all(isinstance(each, int) and 0 <= each < 2**50 for each in (*tokens, pico)):
        raise ValueError
    written = sum(int(asking["prompt_tokens"]) + int(asking["completion_tokens"]) for asking in askings)
    for place_of, asking in enumerate(askings):
        name = str(asking["way"]) + ", hint" * bool(asking.get("hint"))
        count = batch.ways.setdefault(storable(name), [0, 0])
        count[0] += 1
        count[1] += bool(asking["sound"])
        last = place_of == len(askings) - 1 and not reason.startswith("no reply: ")
        if not asking["sound"]:
            kind = asking.get("failure") or (failure if last else None) or "refused"
            batch.refused.append((storable(str(kind)), problem, *place, place_of))
    if failure is not None and (not askings or reason.startswith("no reply: ")):
        batch.refused.append((storable(str(failure)), problem, *place, -1))
    if failure is not None:
        batch.failures[storable(str(failure))] += 1
    for index, value in enumerate((*tokens, pico, int(sound))):
        batch.usage[index] += value
    batch.replies.append(Reply(problem, answered, sound, pico, written or tokens[1] + tokens[2]))
    explanation = row.get("explanation")
    batch.texts.setdefault(problem, []).extend([text, explanation] if isinstance(explanation, str) else [text])


def _failed(batch: Batch, problem: int, row: Mapping[str, Any], place: tuple[int, int]) -> None:
    _reply(batch, problem, row, place, answered=False)


def _example(batch: Batch, _number: int, row: Mapping[str, Any], place: tuple[int, int]) -> None:
    """The question of a problem, in a run that has no problems.jsonl."""
    problem = row["problem"]
    _text(row["anchor"])
    batch.problems.append((storable(_text(problem["id"])), "train", None, *asked(problem), *place))


_TAKES: dict[str, Callable[..., object]] = {
    "problems": _problem,
    "replies": _reply,
    "failed": _failed,
    "exam": _attempt,
    "evaluation": _evaluated,
    "mistakes": _mistake,
    "examples": _example,
}
