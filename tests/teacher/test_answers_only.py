from tests.teacher.grading import grade
from tutelage.records import FeedbackRequest, Problem, Usage
from tutelage.teacher.answers_only import AnswersTeacher


def test_every_rationale_is_the_answer_alone():
    pens = Problem.of("Tom has 3 boxes of 4 pens. How many pens?", "12", equation="3 * 4")
    pear = Problem.of("Would a pear sink?", "no", rationale="Pears float.")
    requests = [FeedbackRequest(pens), FeedbackRequest(pens, "3 + 4 = 7. The answer is 7.", 2), FeedbackRequest(pear)]
    replies = []
    AnswersTeacher(grade=grade).teach(requests, replies.append)
    assert [reply.text for reply in replies] == ["The answer is 12.", "The answer is 12.", "The answer is no."]
    assert all(reply.verdict.correct and reply.explanation is None for reply in replies)
    assert all(reply.usage == Usage(requests=1) for reply in replies)
    assert (replies[1].problem_id, replies[1].sample, replies[1].mistake) == (pens.id, 2, requests[1].mistake)
