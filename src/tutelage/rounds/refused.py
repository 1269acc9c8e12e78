"""The teacher's replies that a run refused: the question, the way of asking, the reply, the kind and the reason.

round 1  "Tom has 3 boxes …"  mistake, hint  "The answer is 12."  answer leaked without reasoning  "no step comes …"

A run may be at work meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from tutelage.errors import TutelageError
from tutelage.json_lines import NotJson, parse_json
from tutelage.records import SPLITS, FailureReason, Feedback, Way
from tutelage.runs.reader import REPLIES, RunReader
from tutelage.tasks.catalog import open_task
from tutelage.teacher.ledger.reader import LedgerReader

NOT_KEPT = "not kept (the run was made by an earlier version)"


@dataclass(frozen=True, slots=True)
class RefusedReply:
    """An asking that brought no rationale.

    `question` is None if the task cannot be opened; `way` is None of a practice problem that was dropped, and if no
    reply came, when `replies` are empty. `replies` are several with self-consistency. `prompt` is what was sent, if a
    ledger holds it. `kind` is None if an earlier version did not keep it.
    """

    round: int
    problem_id: str
    question: str | None
    mistake: str | None
    way: Way | None
    hint: bool
    prompt: str | None
    replies: tuple[str, ...]
    kind: FailureReason | None
    reason: str


def refused_replies(root: Path, kind: str | None = None) -> list[RefusedReply]:
    """The refused replies of a run, by round; those of one kind alone if `kind` is given.

    Raises RunError if the ledger cannot be read.
    """
    run = RunReader(root)
    rounds = [
        (number, [each for name in REPLIES for each in run.records(number, name, Feedback)]) for number in run.folders
    ]
    wanted = {key for _, feedback in rounds for each in feedback for key in each.keys}
    asked, questions = _ledger(run, wanted), _questions(run) if rounds else {}
    found = [
        reply
        for number, feedback in rounds
        for each in feedback
        for reply in _of(number, each, questions.get(each.problem_id), asked)
    ]
    return [reply for reply in found if kind in (None, reply.kind)]


def _of(
    number: int, feedback: Feedback, question: str | None, ledger: Mapping[str, tuple[str, str]]
) -> Iterator[RefusedReply]:
    about = number, feedback.problem_id, question, feedback.mistake
    samples = len(feedback.keys) // max(1, len(feedback.asked))
    last = len(feedback.asked) - 1
    unanswered = feedback.verdict.reason.startswith("no reply: ")
    for place, asking in enumerate(feedback.asked):
        if asking.sound:
            continue
        rows = [ledger[key] for key in feedback.keys[place * samples : (place + 1) * samples] if key in ledger]
        texts = tuple(text for _, text in rows)
        kind, reason = asking.failure, asking.reason or NOT_KEPT
        if place == last and asking.failure is None and not unanswered:  # a row of an earlier version
            kind, reason = feedback.failure, feedback.verdict.reason
        if place == last and not texts and not unanswered:
            texts = (feedback.text,)
        yield RefusedReply(*about, asking.way, asking.hint, rows[0][0] if rows else None, texts, kind, reason)
    if feedback.failure is not None and (unanswered or not feedback.asked):
        texts = (feedback.text,) if feedback.text and not feedback.asked else ()
        prompt = next((ledger[key][0] for key in feedback.keys if key in ledger), None) if texts else None
        yield RefusedReply(*about, None, False, prompt, texts, feedback.failure, feedback.verdict.reason)


def _ledger(run: RunReader, wanted: set[str]) -> dict[str, tuple[str, str]]:
    """Prompt and text of the replies with these keys, the first of each key."""
    if not wanted or run.ledger is None:
        return {}
    with LedgerReader(run.ledger) as reader:
        return {key: (_prompt(row.request), row.text) for key, row in reader.find(wanted).items()}


def _prompt(request: str) -> str:
    try:
        messages = cast(dict[str, Any], parse_json(request))["messages"]
        return "\n\n".join(str(message["content"]) for message in messages if message["role"] != "system")
    except (NotJson, KeyError, TypeError):
        return ""


def _questions(run: RunReader) -> dict[str, str]:
    """The questions by problem: as the run has written them, or those of its task in a run of an earlier version."""
    if found := {problem.id: problem.text for problem in run.problems}:
        return found
    try:
        task = open_task(run.config.task) if run.config else None
    except TutelageError:
        return {}
    return {problem.id: problem.text for split in SPLITS for problem in task.problems(split)} if task else {}
