"""A teacher that replays recorded rationales from a JSONL file.

    {"question": "Tom has 3 boxes of 4 pens. How many pens?", "rationale": "3 boxes of 4 pens are 3 × 4 = 12 pens.",
     "answer": "12", "mistake": "3 + 4 = 7 pens.", "explanation": "The pens are in every box: multiply."}

`answer` (optional) is the rationale's conclusion, if its text does not state one. `mistake` (optional) is the attempt
that the rationale corrects, and `explanation` (optional) says what is wrong with it. Rows are matched to a problem by
the hash of the question, ignoring white space.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, cast

from tutelage.errors import DataError
from tutelage.json_lines import read_values
from tutelage.records import (
    AnswerKind,
    FailureReason,
    Feedback,
    FeedbackRequest,
    Grade,
    Problem,
    Usage,
    Verdict,
    content_hash,
    state_answer,
)
from tutelage.teacher.judge.soundness import Judge
from tutelage.teacher.prompts import texts
from tutelage.teacher.reading.echoes import Echoes
from tutelage.teacher.reading.reasoning import reasoning, steps_of
from tutelage.teacher.teacher import Deliver, Teacher

NOT_RECORDED = "no rationale recorded for this problem"


@dataclass(frozen=True, slots=True)
class _Row:
    rationale: str
    answer: str | None
    mistake: str | None
    explanation: str | None


class RecordedTeacher:
    """Returns the rationales of a question in the file's order, by `sample`, starting over after the last.

    Rationales recorded for the request's mistake come before those recorded without one. They are parsed as an
    endpoint's replies are; with `check_arithmetic`, one with a surely false calculation is rejected. Whether the way
    earns the answer is not a reason to reject what a person may have written; `say` hears how many do not, by kind.

    With a `fallback`, it gets the requests that the file has nothing for: a mistake without a record, and a sample
    after the last recorded one. Then no recorded text is used twice; a wrong one is still delivered as rejected.

    Raises:
        DataError: the file cannot be read, a row is broken, or there are no rows.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        grade: Grade,
        kind: AnswerKind = "number",
        fallback: Teacher | None = None,
        explain: bool = False,
        check_arithmetic: bool = True,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._grade, self._fallback, self._say = grade, fallback, say
        self._kind: AnswerKind = kind
        self._explain, self._check_arithmetic = explain, check_arithmetic
        self._ours = Echoes.of(texts())
        self._rows: defaultdict[str, list[_Row]] = defaultdict(list)
        for question, row in _read_rows(Path(path)):
            self._rows[content_hash(question)].append(row)
        if not self._rows:
            raise DataError("holds no rationale; check teacher.path", path=path)

    def covered(self, problems: Sequence[Problem]) -> int:
        """For how many problems the file has a rationale."""
        return sum(content_hash(problem.question) in self._rows for problem in problems)

    @property
    def key(self) -> str:
        """See Teacher: a hash of the file's content, the settings and the fallback's key."""
        after = self._fallback.key if self._fallback else None
        rows = [(question, list(map(asdict, rows))) for question, rows in self._rows.items()]
        return f"recorded {content_hash(json.dumps([rows, self._explain, self._check_arithmetic, after]))}"

    def teach(self, requests: Iterable[FeedbackRequest], deliver: Deliver) -> None:
        """Answer every request; one without a rationale, or with a wrong one, ends as a rejected Feedback.

        Raises what `fallback` raises.
        """
        doubts: Counter[FailureReason | None] = Counter()
        owed = self._deal(requests, deliver, doubts)
        if self._fallback is not None:
            self._fallback.teach(owed, deliver)
        else:
            for request in owed:
                verdict = Verdict(False, None, NOT_RECORDED)
                deliver(Feedback(*request.identity, "", verdict, Usage(requests=1), failure="nothing to teach from"))
        kinds = ", ".join(f"{kind} {count}" for kind, count in doubts.most_common() if kind)
        if kinds:
            self._say(f"of {doubts.total()} recorded rationales in use, some do not earn their answers: {kinds}")

    def _deal(
        self, requests: Iterable[FeedbackRequest], deliver: Deliver, doubts: Counter[FailureReason | None]
    ) -> Iterator[FeedbackRequest]:
        """Deliver the recorded rationales, and yield the requests without one; `doubts` counts the flaws of ways."""
        for request in requests:
            if (row := self._find(request)) is None:
                yield request
                continue
            text, verdict, flaw = self._read(request.problem, row)
            explanation = (row.explanation or None) if self._explain and row.mistake is not None else None
            failure = None if verdict.correct else flaw
            doubts.update([flaw] if verdict.correct else [])
            deliver(
                Feedback(*request.identity, text, verdict, Usage(requests=1), failure=failure, explanation=explanation)
            )

    def _find(self, request: FeedbackRequest) -> _Row | None:
        rows = self._rows.get(content_hash(request.problem.question), [])
        fitting = [row for row in rows if row.mistake is not None and _same(row.mistake, request.mistake)]
        plain = [row for row in rows if row.mistake is None]
        if self._fallback is None or fitting:
            dealt = fitting or plain
            return dealt[request.sample % len(dealt)] if dealt else None
        return plain[request.sample] if request.mistake is None and request.sample < len(plain) else None

    def _read(self, problem: Problem, row: _Row) -> tuple[str, Verdict, FailureReason | None]:
        """The rationale, parsed and in the common form, its verdict and its flaw; a rejected one stays as recorded.

        The flaw of one that is used is that of its way.
        """
        recorded = row.rationale.strip()
        text = reasoning(recorded) or recorded
        verdict = self._grade(problem, text)
        if verdict.answer is None and row.answer:
            text = state_answer(text, row.answer)
            verdict = self._grade(problem, text)
        if not verdict.correct:
            return recorded, verdict, "unparsable" if verdict.answer is None else "wrong answer"
        judge = Judge(problem, self._grade, self._ours, self._check_arithmetic, check_way=False, kind=self._kind)
        steps, flaw = judge.sound_part(steps_of(text, problem, self._grade))
        if flaw is not None:
            return recorded, Verdict(False, verdict.answer, flaw[1]), flaw[0]
        concluded = state_answer(steps, problem.answer)
        if not (verdict := self._grade(problem, concluded)).correct:
            return recorded, verdict, "unparsable"
        doubt = replace(judge, check_way=True).flaw(steps)
        return concluded, verdict, doubt[0] if doubt else None


