"""The error model: who is at fault decides the exit code, and a data error says where."""

from pathlib import Path

import pytest

from tutelage import errors
from tutelage.errors import (
    BudgetSpent,
    ConfigError,
    DataError,
    RunError,
    StudentError,
    TeacherError,
    TutelageError,
)

EXIT_CODES = {
    TutelageError: 2,
    ConfigError: 2,
    DataError: 2,
    RunError: 2,
    TeacherError: 3,
    BudgetSpent: 3,
    StudentError: 4,
}


@pytest.mark.parametrize(("kind", "code"), EXIT_CODES.items())
def test_the_exit_code_says_who_is_at_fault(kind, code):
    error = kind("the train split has 3 problems; ask for fewer")
    assert error.exit_code == code
    assert isinstance(error, TutelageError)
    assert str(error) == "the train split has 3 problems; ask for fewer"


def test_every_error_has_its_exit_code_here_and_its_line_on_the_page():
    kinds = {kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)}
    assert kinds == set(EXIT_CODES)
    assert all(kind.__name__ in (errors.__doc__ or "") for kind in kinds)


def test_errors_are_at_most_two_deep_below_the_first():
    assert all(len(kind.__mro__) - len(TutelageError.__mro__) <= 2 for kind in EXIT_CODES)


def test_a_spent_budget_is_caught_as_the_teachers():
    with pytest.raises(TeacherError, match="5 USD"):
        raise BudgetSpent("the cap of 5 USD is reached")


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ({}, "it is empty"),
        ({"path": "train.jsonl"}, "train.jsonl: it is empty"),
        ({"path": Path("data") / "train.jsonl"}, f"{Path('data') / 'train.jsonl'}: it is empty"),
        ({"line": 3}, "line 3: it is empty"),
        ({"field": "answer"}, "field 'answer': it is empty"),
        ({"path": "train.jsonl", "line": 3}, "train.jsonl, line 3: it is empty"),
        ({"path": "train.jsonl", "field": "answer"}, "train.jsonl, field 'answer': it is empty"),
        ({"line": 3, "field": "answer"}, "line 3, field 'answer': it is empty"),
        ({"path": "train.jsonl", "line": 3, "field": "answer"}, "train.jsonl, line 3, field 'answer': it is empty"),
    ],
)
def test_a_data_error_leads_with_where_it_is(where, message):
    error = DataError("it is empty", **where)
    assert str(error) == message
    assert (error.path, error.line, error.field) == (where.get("path"), where.get("line"), where.get("field"))


def test_the_fields_of_a_message_stay_on_one_line():
    assert str(DataError("found nothing", field="two\nlines")) == r"field 'two\nlines': found nothing"
