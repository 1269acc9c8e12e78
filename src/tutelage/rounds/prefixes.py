"""Where no attempt at a problem is right: the shortest prefix of its rationale from which the student succeeds.

    rationale   "3 × 4 = 12 pens. 12 - 2 = 10 are left. 10 / 5 = 2 pens each.\\nThe answer is 2."
    tried       from "3 × 4 = 12 pens. 12 - 2 = 10 are left.", then from "3 × 4 = 12 pens.": one attempt is right each
    learnt      what the student itself wrote after "3 × 4 = 12 pens."

The number of sentences is found by halving, for all problems at once. The next exam begins without prefixes, so a
student that gets better gets less help. The idea is BREAD's (Zhang et al. 2025, arXiv 2506.17211), with supervised
learning in place of its policy gradient.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from tutelage.config import ExamConfig
from tutelage.mistakes.repair import Repair
from tutelage.records import Attempt, Completion, Exam, Feedback, Problem
from tutelage.rounds.attempts import graded
from tutelage.rounds.context import RunContext
from tutelage.rounds.kept import is_done
from tutelage.rounds.lengths import answer_limit
from tutelage.rounds.requests import by_problem, order_of
from tutelage.runs.files import digest, read_rows, seed_of, write_rows
from tutelage.student.resources.meter import ResourceMeter
from tutelage.student.sampler import Sampled, exam_sampling
from tutelage.student.student import Student
from tutelage.text.calculations import find_calculations
from tutelage.text.run_on import cut
from tutelage.text.sentences import boundaries
from tutelage.text.statements import without_statement

PREFIXED = "prefixed.jsonl"
_LABEL = re.compile(r"^\W*\d{1,3}\.\Z", re.MULTILINE)
"""A line that is nothing but the number of a step."""


@dataclass(frozen=True, slots=True)
class Prefixed:
    """Attempts from a prefix of a problem's rationale. Their texts are what the student wrote after the prefix.

    An attempt is right if that states the right answer, and so does the whole.
    """

    problem_id: str
    prefix: str
    attempts: tuple[Attempt, ...]

    @property
    def solved(self) -> bool:
        """Whether an attempt is right."""
        return any(attempt.verdict.correct for attempt in self.attempts)


def sit_with_prefixes(
    ctx: RunContext, round: int, student: Student, sitting: Exam, history: Sequence[Sequence[Feedback]]
) -> list[Repair]:
    """What the student wrote after the shortest prefixes, as repairs; none without `exam.prefix_samples`.

    `history` is all feedback so far, this round's last: the newest right rationale of a problem is the one tried.
    """
    samples = ctx.config.exam.prefix_samples
    owed = list(_owed(ctx.problems, sitting, history)) if samples else []
    if not owed:
        return []
    limit = answer_limit(
        ctx.config.exam.max_new_tokens, student, [problem.text for problem in ctx.problems], student.answer_tokens
    )
    room = student.room_for_answers([each.problem.text for each in owed], [each.prefixes[-1] for each in owed])
    limit = limit if room is None else max(1, min(limit, room))
    settings = ctx.config.exam.model_copy(update={"max_new_tokens": limit, "samples": samples})
    asked = settings.model_dump(include={"samples", "temperature", "max_new_tokens"})
    stage = ctx.run.shared_stage(round, "prefixes", asked, ctx.config.seed, student.key, digest(*owed))
    path = stage.folder / PREFIXED

    def is_whole() -> bool:
        return {row.problem_id for row in read_rows(path, Prefixed)} == {search.problem.id for search in owed}

    if not is_done(ctx, stage, "the prefixes are tried again", is_whole):
        stage.begin(path.name)
        with ctx.show.bar(f"round {round}: prefixes", len(owed)) as advance, ResourceMeter(student.device) as meter:
            rows, searching = list[Prefixed](), owed
            while searching:
                tried, cost = _tried(ctx, round, student, settings, searching)
                written = sum(attempt.tokens for row in tried for attempt in row.attempts)
                meter.count(written, cost.computed_tokens, cost.padded_tokens)
                rows += tried
                narrowed = [each.narrowed(row.solved) for each, row in zip(searching, tried, strict=True)]
                advance(sum(each.is_done for each in narrowed), written)
                searching = [each for each in narrowed if not each.is_done]
        write_rows(path, rows)
        stage.finish(meter.work)
    rows = read_rows(path, Prefixed)
    solved = len({row.problem_id for row in rows if row.solved})
    ctx.show.say(f"round {round}: {solved} of {len(owed)} problems without a right attempt are solved after a prefix")
    return list(_repairs(ctx.problems, rows))


def _tried(
    ctx: RunContext, round: int, student: Student, settings: ExamConfig, searching: Sequence[_Search]
) -> tuple[list[Prefixed], Sampled]:
    """The attempts from each search's next prefix, and the cost of the sampling."""
    problems, prefixes = [each.problem for each in searching], [each.prefix for each in searching]
    found: dict[int, Prefixed] = {}

    def answered(place: int, completions: Sequence[Completion]) -> None:
        problem, prefix = problems[place], prefixes[place]
        own = graded(ctx.task, problem, completions)  # the prefix alone may end with the answer
        whole = graded(ctx.task, problem, [replace(each, text=prefix + each.text) for each in completions])
        attempts = (replace(a, verdict=b.verdict) if a.verdict.correct else a for a, b in zip(own, whole, strict=True))
        found[place] = Prefixed(problem.id, prefix, tuple(attempts))

    seeds = [seed_of(ctx.config.seed, round, each.problem.id, each.prefix) for each in searching]
    cost = student.answer(problems, seeds, exam_sampling(settings), answered, prefixes)
    return [found[place] for place in range(len(searching))], cost


