"""A story, the mistakes, the teacher and a pair, of runs with and without the files that are for readers alone."""

import pytest

from tests.view.index.runs import attempt, mistake, problem, reply, run_in, until, write
from tutelage.records import Problem
from tutelage.teacher.ledger.ledger import Answered, Ledger, LedgerRow
from tutelage.view.class_book import book_page
from tutelage.view.facts import Filter, Flow, Mark
from tutelage.view.index.index import RunIndex
from tutelage.view.mistakes import mistakes
from tutelage.view.pair import Side, pair
from tutelage.view.story import story
from tutelage.view.teacher import latency, over_time, refused_page, teacher_facts

ASKED = [
    {"way": "mistake", "hint": False, "sound": False, "prompt_tokens": 20, "completion_tokens": 5}
    | {"failure": "wrong answer", "reason": "7 is not 12"},
    {"way": "question", "hint": True, "sound": True, "prompt_tokens": 30, "completion_tokens": 6}
    | {"failure": None, "reason": ""},
]


def row(key, text, created=1000.0, seconds=2.0, usd=0.125):
    return LedgerRow(key, "one", created, "http://localhost", "m", "{}", text, "stop", 20, 5, usd, seconds=seconds)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    run = run_in(tmp_path_factory.mktemp("runs") / "run")
    solved = problem("a", "Tom has 3 boxes of 4 pens. How many?", rationale="3 × 4 = 12")
    write(run / "problems.jsonl", [solved, problem("b"), problem("c"), problem("v", split="validation")])
    write(run / "round-00" / "annotation.jsonl", [reply("a"), reply("b", "unparsable", "?", 0.5)])
    first = run / "round-01"
    write(first / "exam.jsonl", [attempt(name, at, name == "b") for name in "cab" for at in range(2)])
    write(first / "mistakes.jsonl", [mistake("a", 0, "wrong plan"), mistake("a", 1, "format", "")])
    write(first / "feedback.jsonl", [reply("a", keys=["k1", "k2"], asked=ASKED, usd=0.25)])
    write(first / "failed.jsonl", [{**reply("c", "time-out", ""), "asked": [], "keys": []}])
    example = {"problem": solved["problem"], "anchor": "3 × 4 = 12", "positives": ["p"], "negatives": ["n"]}
    write(first / "examples.jsonl", [{**example, "corrects": None}])
    write(first / "evaluation.jsonl", [attempt("v", 0, True)])
    write(
        run / "round-02" / "exam.jsonl",
        [attempt(name, at, name == "a" or at == 0) for name in "abc" for at in range(2)],
    )
    with Ledger(run / "ledger.sqlite") as ledger:
        replies = row("k1", "It is 7."), row("k2", "3 × 4 = 12", 1060.0, 4.0), row("x", "of another")
        ledger.write(*(Answered(str(at), each) for at, each in enumerate(replies)))
    return run


@pytest.fixture(scope="module")
def index(run):
    with RunIndex.open(run) as opened:
        assert opened.wait().done
        yield opened


def test_a_story(index):
    told = story(index, "a", Filter(sort="-order"))
    assert told is not None
    assert (told.question, told.answer, told.solution) == ("Tom has 3 boxes of 4 pens. How many?", "12", "3 × 4 = 12")
    assert (told.course, told.before, told.after, told.place, told.of) == ("learnt", "b", None, 3, 3)
    assert [each.round for each in told.rounds] == [0, 1, 2]
    _, first, second = told.rounds
    assert [each.mark for each in first.attempts] == [
        Mark(0, 9, "3 × 4 = 12", "wrong plan"),
        Mark(0, 9, "3 × 4 = 12", "format"),
    ]
    assert [each.correct for each in second.attempts] == [True, True]
    [said] = first.replies
    assert said.raw == [("mistake", "It is 7."), ("question, hint", "3 × 4 = 12")]
    assert (said.text, said.failure, said.usd, said.seconds) == ("Each holds 4.", None, 0.25, 6.0)
    assert (said.prompt_tokens, said.completion_tokens, said.mistake) == (50, 11, "3 + 4 = 7")
    [example] = first.examples
    assert (example.anchor, list(example.positives), list(example.negatives)) == ("3 × 4 = 12", ["p"], ["n"])


def test_stories_of_other_problems(index):
    validated = story(index, "v")
    assert validated is not None
    assert (validated.split, validated.course, validated.rounds, validated.place) == ("validation", "unseen", [], 0)
    assert validated.answers["evaluation-1"].correct
    failed = story(index, "c", Filter(course="mixed"))
    assert failed is not None
    assert (failed.place, failed.of, failed.rounds[0].replies[0].failure) == (0, 1, "time-out")
    assert story(index, "nobody") is None


