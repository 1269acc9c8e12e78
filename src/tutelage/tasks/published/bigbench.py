"""Rows of BIG-bench: Date Understanding, and the multiple choice of BIG-bench-hard (`bbh`), a file for each task.

date_understanding   {"input": "Today is … What is the date …?", "target_scores": {"05/01/2021": 1, "02/23/2021": 0, …}}
bbh                  {"input": "… Which is true?\\nOptions:\\n(A) The owl is …\\n(B) …", "target": "(A)"}
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast

from tutelage.json_lines import shortened
from tutelage.records import Choice, Problem, content_hash
from tutelage.tasks.published.gold import gold
from tutelage.tasks.rows import Row

SUBSETS = (
    *(
        "causal_judgement",
        "date_understanding",
        "disambiguation_qa",
        "formal_fallacies",
        "geometric_shapes",
        "hyperbaton",
    ),
    *("logical_deduction_five_objects", "logical_deduction_seven_objects", "logical_deduction_three_objects"),
    *("movie_recommendation", "navigate", "penguins_in_a_table", "reasoning_about_colored_objects", "ruin_names"),
    *("salient_translation_error_detection", "snarks", "temporal_sequences"),
    *("tracking_shuffled_objects_five_objects", "tracking_shuffled_objects_seven_objects"),
    "tracking_shuffled_objects_three_objects",
)
"""The tasks of BIG-bench-hard whose questions list their options."""

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_OPTIONS = re.compile(r"\n\s*Options:\s*\n", re.IGNORECASE)
_OPTION = re.compile(r"(?:\(([A-Z])\)|-)\s*(.*)")
_HUB_FORM = re.compile(r"^(?:Q: )|\n\s*choice:[^\n]*|\n\s*A:\s*$")


def date_understanding(row: Row) -> Problem:
    """A row of Date Understanding. The right choice is always listed first, so the order is drawn by content."""
    question, value = (row.text("input"), row.value("target_scores")) if row.has("input") else _from_hub(row)
    scores: Mapping[str, Any] = cast(Mapping[str, Any], value) if isinstance(value, Mapping) else {}
    right = [text for text, score in scores.items() if score]
    if len(right) != 1 or len(scores) < 2:
        row.fail("target_scores", f"expected one right choice among several, found {shortened(dict(scores))}")
    texts = sorted(scores, key=lambda text: content_hash(question, text))
    choices = tuple(Choice(label, text) for label, text in zip(_LETTERS, texts, strict=False))
    return Problem.of(question, _LETTERS[texts.index(str(right[0]))], choices=choices)


def bbh(row: Row) -> Problem:
    """A row of BIG-bench-hard: the options that the question lists are its choices."""
    question, mark, listed = row.text("input").rpartition("Options:")
    lines = [line.strip() for line in listed.strip().splitlines() if line.strip()]
    found = [_OPTION.fullmatch(line) for line in lines]
    if not mark or not question.strip() or len(found) < 2 or None in found:
        row.fail("input", f"expected options such as '(A) …' at its end, found {shortened(row.text('input')[-60:])}")
    choices = tuple(
        Choice(option[1] or label, option[2].strip() or "none")
        for label, option in zip(_LETTERS, found, strict=False)
        if option
    )
    return Problem.of(question.strip(), gold(row, "target", "choice", row.text("target"), choices), choices=choices)


def _from_hub(row: Row) -> tuple[str, dict[str, Any]]:
    listed = [row.value("multiple_choice_targets"), row.value("multiple_choice_scores")]
    targets, scores = (cast(list[Any], part) if isinstance(part, list) else [] for part in listed)
    if len(targets) != len(scores):
        row.fail("multiple_choice_targets", f"expected as many choices as scores, found {shortened(listed[0])}")
    return _HUB_FORM.sub("", row.text("inputs")).strip(), dict(zip(map(str, targets), scores, strict=True))
