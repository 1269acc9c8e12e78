"""`task.match: json`: values are equal, whatever the order of keys, the white space and what stands round them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutelage.errors import ConfigError, DataError
from tutelage.grading.grade import grade
from tutelage.records import Problem
from tutelage.tasks.catalog import load_task


def right(gold, text):
    return grade("text", Problem.of("?", gold), text, "json").correct


@pytest.mark.parametrize(
    ("gold", "text", "correct"),
    [
        ('{"a": 1, "b": [2, 3]}', '{"b": [2, 3.0], "a": 1}', True),
        ('{"a": 1}', 'First {"a": 2}.\nThe answer is {"a": 1}.', True),
        ('{"a": 1}', '```json\n{\n  "a": 1\n}\n```', True),
        ('{"a": 1}', '{"a": true}', False),
        ('{"a": 1}', '{"a": 1, "b": 2}', False),
        ("[1, 2]", "[2, 1]", False),
        ('{"a": 1}', "none", False),
        ('"pen"', 'The answer is "pen".', True),
        ("true", "It is\ntrue", True),
    ],
)
def test_values_are_compared(gold, text, correct):
    assert right(gold, text) is correct


def test_a_long_value_is_read_whole_and_broken_ones_end():
    long = json.dumps([{"n": n} for n in range(500)])
    assert right(long, f"See [1], {{2}} and {{a: 3}}. The answer is {long}.")
    assert not right(long, '[{"a":' * 50_000)
    assert right("[1]", "[" * 900 + " [1]")


def test_a_right_answer_that_is_no_json_is_told():
    assert "is no JSON" in grade("text", Problem.of("?", "{a"), '{"a": 1}', "json").reason


@given(st.recursive(st.integers(-9, 9) | st.text(max_size=4) | st.none(), lambda inner: st.lists(inner, max_size=3)))
def test_every_value_is_itself(value):
    assert right(json.dumps([value]), f"So:\n{json.dumps([value], indent=1)}")


@given(st.text("{}[]\"'a1,: \n", max_size=40))
def test_any_text_is_graded(text):
    assert grade("text", Problem.of("?", '{"a": 1}'), text, "json").reason


def test_a_task_of_json(tmp_path):
    file = tmp_path / "mine.jsonl"
    rows = [{"question": f"{n}?", "answer": {"n": n}} for n in range(5)]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    task = load_task("custom", path=file, match="json")
    problem = task.problems("train")[0]
    assert task.grade(problem, f"So {problem.answer}").correct
    with pytest.raises(DataError, match=r"name it in task\.field"):
        load_task("custom", path=file)
    file.write_text("".join(json.dumps({**row, "answer": "{"}) + "\n" for row in rows))
    with pytest.raises(DataError, match=r"line 1, field 'answer': '\{' is no JSON"):
        load_task("custom", path=file, match="json")
    with pytest.raises(ConfigError, match="kind number"):
        load_task("custom", path=file, match="json", kind="number")
