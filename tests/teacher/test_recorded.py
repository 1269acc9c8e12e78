import json
import re
from dataclasses import replace

import pytest

from tests.teacher.grading import grade
from tutelage.errors import DataError
from tutelage.records import FeedbackRequest, Problem, Usage
from tutelage.teacher.answer_key import AnswerKeyTeacher
from tutelage.teacher.recorded import NOT_RECORDED, RecordedTeacher

PENS = Problem.of("Tom has 3 boxes of 4 pens. How many pens?", "12")


@pytest.fixture
def record(tmp_path):
    def write(*rows):
        path = tmp_path / "recorded.jsonl"
        path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows), encoding="utf-8")
        return path

    return write


def ask(path, *requests, fallback=None, explain=False, check_arithmetic=True):
    given_back = []
    how = {"fallback": fallback, "explain": explain, "check_arithmetic": check_arithmetic}
    RecordedTeacher(path, grade=grade, **how).teach(requests, given_back.append)
    return given_back


def test_replays_and_states_the_answer(record):
    path = record(
        {"question": "  Tom has 3 boxes of  4 pens.\nHow many pens? ", "rationale": "3 × 4 = 12", "answer": "12"}
    )
    [feedback] = ask(path, FeedbackRequest(PENS))
    assert feedback.text == "3 × 4 = 12\nThe answer is 12."
    assert feedback.verdict.correct
    assert feedback.usage == Usage(requests=1)


def test_a_stated_answer_is_kept_and_put_in_the_common_form(record):
    path = record({"question": PENS.question, "rationale": "3 × 4 = 12.\n#### 12.0", "answer": "99"})
    assert ask(path, FeedbackRequest(PENS))[0].text == "3 × 4 = 12.\nThe answer is 12."


def test_deals_several_in_order(record):
    path = record(*({"question": PENS.question, "rationale": f"Way {n}.", "answer": "12"} for n in range(3)))
    texts = [feedback.text.split(".")[0] for feedback in ask(path, *(FeedbackRequest(PENS, None, n) for n in range(4)))]
    assert texts == ["Way 0", "Way 1", "Way 2", "Way 0"]


def test_rationales_for_the_mistake_in_view_come_first(record):
    row = {"question": PENS.question, "answer": 12}
    path = record({**row, "rationale": "Plain."}, {**row, "rationale": "For seven.", "mistake": "3 + 4 =  7"})
    replies = ask(path, FeedbackRequest(PENS, "3 + 4 = 7 "), FeedbackRequest(PENS, "8"), FeedbackRequest(PENS))
    assert [feedback.text.split(".")[0] for feedback in replies] == ["For seven", "Plain", "Plain"]


def test_the_explanation_of_a_recorded_mistake(record):
    row = {"question": PENS.question, "answer": 12, "explanation": "It adds."}
    path = record({**row, "rationale": "For seven.", "mistake": "3 + 4 = 7"}, {**row, "rationale": "Plain."})
    seven, plain = ask(path, FeedbackRequest(PENS, "3 + 4 = 7"), FeedbackRequest(PENS), explain=True)
    assert (seven.explanation, plain.explanation) == ("It adds.", None)
    (unasked,) = ask(path, FeedbackRequest(PENS, "3 + 4 = 7"))
    assert unasked.explanation is None
    assert seven.text == "For seven.\nThe answer is 12."


def test_what_is_not_recorded_comes_from_fallback(record):
    pens = replace(PENS, equation="3 * 4")
    row = {"question": PENS.question, "answer": 12}
    path = record(
        {**row, "rationale": "Plain."},
        {**row, "rationale": "Wrong.", "answer": 7},
        {**row, "rationale": "For seven.", "mistake": "3 + 4 = 7"},
    )
    other = Problem.of("Another?", "5", equation="2 + 3")
    requests = [
        FeedbackRequest(pens),
        FeedbackRequest(pens, None, 1),
        FeedbackRequest(pens, None, 2),
        FeedbackRequest(pens, "3 + 4 = 7"),
        FeedbackRequest(pens, "3 × 4 = 13. The answer is 13.", 0),
        FeedbackRequest(other),
    ]
    replies = ask(path, *requests, fallback=AnswerKeyTeacher(grade=grade, kind="number", explain=True))
    assert [(reply.problem_id, reply.mistake, reply.sample) for reply in replies] == [
        (request.problem.id, request.mistake, request.sample) for request in requests
    ]
    plain, wrong, third, seven, thirteen, another = replies
    assert (plain.text, seven.text) == ("Plain.\nThe answer is 12.", "For seven.\nThe answer is 12.")
    assert (wrong.verdict.correct, wrong.verdict.reason) == (False, "7 is not 12")  # recorded so, and not put right
    assert third.verdict.correct
    assert "3 × 4 = 12" in third.text
    assert thirteen.explanation == "3 × 4 = 13 is wrong: 3 × 4 = 12."
    assert another.text == "2 + 3 = 5.\nThe answer is 5."


