"""How a worked example is written down."""

from __future__ import annotations

from tutelage.records import Choice, Problem, WorkedExample, state_answer


def worked(question: str, steps: str, answer: str, *choices: str) -> WorkedExample:
    """An example with its steps and its answer, a letter where there are choices."""
    labelled = tuple(Choice(label, text) for label, text in zip("ABCDE", choices, strict=False))
    return WorkedExample(Problem.of(question, answer, choices=labelled).text, state_answer(steps, answer))
