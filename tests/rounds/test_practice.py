"""Practice problems in whole runs of a tiny real student: made, judged, trained on, sat in later exams."""

import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.command import tutelage
from tests.once import made_once
from tests.rounds.conftest import two_rounds
from tutelage.api import load_task, run
from tutelage.config import RunConfig
from tutelage.config.file import parse_config
from tutelage.errors import ConfigError, TeacherError
from tutelage.practice_records import Practice, PracticeSummary
from tutelage.records import SPLITS, Attempt, Feedback, FeedbackRequest, Problem, TrainingExample, Verdict
from tutelage.report.progress import Show
from tutelage.rounds.estimate import estimate
from tutelage.rounds.requests import practice_requests
from tutelage.run_records import RunResult
from tutelage.runs.files import read_rows
from tutelage.runs.finished import read_result
from tutelage.runs.reader import ProblemRow
from tutelage.studies.arms import changed
from tutelage.tasks.catalog import open_task
from tutelage.teacher.answer_key import AnswerKeyTeacher
from tutelage.testing import answer_key_endpoint

pytestmark = pytest.mark.slow


def practising(config: RunConfig, each: int = 1, **teacher) -> RunConfig:
    return changed(config, teacher={"practice": each, **teacher}, training={"epochs": 1})


@pytest.fixture(scope="module")
def finished(tiny, tmp_path_factory) -> Path:
    def make(folder: Path) -> None:
        run(practising(two_rounds(tiny), 2, replies_per_round=3), folder / "run")

    return made_once(tmp_path_factory, "practised", make) / "run"


def rows(root: Path, round: int) -> list[Practice]:
    return read_rows(root / f"round-{round:02d}" / "practice.jsonl", Practice)


def lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


def kept(root: Path, *rounds: int) -> list[Problem]:
    return [row.problem for round in rounds for row in rows(root, round) if row.verdict.correct and row.problem]


def result_of(root: Path) -> RunResult:
    found = read_result(root)
    assert found is not None
    return found


def attempts(root: Path, round: int) -> dict[str, list[Attempt]]:
    found: dict[str, list[Attempt]] = {}
    for attempt in read_rows(root / f"round-{round:02d}" / "exam.jsonl", Attempt):
        found.setdefault(attempt.problem_id, []).append(attempt)
    return found


def test_each_mistake_that_is_asked_about_gives_so_many(finished):
    for round in (1, 2):
        asked = {reply.identity for reply in read_rows(finished / f"round-{round:02d}/feedback.jsonl", Feedback)}
        made = rows(finished, round)
        assert len(made) == len({row.identity for row in made}) == 2 * len(asked) == 6
        assert {(row.problem_id, row.mistake) for row in made} == {(name, mistake) for name, _, mistake in asked}
    result = result_of(finished)
    assert result.rounds[0].practice is None
    for row in result.rounds[1:]:
        made = rows(finished, row.round)
        good = sum(each.verdict.correct for each in made)
        dropped = {each.failure for each in made if each.failure}
        assert row.practice == PracticeSummary(6, good, row.practice.dropped if row.practice else {})
        assert row.practice.dropped.keys() == dropped
        assert good >= 4
        assert row.teacher.replies_used == 3 + good


def test_what_is_kept_differs_from_all_known_problems(finished):
    task = load_task("leg_counting", train=6, validation=3, test=4, options={"min_animals": 2, "max_animals": 2})
    known = {problem.id for split in SPLITS for problem in task.problems(split)}
    made = [problem.id for problem in kept(finished, 1, 2)]
    assert len(set(made)) == len(made)
    assert known.isdisjoint(made)


def test_they_are_trained_on_at_once_and_sat_in_later_exams(finished):
    task = {each.id for each in load_task("leg_counting", train=6, validation=3, test=4,
                                          options={"min_animals": 2, "max_animals": 2}).problems("train")}  # fmt: skip
    first, second = ({problem.id for problem in kept(finished, round)} for round in (1, 2))
    examples = [read_rows(finished / f"round-{round:02d}/examples.jsonl", TrainingExample) for round in (1, 2)]
    assert {each.problem.id for each in examples[0]} >= first
    assert {each.problem.id for each in examples[1]} >= first | second
    assert all(each.anchor.endswith(f"The answer is {each.problem.answer}.") for part in examples for each in part)
    assert attempts(finished, 1).keys() == task
    assert attempts(finished, 2).keys() == task | first
    mistakes = [json.loads(line)["problem_id"] for line in lines(finished / "round-02/mistakes.jsonl")]
    assert set(mistakes) & first


def test_the_exam_of_the_other_problems_is_as_without_them(finished, tiny, tmp_path):
    """In round 1 nothing has been trained on yet that another run has not."""
    config = changed(two_rounds(tiny), teacher={"replies_per_round": 3}, training={"epochs": 1}, rounds={"max": 1})
    run(config, tmp_path / "without")
    assert attempts(tmp_path / "without", 1) == attempts(finished, 1)
    assert not (tmp_path / "without/round-01/practice.jsonl").exists()
    assert result_of(tmp_path / "without").rounds[1].practice is None
    keys = [json.loads((root / "round-01/stages.json").read_text()) for root in (tmp_path / "without", finished)]
    assert keys[0]["exam"]["key"] == keys[1]["exam"]["key"]
    assert keys[0]["feedback"]["key"] == keys[1]["feedback"]["key"]