def _same(recorded: str, mistake: str | None) -> bool:
    return mistake is not None and content_hash(recorded) == content_hash(mistake)


def _read_rows(path: Path) -> Iterator[tuple[str, _Row]]:
    if not path.exists():
        raise DataError("cannot be read: there is no such file; check teacher.path", path=path)
    for number, value in read_values(path):
        yield _read_row(value, path, number)


def _read_row(row: object, path: Path, number: int) -> tuple[str, _Row]:
    if not isinstance(row, dict):
        raise DataError(f"expected an object, found {type(row).__name__}", path=path, line=number)
    fields = cast(dict[str, Any], row)

    def text(field: str, *, required: bool) -> str | None:
        value = fields.get(field)
        if isinstance(value, bool | int | float) and field == "answer":
            value = json.dumps(value)
        if value is None and not required:
            return None
        if not isinstance(value, str) or (required and not value.strip()):
            found = "it is missing" if field not in fields else f"found {json.dumps(value, ensure_ascii=False)[:60]}"
            raise DataError(f"expected text, {found}", path=path, line=number, field=field)
        return value

    question, rationale = text("question", required=True), text("rationale", required=True)
    answer, mistake, explanation = (text(field, required=False) for field in ("answer", "mistake", "explanation"))
    return question or "", _Row(rationale or "", answer, mistake, explanation)
