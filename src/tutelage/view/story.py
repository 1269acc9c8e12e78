"""Everything that a run holds about one problem, round by round."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from tutelage.records import Problem, Split
from tutelage.teacher.ledger.ledger import LedgerRow
from tutelage.view.class_book import ordered
from tutelage.view.facts import (
    Course,
    Filter,
    Mark,
    ShownAttempt,
    ShownExample,
    ShownReply,
    Story,
    StoryRound,
)
from tutelage.view.fields import listed, mapping, number, place, text
from tutelage.view.index.index import RunIndex
from tutelage.view.index.unmarked import problem_in
from tutelage.view.marks import mark_of
from tutelage.view.practised import practised

Rows = Sequence[Mapping[str, Any]]


def story(index: RunIndex, problem_id: str, wanted: Filter | None = None) -> Story | None:
    """The story of a problem; None if the run has no such problem.

    `before`, `after`, `place` (from 1) and `of` are those in the class book under the filter; a problem that the filter
    leaves out has none of them.
    """
    query = """SELECT id, split, kind, question, answer, path, offset, length, course
        FROM (SELECT problems.*, path FROM problems LEFT JOIN files ON files.id = file)
        LEFT JOIN book ON problem = id WHERE name = ?"""
    found = index.rows(query.replace("SELECT problems.*, path", _PROBLEM_COLUMNS), (problem_id,))
    if not found:
        return None
    number, split, kind, question, answer, path, offset, length, course = found[0]
    problem = _problem(index, problem_id, path, offset, length)
    if problem:
        question, answer = problem.text, problem.answer
    files = _files(index, number, problem_id)
    kind = kind or index.answers_are
    before, after, place, of = _neighbours(index, number, wanted or Filter())
    return Story(
        id=problem_id,
        split=cast(Split, split),
        question=question,
        answer=answer,
        solution=problem and (problem.rationale or problem.equation),
        course=cast(Course, course or "unseen"),
        rounds=_rounds(index, files, problem, kind),
        answers={
            _sitting(path, round): attempt
            for path, role, round, rows in files
            if role == "evaluation"
            for attempt in _attempts(rows, {}, None, None)[:1]
        },
        before=before,
        after=after,
        place=place,
        of=of,
    )


_PROBLEM_COLUMNS = """SELECT problems.id, split, kind, question, answer, path, problems.offset, length, name"""


def _problem(index: RunIndex, name: str, path: str | None, offset: int, length: int) -> Problem | None:
    rows = index.read(path, offset, length) if path else []
    return next((problem for row in rows if (problem := problem_in(row, name))), None)


def _files(index: RunIndex, number: int, name: str) -> list[tuple[str, str, int | None, Rows]]:
    """The rows of a problem by file: path, role, round, rows."""
    query = """SELECT path, role, round, spans.offset, length FROM files CROSS JOIN spans ON file = id
        WHERE problem = ? ORDER BY round IS NULL, round, id, spans.offset"""
    found: dict[str, tuple[str, str, int | None, list[Mapping[str, Any]]]] = {}
    for path, role, round, offset, length in index.rows(query, (number,)):
        rows = [row for row in index.read(path, offset, length) if _is_about(row, name)]
        found.setdefault(path, (path, role, round, []))[3].extend(rows)
    return list(found.values())


def _is_about(row: Mapping[str, Any], name: str) -> bool:
    """Whether a row is still the problem's: the file may just have been written anew."""
    problem: object = row.get("problem")
    inner = cast(Mapping[str, object], problem).get("id") if isinstance(problem, dict) else None
    return name in (row.get("problem_id"), inner)


def _rounds(
    index: RunIndex, files: Sequence[tuple[str, str, int | None, Rows]], problem: Problem | None, kind: str | None
) -> list[StoryRound]:
    by_round: dict[int, dict[str, list[Mapping[str, Any]]]] = {}
    for _, role, round, rows in files:
        if round is not None and role != "evaluation":
            by_round.setdefault(round, {}).setdefault(role, []).extend(rows)
    keys = {
        str(key) for roles in by_round.values() for row in roles.get("replies", ()) for key in listed(row.get("keys"))
    }
    ledger = index.replies(keys)
    return [
        StoryRound(
            round,
            _attempts(roles.get("exam", ()), _marks(roles.get("mistakes", ())), problem, kind),
            [_reply(row, ledger) for role in ("replies", "failed") for row in roles.get(role, ())],
            [example for row in roles.get("examples", ()) for example in _example(row)],
            [repair for row in roles.get("repairs", ()) for repair in _repair(row)],
            list(practised(roles.get("practice", ()))),
        )
        for round, roles in sorted(by_round.items())
    ]


def _marks(rows: Rows) -> dict[object, Mark]:
    """The marks that the run wrote down, by sample."""
    return {
        place(row.get("sample")): Mark(
            place(row.get("start")), place(row.get("end")), text(row.get("right")) or "", text(row.get("kind"))
        )
        for row in rows
    }