def test_fallback_is_asked_once_and_while_requests_still_come(record):
    class Fallback:
        def teach(self, requests, deliver):
            sessions.append([request.sample for request in requests])

    sessions, delivered = [], []
    path = record({"question": PENS.question, "rationale": "Plain.", "answer": 12})
    stream = (FeedbackRequest(PENS, None, sample) for sample in range(3))
    RecordedTeacher(path, grade=grade, fallback=Fallback()).teach(stream, delivered.append)
    assert sessions == [[1, 2]]
    assert [feedback.sample for feedback in delivered] == [0]


@pytest.mark.parametrize(
    ("row", "reason", "failure"),
    [
        ({"rationale": "3 + 4 = 7", "answer": "7"}, "7 is not 12", "wrong answer"),
        ({"rationale": "3 × 4 = 12"}, "no answer is stated", "unparsable"),
        ({"rationale": "3 × 4 = 12", "answer": ""}, "no answer is stated", "unparsable"),
        ({"rationale": "3 × 4 = 12", "answer": "12", "mistake": "3 + 4 = 7"}, NOT_RECORDED, "nothing to teach from"),
        ({"question": "Another?", "rationale": "3 × 4 = 12", "answer": "12"}, NOT_RECORDED, "nothing to teach from"),
    ],
)
def test_rejects_with_the_reason(record, row, reason, failure):
    [feedback] = ask(record({"question": PENS.question} | row), FeedbackRequest(PENS))
    assert (feedback.verdict.correct, feedback.verdict.reason, feedback.failure) == (False, reason, failure)


GOOD = json.dumps({"question": "q", "rationale": "r"})


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("{", "line 3: not JSON"),
        ("[1]", "line 3: expected an object, found list"),
        ('{"question": "q"}', "line 3, field 'rationale': expected text, it is missing"),
        ('{"question": " ", "rationale": "r"}', "line 3, field 'question': expected text, found \" \""),
        ('{"question": "q", "rationale": "r", "answer": ["4"]}', "line 3, field 'answer': expected text, found"),
        (
            '{"question": "q", "rationale": "r", "explanation": 4}',
            "line 3, field 'explanation': expected text, found 4",
        ),
        ("[" * 100_000, "line 3: not JSON"),
    ],
)
def test_a_broken_row_is_named(record, row, message):
    with pytest.raises(DataError, match=r"recorded\.jsonl, ") as error:
        RecordedTeacher(record(GOOD, "", row), grade=grade)
    assert message in str(error.value)


def test_a_missing_or_foreign_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"nowhere\.jsonl: cannot be read"):
        RecordedTeacher(tmp_path / "nowhere.jsonl", grade=grade)
    (tmp_path / "latin").write_bytes(b'{"question": "caf\xe9"}')
    with pytest.raises(DataError, match="is not UTF-8 at byte"):
        RecordedTeacher(tmp_path / "latin", grade=grade)


STEPS = "Each box holds 4 pens, so 3 × 4 = 12 pens."


@pytest.mark.parametrize(
    "rationale",
    [
        f"{STEPS}\nThe answer is 12.\n\nQuestion: Ann has 2 boxes of 5 pens. How many?\n2 × 5 = 10.\nThe answer is 10.",
        f"{STEPS}\nThe answer is 12.<|im_end|>\n<|im_start|>user\nAnd 2 × 5?",
        f"{STEPS}\nThe answer is 12.\nUser: thanks",
        f"<think>The answer is 7.</think>{STEPS}",
        f"Sure! **Step 1:** {STEPS}\n\n**Answer: 12**\n\nI hope this helps!",
        f"[THINK]Perhaps 3 + 4 = 8?[/THINK]{STEPS}",
        STEPS.replace("3 × 4 = 12", "$3 \\times 4 = 12$"),
    ],
)
def test_a_rationale_is_read_as_a_reply_is(record, rationale):
    [feedback] = ask(record({"question": PENS.question, "rationale": rationale, "answer": 12}), FeedbackRequest(PENS))
    assert (feedback.verdict.correct, feedback.text) == (True, f"{STEPS}\nThe answer is 12.")


