"""Right replies of two real models (Qwen2.5-Coder-Instruct, 0.5 and 1.5 billion parameters), labelled by hand.

    {"label": "sound" | "unsound" | "behind", "model": "1.5b", "way": "mistake-hint", "kind": "number", "question": …,
     "answer": "63", "reply": "The correct answer is 63. …"}

`behind` is a sound solution behind an answer given away, the mistake told, or our own words.
"""

import json
import re
from collections import defaultdict
from functools import partial
from pathlib import Path

import pytest

from tutelage.grading.grade import grade
from tutelage.records import Choice, Problem
from tutelage.teacher.reply import read_reply
from tutelage.text.sentences import sentences

ROWS = [json.loads(line) for line in Path(__file__).with_name("labelled_replies.jsonl").read_text("utf-8").splitlines()]

_TELLS = re.compile(
    r"^Mistake|^(?:Solution: )?The (?:correct )?answer (?:is|should)|[Ww]rong|go(?:es)? wrong|^To reach"
    "|attempt|mistake|first wrong step",
    re.MULTILINE,
)


def read(row):
    choices = tuple(Choice(*choice) for choice in row.get("choices", []))
    problem = Problem.of(row["question"], row["answer"], choices=choices)
    grader = partial(grade, row["kind"])
    how = {"max_tokens": 512, "check_arithmetic": True, "explained": "explain" in row["way"], "kind": row["kind"]}
    return read_reply(row["reply"], "stop", problem, grader, **how)


@pytest.fixture(scope="module")
def readings():
    by_label = defaultdict(list)
    for row in ROWS:
        by_label[row["label"]].append((row, read(row)))
    return by_label


def test_of_sound_replies_hardly_one_is_refused(readings):
    refused = [reading.verdict.reason for _, reading in readings["sound"] if reading.failure]
    assert len(refused) <= 0.02 * len(readings["sound"]), refused


@pytest.mark.parametrize(("number", "most"), [(True, 0.05), (False, 0.18)])  # the rest needs a reader who knows
def test_of_unsound_replies_few_are_accepted(readings, number, most):
    rows = [(row, reading) for row, reading in readings["unsound"] if (row["kind"] == "number") == number]
    accepted = [reading.text for _, reading in rows if not reading.failure]
    assert len(accepted) <= most * len(rows), accepted


def test_what_stands_round_a_sound_solution_is_never_trained_on(readings):
    for row, reading in readings["behind"]:
        steps = reading.text.rpartition("\n")[0]
        told = [sentence for sentence in sentences(row["reply"]) if _TELLS.search(sentence)]
        assert told, row["reply"]
        assert reading.failure or not any(sentence in steps for sentence in told), reading.text


def test_what_is_accepted_stays_as_it_is(readings):
    for label in readings:
        for row, reading in readings[label]:
            if not reading.failure:
                again = read({**row, "reply": reading.text})
                assert (again.text, again.failure) == (reading.text, None)