def _found(problem: Problem, kind: str | None, row: Mapping[str, Any]) -> Mark | None:
    """The mark of a mistake that the run has not marked."""
    found = mark_of(problem, kind, row)
    return found and Mark(found.start, found.end, found.right, found.kind)


def _attempts(
    rows: Rows, marks: Mapping[object, Mark], problem: Problem | None, kind: str | None
) -> list[ShownAttempt]:
    found: list[ShownAttempt] = []
    for row in rows:
        try:
            verdict, sample, said = row["verdict"], int(row["sample"]), str(row["text"])
            mark = marks.get(sample) or (_found(problem, kind, row) if problem and not marks else None)
            cut, tokens = row.get("finish") == "length", place(row.get("tokens")) or 0
            right, reason = verdict["correct"] is True, str(verdict["reason"])
            answer, thoughts = text(verdict["answer"]), text(row.get("thoughts")) or ""
            found.append(ShownAttempt(sample, said, right, answer, reason, cut, tokens, mark, thoughts))
        except (KeyError, TypeError, ValueError, OverflowError):
            continue
    return sorted(found, key=lambda attempt: attempt.sample)


def _reply(row: Mapping[str, Any], ledger: Mapping[str, LedgerRow]) -> ShownReply:
    verdict, usage = mapping(row.get("verdict")), mapping(row.get("usage"))
    keys, asked = [str(key) for key in listed(row.get("keys"))], [mapping(each) for each in listed(row.get("asked"))]
    samples = max(1, len(keys) // max(1, len(asked)))
    raw: list[tuple[str, str]] = []
    for at, key in enumerate(keys):
        if key in ledger:
            way = way_of(asked[at // samples]) if at // samples < len(asked) else ""
            raw.append((way, ledger[key].text))
    took = [ledger[key].seconds for key in keys if key in ledger and ledger[key].seconds]
    sound = verdict.get("correct") is True
    prompt, completion = (
        int(sum(number(asking.get(name)) for asking in asked) or number(usage.get(name)))
        for name in ("prompt_tokens", "completion_tokens")
    )
    return ShownReply(
        mistake=text(row.get("mistake")),
        raw=raw,
        text=_taught(row) if sound else None,
        failure=text(row.get("failure")),
        reason=str(verdict.get("reason") or ""),
        usd=number(usage.get("cost_usd")),
        prompt_tokens=prompt,
        completion_tokens=completion,
        seconds=sum(took) if took else None,
    )


def _taught(row: Mapping[str, Any]) -> str:
    """What a sound reply teaches: a rationale, or the step that it puts right."""
    said, step = str(row.get("text") or ""), text(row.get("step"))
    return said if step is None else f"Wrong: {step or '(end)'}\nRight: {said.strip()}"


def way_of(asking: Mapping[str, Any]) -> str:
    """A way of asking in words: `mistake, hint`."""
    return str(asking.get("way") or "") + ", hint" * bool(asking.get("hint"))


def _example(row: Mapping[str, Any]) -> Iterator[ShownExample]:
    try:
        positives, negatives = ([str(each) for each in row[name]] for name in ("positives", "negatives"))
        yield ShownExample(str(row["anchor"]), positives, negatives, text(row.get("corrects")))
    except (KeyError, TypeError):
        return


def _repair(row: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    parts = [text(row.get(name)) for name in ("before", "wrong", "right", "rest")]
    before, wrong, right, rest = (part or "" for part in parts)
    if right:
        yield before, wrong, right + rest


def _neighbours(index: RunIndex, number: int, wanted: Filter) -> tuple[str | None, str | None, int, int]:
    numbers = ordered(index, wanted)
    try:
        place = numbers.index(number)
    except ValueError:
        return None, None, 0, len(numbers)
    beside = [numbers[at] if 0 <= at < len(numbers) else 0 for at in (place - 1, place + 1)]
    names = dict(index.rows("SELECT id, name FROM problems WHERE id IN (?, ?)", tuple(beside)))
    return names.get(beside[0]), names.get(beside[1]), place + 1, len(numbers)


def attempts_in(index: RunIndex, number: int, name: str, sitting: str) -> list[ShownAttempt]:
    """The attempts at a problem in one sitting."""
    query = """SELECT path, spans.offset, length FROM sittings JOIN spans USING (file) JOIN files ON files.id = file
        WHERE sittings.name = ? AND problem = ? ORDER BY spans.offset"""
    found = [index.read(*place) for place in index.rows(query, (sitting, number))]
    return _attempts([row for rows in found for row in rows if row.get("problem_id") == name], {}, None, None)


def _sitting(path: str, round: int | None) -> str:
    return path.removesuffix(".jsonl") if round is None else f"evaluation-{round}"
