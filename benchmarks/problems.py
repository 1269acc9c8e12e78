"""What the ways are timed on: generated problems with right and wrong rationales, and few-shot prompts of a length.

One of seed 0, "Ann draws 13 shrimps and 8 dogs. How many legs does she draw in total?":

    anchor    13 shrimps: 13 × 10 = 130. 8 dogs: 8 × 4 = 32. 130 + 32 = 162.
    positive  First, 13 shrimps: 13 × 10 = 130. Then 8 dogs: 8 × 4 = 32. So 130 + 32 = 162.
    negative  To begin with, 13 shrimps: 13 × 10 = 130. After that, 8 dogs: 8 × 4 = 32. In the end, 130 + 32 = 171.

each followed by a line that states its answer. Rationales are those that the answer key would teach.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from itertools import chain

from transformers import PreTrainedTokenizerBase

from benchmarks.reference import Row
from tutelage.api import load_task
from tutelage.config import TeacherConfig
from tutelage.records import Feedback, Problem, TrainingExample, WorkedExample, state_answer
from tutelage.rounds.requests import annotation_requests
from tutelage.student.prompts import PromptFormat
from tutelage.tasks.task import Task
from tutelage.teacher.answer_key import AnswerKeyTeacher

TASK = "leg_counting"
WORKED = 64
"""Problems held out of the training problems, to be worked examples of long prompts."""


def benchmark_examples(count: int, *, seed: int = 0, options: Mapping[str, int] | None = None) -> list[TrainingExample]:
    """`count` problems, each with an anchor, one positive and one negative, none like another.

    `options` are those of the task, such as `{"max_animals": 2}`.
    """
    task = _task(count, seed, options)
    problems, replies = task.problems("train"), list[Feedback]()
    AnswerKeyTeacher(grade=task.grade, kind=task.kind, seed=seed).teach(
        annotation_requests(problems, TeacherConfig(rationales_per_problem=3), seed), replies.append
    )
    texts = iter(reply.text for reply in replies)  # three a problem, in order
    return [
        TrainingExample(problem, next(texts), (next(texts),), (_miscounted(next(texts), problem, seed),))
        for problem in problems
    ]


def benchmark_format(
    tokenizer: PreTrainedTokenizerBase,
    prefix_tokens: int,
    *,
    seed: int = 0,
    options: Mapping[str, int] | None = None,
) -> PromptFormat:
    """Prompts whose few-shot prefix is as near to `prefix_tokens` as whole worked examples come.

    They are the task's own, then problems that `benchmark_examples` of the same seed and options leaves out.
    """
    task = _task(1, seed, options)
    worked: list[WorkedExample] = []
    held_out = (_worked(problem) for problem in task.problems("validation"))
    for example in chain(task.examples, held_out):
        longer = [*worked, example]
        if _distance(tokenizer, longer, prefix_tokens) >= _distance(tokenizer, worked, prefix_tokens):
            break
        worked = longer
    return PromptFormat(tokenizer, worked)


def prefix_length(format: PromptFormat) -> int:
    """Tokens that the worked examples add to every prompt."""
    bare = PromptFormat(format.tokenizer, chat=format.chat)
    return len(format.prompt_ids(format.prompt("?"))) - len(bare.prompt_ids(bare.prompt("?")))


def encoded_rows(format: PromptFormat, examples: Sequence[TrainingExample]) -> list[Row]:
    """The examples as the reference's way takes them; the first positive and the first negative of each."""

    def completion(texts: Sequence[str]) -> tuple[int, ...] | None:
        return tuple(format.completion_ids(texts[0])) if texts else None

    return [
        Row(
            tuple(format.prompt_ids(format.prompt(example.problem.text))),
            tuple(format.completion_ids(example.anchor)),
            completion(example.positives),
            completion(example.negatives),
        )
        for example in examples
    ]


def _task(count: int, seed: int, options: Mapping[str, int] | None) -> Task:
    # Training problems come last in the stream of a seed, so their number moves no other problem.
    return load_task(TASK, train=count, validation=WORKED, test=1, seed=seed, options=dict(options or {}))


def _worked(problem: Problem) -> WorkedExample:
    return WorkedExample(problem.text, state_answer(problem.rationale or "", problem.answer))


def _distance(tokenizer: PreTrainedTokenizerBase, worked: Sequence[WorkedExample], tokens: int) -> int:
    return abs(tokens - prefix_length(PromptFormat(tokenizer, worked)))


def _miscounted(rationale: str, problem: Problem, seed: int) -> str:
    """The rationale with a wrong total, as a student slips in the last sum."""
    slip = random.Random(f"{seed}/{problem.id}").randint(1, 9)
    return re.sub(rf"(?<!\d){problem.answer}(?!\d)", str(int(problem.answer) + slip), rationale)