@pytest.mark.parametrize(
    ("rationale", "reason"),
    [
        ("2 × 4 = 9 pens, and 9 + 3 = 12.", "2 × 4 = 9 is false: it makes 8"),
        ("37 / 3 = 12 pens.\nThe answer is 12.", "37 / 3 = 12 is false: it makes about 12.33"),
        ("\\frac{20+10}{2} = 12.", "(20+10)/2 = 12 is false: it makes 15"),
    ],
)
def test_a_false_calculation_is_rejected_as_in_a_reply(record, rationale, reason):
    path = record({"question": PENS.question, "rationale": rationale, "answer": 12})
    [feedback] = ask(path, FeedbackRequest(PENS))
    assert (feedback.verdict.correct, feedback.text) == (False, rationale)
    assert feedback.verdict.reason.replace(" ", "") == reason.replace(" ", "")
    unchecked = []
    RecordedTeacher(path, grade=grade, check_arithmetic=False).teach([FeedbackRequest(PENS)], unchecked.append)
    assert unchecked[0].verdict.correct


@pytest.mark.parametrize("rationale", ["17 / 3 = 12 rides, rounded.", "$1 / 2 = 50 cents. $2.50 - $2.24 = 26 cents."])
def test_what_may_be_meant_otherwise_is_kept(record, rationale):
    path = record({"question": PENS.question, "rationale": rationale.replace("17 / 3", "37 / 3"), "answer": 12})
    assert ask(path, FeedbackRequest(PENS))[0].verdict.correct


def test_a_byte_order_mark_is_taken(record):
    path = record({"question": PENS.question, "rationale": STEPS, "answer": 12})
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert ask(path, FeedbackRequest(PENS))[0].verdict.correct


def test_of_the_right_recordings_only_those_that_miscalculate_are_rejected(shared_data):
    path = shared_data / "recorded" / "svamp.jsonl"
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()[:400] if line]
    requests = [FeedbackRequest(Problem.of(row["question"], row["answer"])) for row in rows if row["answer"]]
    taken = [feedback for feedback in ask(path, *requests, check_arithmetic=False) if feedback.verdict.correct]
    checked = {feedback.problem_id: feedback.verdict for feedback in ask(path, *requests)}
    rejected = [checked[reply.problem_id].reason for reply in taken if not checked[reply.problem_id].correct]
    assert len(taken) > 350
    assert all(re.search("is false: it makes|divides by zero", reason) for reason in rejected)
    assert len(rejected) < 0.03 * len(taken), rejected


def test_real_recordings_replay(shared_data):
    path = shared_data / "recorded" / "multiarith.jsonl"
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]
    requests = [FeedbackRequest(Problem.of(row["question"], row["answer"])) for row in rows if row["answer"]]
    replies = ask(path, *requests)
    assert len(replies) == len(requests)
    assert sum(feedback.verdict.correct for feedback in replies) > 0.9 * len(requests)


def test_a_way_that_does_not_earn_its_answer_is_used_and_counted(record):
    said, replies = [], []
    path = record(
        {"question": PENS.question, "rationale": "3 × 4 = 12 pens. The answer is 12."},
        {"question": PENS.question, "rationale": "3 + 4 = 7 pens. The answer is 12."},
        {"question": PENS.question, "rationale": "He multiplies 3 by 17 - 13. The answer is 12."},
        {"question": PENS.question, "rationale": "3 × 4 = 13 pens. The answer is 12."},
        {"question": PENS.question, "rationale": "3 × 5 = 15 pens. The answer is 15."},
    )
    teacher = RecordedTeacher(path, grade=grade, say=said.append)
    teacher.teach([FeedbackRequest(PENS, sample=sample) for sample in range(5)], replies.append)
    assert [reply.failure for reply in replies] == [None, None, None, "false calculation", "wrong answer"]
    [line] = said
    assert line.startswith(
        "of 3 recorded rationales in use, some do not earn their answers: does not come to its answer "
    )


def test_nothing_is_said_of_rationales_that_all_earn_their_answers(record):
    said = []
    path = record({"question": PENS.question, "rationale": "3 × 4 = 12 pens. The answer is 12."})
    RecordedTeacher(path, grade=grade, say=said.append).teach([FeedbackRequest(PENS)], lambda _: None)
    assert said == []


def test_a_known_number_is_no_doubt_where_the_answers_are_texts(record):
    said = []
    path = record({"question": "Which atomic number has iron?", "rationale": "Iron has 26 protons. The answer is 26."})
    teacher = RecordedTeacher(path, grade=grade, kind="text", say=said.append)
    teacher.teach([FeedbackRequest(Problem.of("Which atomic number has iron?", "26"))], lambda _: None)
    assert said == []