def test_the_runs_files_hold_them(finished):
    listed = read_rows(finished / "problems.jsonl", ProblemRow)
    assert [row.problem for row in listed[-len(kept(finished, 1, 2)) :]] == kept(finished, 1, 2)
    assert len(listed) == 6 + 3 + 4 + len(kept(finished, 1, 2))


def test_a_run_that_lost_its_figures_makes_the_same_ones(finished, tiny, tmp_path):
    root = shutil.copytree(finished, tmp_path / "run")
    before = rows(root, 1), rows(root, 2), (root / "problems.jsonl").read_bytes()
    first, second, third, *_ = lines(root / "round-01/practice.jsonl")
    changed_row = third.replace("answer", "unswer")
    (root / "round-01/practice.jsonl").write_text(f"{first}\n{second}\n{changed_row}\n", encoding="utf-8")
    (root / "problems.jsonl").unlink()
    said = list[str]()
    show = Show(quiet=True)
    show.say = said.append
    again = run(practising(two_rounds(tiny), 2, replies_per_round=3), root, show)
    assert (rows(root, 1), rows(root, 2), (root / "problems.jsonl").read_bytes()) == before
    assert any("practice.jsonl has changed" in line for line in said)
    assert any("of 6 practice problems kept" in line for line in said)
    assert again.rounds[1].practice == result_of(finished).rounds[1].practice
    assert again.rounds[1].validation == result_of(finished).rounds[1].validation


def test_exported_they_are_a_task(finished, tmp_path):
    path = tmp_path / "practice.jsonl"
    assert tutelage("practice", str(finished), "--out", str(path)).exit_code == 0
    exported = [json.loads(line) for line in lines(path)]
    assert [row["question"] for row in exported] == [problem.question for problem in kept(finished, 1, 2)]
    task = load_task("custom", path=path)
    read = {problem.id: problem for split in SPLITS for problem in task.problems(split)}
    assert read.keys() == {problem.id for problem in kept(finished, 1, 2)}
    assert all(problem.rationale and "answer is" not in problem.rationale for problem in read.values())


def sums(path: Path, count: int = 24) -> Path:
    """Problems as MultiArith has them: two steps, with an equation."""
    problems = [
        {
            "question": f"Debby had {n + 20} sweets while her sister had {2 * n + 9}. "
            f"They ate {n + 3}. How many are left?",
            "answer": str(2 * n + 26),
            "equation": f"(({n + 20}+{2 * n + 9})-{n + 3})",
        }
        for n in range(count)
    ]
    path.write_text("".join(json.dumps(problem) + "\n" for problem in problems))
    return path


def on_sums(tiny: str, folder: Path) -> RunConfig:
    """One round after round 0."""
    config = two_rounds(tiny).model_dump()
    path = str(sums(folder / "sums.jsonl"))
    config["task"] = {"name": "custom", "path": path, "validation": 3, "test": 3, "train": 6}
    config["rounds"]["max"] = 1
    return parse_config(config)


def test_problems_with_equations_get_other_numbers(tiny, tmp_path):
    config = on_sums(tiny, tmp_path)
    run(practising(config), tmp_path / "run")
    made = kept(tmp_path / "run", 1)
    assert made
    assert all(problem.equation and "sweets while her sister had" in problem.question for problem in made)
    assert all(
        row.text.endswith(f"The answer is {row.problem.answer}.") for row in rows(tmp_path / "run", 1) if row.problem
    )


def test_the_teacher_at_an_api_makes_them(tiny, tmp_path, syncs):
    config = on_sums(tiny, tmp_path)
    problems = open_task(config.task).problems("train")
    with answer_key_endpoint(problems) as endpoint:
        teacher = {"kind": "openai", "model": "test", "base_url": endpoint.base_url}
        short = practising(config, **teacher)
        result = run(short, tmp_path / "run")
        assert syncs["practice.jsonl"] == 0  # the ledger has them; the whole file is synced in the end
        asked = len(endpoint.requests)
        practice, told = result.rounds[1].practice, result.rounds[1].teacher
        assert practice is not None
        assert practice.asked == 6
        assert practice.kept >= 4
        assert told.requests == told.replies == 6 + 12
        assert sum(cost.requests for cost in result.teaching) == asked == 24
        most = estimate(short, open_task(short.task))
        assert told.requests <= most[1].most.requests
        assert told.prompt_tokens <= most[1].most.prompt_tokens
        # a cap holds for rationales and practice together, and a larger one goes on with what was bought
        capped = practising(config, **teacher, concurrency=1, budget={"requests": 6 + 6 + 5})
        root = tmp_path / "capped"
        ended = run(capped, root)
        assert ended.stopped_because == "the teacher's budget is spent"
        assert ended.rounds[1].practice is not None
        assert ended.rounds[1].practice.asked == 2
        assert len(endpoint.requests) - asked == 17
        run(changed(capped, teacher={"budget": {"requests": 100}}), root)
        assert [row.problem for row in rows(root, 1)] == [row.problem for row in rows(tmp_path / "run", 1)]
        assert len(endpoint.requests) - asked == 24, "nothing was paid for twice"


