"""How `tutelage view` asks the students of a run: on demand, one model in memory at a time."""

from __future__ import annotations

from pathlib import Path

MOST_TOKENS = 256
"""Tokens after which an answer is cut."""


def ask_both(run: Path, question: str) -> tuple[str, str | None]:
    """The answers of the student of a run and of the untrained one, asked as in the run. Raises TutelageError."""
    from tutelage.config.file import read_written
    from tutelage.records import Problem
    from tutelage.student.sampler import SamplingSettings
    from tutelage.student.student import Student, taught_prompts

    folder = run / "student"
    taught = taught_prompts(str(folder))
    config = read_written(run / "config.yaml").student
    examples = taught.examples if taught else ()
    untrained = Student(config.model_copy(update={"few_shot": len(examples)}), examples)
    greedy, answers = SamplingSettings(max_new_tokens=MOST_TOKENS), list[str]()
    for student in (untrained.at(folder, "student"), untrained):
        student.answer([Problem.of(question, "")], [0], greedy, lambda _, given: answers.append(given[0].text.strip()))
        student.release()
    return answers[0], answers[1]