@dataclass(frozen=True, slots=True)
class _Search:
    """The search for a problem's shortest prefix.

    Those below `least` have failed, or are shorter than one that has. The one at `most` has succeeded, or is past the
    end.
    """

    problem: Problem
    prefixes: tuple[str, ...]
    least: int
    most: int

    @property
    def is_done(self) -> bool:
        """Whether no prefix is left to try."""
        return self.least == self.most

    @property
    def middle(self) -> int:
        """The number of the prefix to try next."""
        return (self.least + self.most) // 2

    @property
    def prefix(self) -> str:
        """The one to try next."""
        return self.prefixes[self.middle]

    def narrowed(self, solved: bool) -> _Search:
        """The search after its prefix has been tried."""
        return replace(self, most=self.middle) if solved else replace(self, least=self.middle + 1)


def prefixes_of(rationale: str) -> tuple[str, ...]:
    """The prefixes of a rationale that end with a sentence, the shortest first; the last sentence is the student's."""
    steps = without_statement(rationale)
    prefixes = (steps[: match.end()].rstrip() for match in boundaries(steps) if match.end() < len(steps))
    return tuple(prefix for prefix in prefixes if not _LABEL.search(prefix))


def _owed(problems: Sequence[Problem], sitting: Exam, history: Sequence[Sequence[Feedback]]) -> Iterator[_Search]:
    """The problems that were sat without a right attempt, with the prefixes of their newest rationale."""
    sat = by_problem(sitting.attempts)
    right = [by_problem(sorted((r for r in past if r.is_rationale), key=order_of)) for past in history]
    for problem in problems:
        newest = next((past[problem.id][-1].text for past in reversed(right) if problem.id in past), None)
        prefixes = prefixes_of(newest) if newest else ()
        attempts = sat.get(problem.id)  # none at this round's practice problems, which are new
        if prefixes and attempts and not any(attempt.verdict.correct for attempt in attempts):
            yield _Search(problem, prefixes, 0, len(prefixes))


def _repairs(problems: Sequence[Problem], rows: Sequence[Prefixed]) -> Iterator[Repair]:
    """The right attempts after each problem's shortest prefix, without false calculations."""
    shortest: dict[str, Prefixed] = {}
    for row in rows:
        known = shortest.get(row.problem_id)
        if row.solved and (known is None or len(row.prefix) < len(known.prefix)):
            shortest[row.problem_id] = row
    for problem in problems:
        if row := shortest.get(problem.id):
            written = dict.fromkeys(_sound(row))
            for text in written:
                yield Repair(problem, row.prefix, "", text, ends=True, weight=1 / len(written))


def _sound(row: Prefixed) -> Iterator[str]:
    """The right attempts that came to their end without a false calculation."""
    for attempt in row.attempts:
        text = cut(row.prefix + attempt.text)[len(row.prefix) :].rstrip()
        sound = attempt.verdict.correct and attempt.finish == "stop"
        if sound and text and all(step.holds for step in find_calculations(text)):
            yield text