def test_of_a_later_round_only_new_requests_are_practised():
    problem = Problem.of("Tom has 3 boxes of 4 pens.", "12")
    known, new = FeedbackRequest(problem, "3 + 4 = 7", 0), FeedbackRequest(problem, "3 - 4 = 1", 1)
    before = [Feedback(*known.identity, "", Verdict(True, "12", "right"))]
    assert practice_requests([new, known], before, 2) == [replace(new, sample=2), replace(new, sample=3)]
    assert practice_requests([new, known], [], 1) == [new, known]


@dataclass
class Own:
    """A teacher of the user's, whose problems are the failed ones with other numbers, and one leak."""

    grade: object
    leak: Problem
    key: str = "own 1"

    def teach(self, requests, deliver) -> None:
        AnswerKeyTeacher(grade=self.grade, kind="number").teach(requests, deliver)

    def practise(self, requests, deliver) -> None:
        first, second, *others = requests
        right = Verdict(True, None, "right")
        deliver(Practice(*first.identity, f"It is so.\nThe answer is {self.leak.answer}.", right, problem=self.leak))
        deliver(Practice(*second.identity, "The answer is 3.", right, problem=Problem.of("What is 2 + 2 + 5?", "9")))
        AnswerKeyTeacher(grade=self.grade, kind="number").practise(others, deliver)


def test_a_teacher_of_the_users_own(tiny, tmp_path, syncs):
    config = on_sums(tiny, tmp_path)
    task = open_task(config.task)
    result = run(practising(config), tmp_path / "run", teacher=Own(task.grade, task.problems("test")[0]))
    practice = result.rounds[1].practice
    assert practice is not None
    assert syncs["practice.jsonl"] == practice.asked
    assert practice.dropped["held-out problem"] == practice.dropped["wrong answer"] == 1
    assert practice.kept >= 2


class Plain:
    key = "plain 1"

    def teach(self, requests, deliver) -> None: ...


class Wrong(Plain):
    def practise(self, requests, deliver) -> None:
        for request in requests:
            deliver(Feedback(*request.identity, "", Verdict(False, None, "")))


@pytest.mark.parametrize("kind", ["recorded", "answers", "student"])
def test_a_teacher_that_makes_none_is_refused(tiny, kind):
    with pytest.raises(ConfigError, match=f"a teacher of the kind '{kind}' makes no problems; set it to 0"):
        parse_config({"task": {"name": "leg_counting"}, "teacher": {"kind": kind, "path": "x", "practice": 1}})


def test_what_cannot_make_any_is_said_before_anything_is_written(tiny, tmp_path):
    with pytest.raises(ConfigError, match="the teacher Plain has no method practise"):
        run(practising(two_rounds(tiny)), tmp_path / "run", teacher=Plain())
    path = tmp_path / "own.jsonl"
    path.write_text("".join(f'{{"question": "What is {n} + 1?", "answer": "{n + 1}"}}\n' for n in range(20)))
    config = changed(two_rounds(tiny), task={"name": "custom", "path": str(path), "options": {}})
    with pytest.raises(ConfigError, match="the problems of custom have no equation"):
        run(practising(config), tmp_path / "run")
    path.write_text("".join(f'{{"question": "Spell {n}.", "answer": "colou?r {n}"}}\n' for n in range(20)))
    for kind in ("answer_key", "openai"):
        by_pattern = changed(config, task={"match": "regex"}, teacher={"kind": kind, "model": "m", "key_env": None})
        with pytest.raises(ConfigError, match=r"practice is 1, but the right answers of task\.match 'regex'"):
            run(practising(by_pattern), tmp_path / "run")
    assert not (tmp_path / "run").exists()
    with pytest.raises((ConfigError, TeacherError)):
        run(practising(two_rounds(tiny)), tmp_path / "wrong", teacher=Wrong())


def test_an_estimate_counts_them():
    config = parse_config(
        {
            "task": {"name": "leg_counting", "train": 12, "validation": 2, "test": 2},
            "teacher": {"kind": "openai", "model": "m", "replies_per_round": 5, "practice": 2, "ask": "mistake"},
            "rounds": {"max": 2},
        }
    )
    bounds = estimate(config, open_task(config.task))
    assert [bound.most.requests for bound in bounds] == [24, 2 * 5 + 2 * 2 * 5, 2 * 5 + 2 * 2 * 5]
    free = estimate(changed(config, teacher={"replies_per_round": None}), open_task(config.task))
    assert [bound.most.requests for bound in free] == [24, 12 * (2 + 4), (12 + 24) * (2 + 4)]
