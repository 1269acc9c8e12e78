"""Practice problems of an endpoint: written, solved independently, in ledger and budget like all else."""

import re

import pytest

from tests.teacher.online.sessions import PROBLEMS, make_teacher, spent
from tutelage.errors import BudgetSpent
from tutelage.practice_records import Practice
from tutelage.records import FeedbackRequest, Usage
from tutelage.testing import Fault, TeacherEndpoint, answer_key_endpoint

ASKED = [FeedbackRequest(problem, f"{n} + 4 = {n + 4} pens.", 1) for n, problem in enumerate(PROBLEMS[:6], start=2)]


def practise(folder, endpoint, asked=ASKED, **settings) -> list[Practice]:
    delivered = []
    teacher = make_teacher(folder, endpoint, **settings)
    teacher.practise(asked, delivered.append)
    return sorted(delivered, key=lambda reply: [request.identity for request in asked].index(reply.identity))


def writes(answer_of):
    """An endpoint that makes problems of nuts, and whose independent answers are those of a function."""

    def reply(body):
        prompt = body["messages"][1]["content"]
        if "<question>" in prompt:
            boxes = int(re.search(r"Tom has (\d+)", prompt)[1])
            asked = f"Ann has {boxes} bags of 6 nuts. How many nuts has she?"
            return f"Question: {asked}\n\nSolution:\n{boxes} × 6 = {6 * boxes} nuts.\nThe answer is {6 * boxes}."
        bags = int(re.search(r"Ann has (\d+)", prompt)[1])
        return f"There are so many nuts.\nThe answer is {answer_of(body, bags)}."

    return TeacherEndpoint(reply)


@pytest.mark.parametrize("batch", [False, True])
def test_a_problem_that_is_solved_alike_is_kept(tmp_path, batch):
    with answer_key_endpoint(PROBLEMS) as endpoint:
        made = practise(tmp_path, endpoint, batch=batch, batch_poll=0.02)
        asked = len(endpoint.requests)
        again = practise(tmp_path, endpoint)
        assert len(endpoint.requests) == asked, "the ledger answers"
    assert again == made
    assert asked == 2 * len(ASKED)
    assert [reply.identity for reply in made] == [request.identity for request in ASKED]
    for reply, request in zip(made, ASKED, strict=True):
        assert reply.verdict.correct
        assert reply.failure is None
        assert reply.problem is not None
        assert reply.problem.id != request.problem.id
        assert reply.problem.rationale
        assert reply.text.endswith(f"The answer is {reply.problem.answer}.")
        assert len(reply.keys) == 2
    assert sum((reply.usage for reply in made), Usage()) == spent(tmp_path)


def test_what_independent_replies_do_not_reach_is_dropped(tmp_path):
    with writes(lambda body, boxes: 6 * boxes if boxes % 2 else 1) as endpoint:
        made = practise(tmp_path, endpoint)
    assert [reply.failure for reply in made] == ["samples disagree", None] * 3
    assert made[0].verdict.reason == "0 of 1 independent replies reach 12"
    assert made[0].problem is not None
    assert made[1].text == "3 × 6 = 18 nuts.\nThe answer is 18."


def test_more_than_half_of_several_must_agree(tmp_path):
    seen = []

    def answer(body, boxes):
        seen.append(boxes)
        return 6 * boxes if seen.count(boxes) <= (2 if boxes % 2 else 1) else 1

    with writes(answer) as endpoint:
        made = practise(tmp_path, endpoint, self_consistency=3)
    assert [reply.failure for reply in made] == ["samples disagree", None] * 3
    assert [len(reply.keys) for reply in made] == [4] * 6


def test_one_that_cannot_be_read_is_not_solved(tmp_path):
    with TeacherEndpoint(lambda _: "I would rather not.") as endpoint:
        made = practise(tmp_path, endpoint)
        assert len(endpoint.requests) == len(ASKED)
    assert {reply.failure for reply in made} == {"no new problem"}
    assert all(reply.problem is None and not reply.verdict.correct for reply in made)


def test_many_poor_ones_do_not_end_the_session(tmp_path):
    asked = [FeedbackRequest(problem, "5") for problem in PROBLEMS]
    with TeacherEndpoint(lambda _: "I would rather not.") as endpoint:
        assert len(practise(tmp_path, endpoint, asked)) == len(PROBLEMS) > 50


def test_a_spent_budget_ends_it_and_more_of_it_goes_on(tmp_path):
    delivered = []
    with answer_key_endpoint(PROBLEMS) as endpoint:
        teacher = make_teacher(tmp_path, endpoint, budget={"requests": 5}, concurrency=1)
        with pytest.raises(BudgetSpent):
            teacher.practise(ASKED, delivered.append)
        assert len(endpoint.requests) == 5
        assert len(delivered) == 2, "the third is made, and not solved"
        assert len(practise(tmp_path, endpoint)) == 6
        assert len(endpoint.requests) == 12, "what was bought is not bought again"


@pytest.mark.parametrize(("refused", "place"), [("solution", 0), ("new problem", 1)])
def test_one_without_a_reply_is_delivered_as_that(tmp_path, refused, place):
    """Since the first request is answered, one that is refused is at fault itself, and not the settings."""
    before = {"solution": 1, "new problem": 2}[refused]
    with answer_key_endpoint(PROBLEMS, faults=[*[None] * before, Fault.http(400)]) as endpoint:
        made = practise(tmp_path, endpoint, concurrency=1)
    assert [reply.failure for reply in made] == [None] * place + ["rejected request"] + [None] * (5 - place)
    lost = made[place]
    assert lost.verdict.reason.startswith("no reply: the endpoint refused this request, and answers others")
    assert (lost.problem is not None, lost.verdict.correct) == (refused == "solution", False)
    assert len(lost.keys) == lost.usage.requests == (refused == "solution")
    assert all(reply.verdict.correct for reply in made if reply is not lost)


def test_prompts_of_the_users_own(tmp_path):
    path = tmp_path / "prompts.yaml"
    path.write_text(
        "system: |\n  Close with {closing}\nquestion: 'Question:\n\n  {question}'\nmistake: '{question} {mistake}'\n"
        "hint: '{answer}'\npractice: |\n  Like <question>\n  {question}\n  </question> but not {mistake}.\n"
        '  Write "Question:" and "Solution:".\n'
    )
    with writes(lambda body, boxes: 6 * boxes) as endpoint:
        made = practise(tmp_path, endpoint, prompt=str(path), practice=1)
        assert any("but not 2 + 4 = 6 pens.." in body["messages"][1]["content"] for body in endpoint.requests)
    assert all(reply.verdict.correct for reply in made)