def test_mistakes(index):
    found = mistakes(index)
    assert found.kinds == {"exam-1": {"format": 1, "wrong plan": 1}}
    assert found.flows == {
        "exam-1": [
            Flow("right", "sometimes", 1),
            Flow("wrong", "right", 1),
            Flow("wrong", "sometimes", 1),
        ]
    }
    assert found.wrong_answers[0] == ("c", "How many?", "7", 3)
    assert found.wrong_steps == [("3 + 4 = 7", "3 × 4 = 12", 1, "a")]


def test_the_teacher(index):
    facts = teacher_facts(index)
    assert facts.by_round == [(0, 2, 40, 10, 0.75, 1), (1, 2, 40, 10, 0.5, 1)]
    assert facts.failures == {"time-out": 1, "unparsable": 1}
    assert facts.ways == {"mistake": (3, 1), "question, hint": (1, 1)}
    assert facts.latency == [("m", 2.0, 4.0)]
    assert sum(count for _, count in facts.over_time) == 3
    assert facts.dearest[0] == ("b", "How many?", 0.5, 25)
    assert facts.spent_usd == 1.25


def test_refused_replies(index):
    page = refused_page(index)
    assert (page.found, page.pages, page.kinds) == (3, 1, {"time-out": 1, "unparsable": 1, "wrong answer": 1})
    found = {each.kind: each for each in page.rows}
    assert (found["wrong answer"].text, found["wrong answer"].reason) == ("It is 7.", "7 is not 12")
    assert (found["wrong answer"].usd, found["unparsable"].text) == (0.125, "?")
    assert [each.kind for each in refused_page(index, "time-out").rows] == ["time-out"]
    assert refused_page(index, "no such kind", 9).rows == []


def test_a_pair(index):
    both = pair(Side(index, "exam-1"), Side(index, "exam-2"))
    assert (both.both, both.only_left, both.only_right, both.neither) == (1, 0, 2, 0)
    assert both.difference == pytest.approx(2 / 3)
    assert both.p == 0.5
    assert {each.id: (each.left.correct, each.right.correct) for each in both.rows} == {
        "a": (False, True),
        "b": (True, True),
        "c": (False, True),
    }
    assert [each.id for each in pair(Side(index, "exam-1"), Side(index, "exam-2"), "right").rows] == ["a", "c"]
    none = pair(Side(index, "exam-1"), Side(index, "evaluation-1"))
    assert (none.problems, none.rows, none.p) == (0, [], 1.0)


def test_two_runs(index, tmp_path):
    other = run_in(tmp_path / "other", "two")
    write(other / "round-01" / "exam.jsonl", [attempt(name, 0, True) for name in "zca"])
    with RunIndex.open(other) as second:
        second.wait()
        found = pair(Side(index, "exam-1"), Side(second, "exam-1"), "differ")
    assert (found.problems, found.only_right, found.left, found.right) == (2, 2, "run:exam-1", "other:exam-1")
    assert [(each.id, each.question) for each in found.rows] == [
        ("a", "Tom has 3 boxes of 4 pens. How many?"),
        ("c", "How many?"),
    ]


def test_a_run_of_an_earlier_version(tmp_path):
    """Problems are those of the training examples; marks are made for a story."""
    run = run_in(tmp_path / "old")
    asked = Problem.of("Tom has 3 boxes of 4 pens. How many?", "12", rationale="3 × 4 = 12")
    inner = problem(asked.id, asked.question, rationale=asked.rationale)["problem"]
    examples = [{"problem": inner, "anchor": "3 × 4 = 12", "positives": [], "negatives": [], "corrects": None}] * 2
    write(run / "round-01" / "exam.jsonl", [attempt(asked.id, 0, False, "So 3 × 4 = 13. The answer is 13.", "13")])
    write(run / "round-01" / "examples.jsonl", examples)
    with RunIndex.open(run) as index:
        assert index.wait().rows == 3
        told = story(index, asked.id)
        assert told is not None
        assert (told.question, told.answer, len(told.rounds[0].examples)) == (asked.question, "12", 2)
        assert told.rounds[0].attempts[0].mark == Mark(3, 13, "3 × 4 = 12", "wrong calculation")
        write(run / "round-01" / "feedback.jsonl", [reply(asked.id)])
        until(lambda: book_page(index, Filter(kind="wrong calculation")).found == 1)
        assert mistakes(index).kinds == {"exam-1": {"wrong calculation": 1}}
        write(run / "round-01" / "mistakes.jsonl", [mistake(asked.id, 0, "format")])
        until(lambda: mistakes(index).kinds == {"exam-1": {"format": 1}})


def test_curves():
    assert over_time([]) == []
    assert over_time([5.0]) == [(5.0, 1)]
    assert over_time([0.0, 1.0, 10.0], 2) == [(5.0, 2), (10.0, 1)]
    assert latency([("b", 1.0), ("a", 2.0), ("a", 4.0)]) == [("a", 3.0, 4.0), ("b", 1.0, 1.0)]
