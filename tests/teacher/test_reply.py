import json
import re
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.teacher.grading import grade
from tests.work import assert_linear
from tutelage.grading.grade import grade as grade_by_value
from tutelage.records import Problem, Verdict
from tutelage.teacher.reply import read_reply, separate
from tutelage.text.markup import clean
from tutelage.text.run_on import cut

PENS = Problem.of("Tom has 3 boxes of 4 pens. How many pens?", "12")
STEPS = "Each box holds 4 pens, so 3 × 4 = 12 pens."


def read(text, finish_reason="stop", problem=PENS, *, grade=grade, check_arithmetic=True, explained=False):
    how = {"max_tokens": 512, "check_arithmetic": check_arithmetic, "explained": explained}
    return read_reply(text, finish_reason, problem, grade, **how)


@pytest.mark.parametrize(
    "reply",
    [
        f"{STEPS}\nThe answer is 12.",
        f"{STEPS} The answer is 12",
        f"**Solution:** {STEPS}\n\n**The answer is 12.**",
        f"### Solution\n\n{STEPS}\n\n#### 12",
        f"```\n{STEPS}\nThe answer is 12.\n```",
        f"```text\nSolution:\n{STEPS}\nAnswer: 12\n```",
        f"<think>Let me see. The answer is 7.</think>\n{STEPS}\n\\boxed{{12}}",
        f"Here is a short solution:\n- {STEPS}\n\nFinal answer: **12**",
        f"Let me see. The answer is 7.</think>\n\n{STEPS}\nThe answer is 12.",
        "Each box holds 4 pens, so 3 × 4 = \\boxed{12} pens.",
        "Each box holds 4 pens, so \\(3 \\times 4 = 12\\) pens.\n$\\boxed{12}$",
    ],
)
def test_a_good_reply_is_read_into_the_common_form(reply):
    reading = read(reply)
    assert (reading.verdict.correct, reading.failure) == (True, None), reading
    assert reading.text == f"{STEPS}\nThe answer is 12."


@pytest.mark.parametrize(
    "answer",
    [
        *(r"5\sqrt{2}", r"\frac{\sqrt{3}}{2}", r"90^\circ", r"(-\infty, 2)", r"\begin{pmatrix} 1 \\ 2 \end{pmatrix}"),
        *(r"0.\overline{3}", r"\text{Evelyn}", r"15\mbox{ cm}^2", "x^3+3x-6", r"1 \pm \sqrt{19}"),
    ],
)
@pytest.mark.parametrize("stated", ["The answer is ${}$.", r"\[\boxed{{{}}}\]"])
def test_mathematics_is_right_in_the_signs_of_a_rationale(answer, stated):
    problem = Problem.of("Simplify the expression as far as possible.", answer)
    by_math = partial(grade_by_value, "text", match="math")
    steps = "We take the common factor out of both sides and reduce what is left."
    reading = read(f"{steps}\n{stated.format(answer)}", problem=problem, grade=by_math)
    assert reading.verdict.correct, reading
    assert reading.text.startswith(steps)


UNREASONED = "answer leaked without reasoning"
REJECTED = [
    ("", "stop", "empty", "the reply is empty"),
    ("  \n", "stop", "empty", "the reply is empty"),
    ("", "tool_calls", "empty", "the reply calls a tool and holds no text"),
    ("<think>hm", "stop", "empty", "the reply is empty"),
    ("", "content_filter", "refused by policy", "refused by the endpoint's content policy"),
    (
        "I'm sorry, but I can't help with that.",
        "stop",
        "refused by policy",
        "the teacher declined: \"I'm sorry, but I can't help with that.\"",
    ),
    (
        "Unfortunately, I am unable to say.\nAsk me for something else.",
        "stop",
        "refused by policy",
        "the teacher declined: 'Unfortunately, I am unable to say. Ask me for something else.'",
    ),
    (f"{STEPS}\nThe answer is 12.", "length", "cut at the length limit", "cut at the limit of 512 tokens"),
    (STEPS, "stop", "unparsable", "the reply cannot be parsed: no answer is stated"),
    ("3 + 4 = 7.\nThe answer is 7.", "stop", "wrong answer", "wrong answer: 7 is not 12"),
    ("I'm sorry, it is hard. 3 + 4 = 7.\nThe answer is 7.", "stop", "wrong answer", "wrong answer: 7 is not 12"),
    ("The answer is 12.", "stop", UNREASONED, "the reply states the answer without a step of reasoning"),
    ("**12**\nThe answer is 12.", "stop", UNREASONED, "the reply states the answer without a step of reasoning"),
    (
        "As given, the correct answer is 12, so there must be 12 pens.\nThe answer is 12.",
        "stop",
        UNREASONED,
        "the reply speaks of what is not in the question: 'As given, the correct answer'",
    ),
    (
        "Since the correct answer is 12, there are 12 pens.\nThe answer is 12.",
        "stop",
        UNREASONED,
        "the reply speaks of what is not in the question: 'Since the correct answer is'",
    ),
    (
        "The student added where 3 × 4 = 12. The student's mistake is plain.\nThe answer is 12.",
        "stop",
        UNREASONED,
        'the reply speaks of what is not in the question: "The student\'s mistake"',
    ),
    (
        "Your mistake was to add. 3 × 4 = 12.\nThe answer is 12.",
        "stop",
        UNREASONED,
        "the reply speaks of what is not in the question: 'Your mistake'",
    ),
    (
        "2 × 4 = 9 pens in two boxes, 9 + 4 = 13, less one is 12.\nThe answer is 12.",
        "stop",
        "false calculation",
        "2 × 4 = 9 is false: it makes 8",
    ),
    (
        "2 × 4 = 8 + 3 =\\(\\) 12 pens in all.\nThe answer is 12.",
        "stop",
        "false calculation",
        "8 + 3 = 12 is false: it makes 11",
    ),
    (
        "So 37 / 3 = 12 pens.\nThe answer is 12.",
        "stop",
        "false calculation",
        "37 / 3 = 12 is false: it makes about 12.33",
    ),
    (
        "So 12 / 0 = 12 pens.\nThe answer is 12.",
        "stop",
        "false calculation",
        "12 / 0 = 12 is false: it divides by zero",
    ),
]


@pytest.mark.parametrize(("reply", "finish_reason", "failure", "reason"), REJECTED)
def test_a_bad_reply_is_rejected_with_the_reason(reply, finish_reason, failure, reason):
    reading = read(reply, finish_reason)
    assert (reading.verdict.correct, reading.failure, reading.verdict.reason) == (False, failure, reason)
    assert reading.text == reply.strip()


def test_code_is_kept_with_its_fences_and_lines():
    problem = Problem.of("Write prod(a, b).\nassert prod(2, 3) == 6", "def prod(a, b): return a * b")
    code = "```python\ndef prod(a, b):\n    # Example:\n    __x__ = a * b * 1\n    return __x__\n```"
    by_tests = partial(grade_by_value, "text", match="code")
    reading = read(f"It multiplies.\n{code}\n\nQuestion: And now?", problem=problem, grade=by_tests)
    assert (reading.text, reading.verdict.correct, reading.failure) == (f"It multiplies.\n{code}", True, None)
    wrong = read(code.replace("a * b", "a + b"), problem=problem, grade=by_tests)
    assert (wrong.failure, wrong.verdict.reason) == ("wrong answer", "AssertionError")
    assert read("It multiplies.", problem=problem, grade=by_tests).failure == "unparsable"
    in_words = Problem.of("What is def?\nassert 1", "a keyword")
    assert read(f"{code}\nIt defines, so it is one of the keywords.\nThe answer is a keyword.", problem=in_words,
                grade=partial(grade_by_value, "text")).text.endswith("The answer is a keyword.")  # fmt: skip


def test_a_refusal_is_told_even_if_the_grader_finds_a_number_in_it():
    reading = read("I can't help with 3 boxes.", grade=lambda *_: Verdict(False, "3", "3 is not 12"))
    assert reading.failure == "refused by policy"


def test_an_apology_does_not_spoil_a_right_answer():
    assert read(f"I'm sorry to keep you waiting. {STEPS}\nThe answer is 12.").failure is None


def test_calculations_are_checked_only_if_asked_for():
    reply = "2 × 4 = 9 pens in two boxes, and 3 × 4 = 12 in all.\nThe answer is 12."
    assert read(reply).failure == "false calculation"
    assert read(reply, check_arithmetic=False).failure is None


def test_a_long_calculation_is_quoted_in_part():
    reading = read(" + ".join(["1"] * 50) + " = 12 pens\nThe answer is 12.")
    assert reading.verdict.reason.endswith("… is false: it makes 50")
    assert len(reading.verdict.reason) < 130


def test_what_the_question_speaks_of_may_be_spoken_of():
    problem = Problem.of("The student wrote 3 lines of 4 words. How many words?", "12")
    assert read("The student wrote 3 × 4 = 12 words.\nThe answer is 12.", problem=problem).verdict.correct


def test_bold_is_not_confused_with_powers():
    assert clean("2**3 and 4**2, **so** it is") == "2**3 and 4**2, so it is"


def test_latex_in_the_steps_becomes_plain():
    assert clean("\\[\\frac{1}{2} \\times 8 = \\boxed{4}\\]\nSo 4\\% of \\$100") == "1/2 × 8 = 4\nSo 4% of $100"


_LATEX = ["\\(", "\\)", "\\", "$", "\\frac{1}{2}", "\\text{", "}", "\\times", "\\boxed{12}", "\x00", "\ud800"]
_MARKUP = ["**", "```", "# ", "- ", "\n", " ", "<think>", "</think>", "Solution:", "Here is the plan:"]
_WORDS = ["3", "pens", "The answer is 12."]
_FRAGMENTS = st.sampled_from([*_LATEX, *_MARKUP, *_WORDS])
_TEXTS = st.text(max_size=300) | st.lists(_FRAGMENTS, max_size=14).map("".join)


@given(_TEXTS, st.sampled_from(["stop", "length", "content_filter", "tool_calls"]), st.booleans())
@settings(max_examples=300)
def test_any_reply_is_taken(reply, finish_reason, check_arithmetic):
    reading = read(reply, finish_reason, check_arithmetic=check_arithmetic)
    assert reading.verdict.correct == (reading.failure is None)
    assert reading.verdict.reason
    assert read(reading.text, finish_reason, check_arithmetic=check_arithmetic) == reading


@given(_TEXTS)
@settings(max_examples=300)
def test_what_is_clean_stays_as_it_is(text):
    assert clean(clean(text)) == clean(text)


@st.composite
def _solutions(draw):
    """True calculations, each going on from the one before, as `(left side, result)`."""
    value, steps = draw(st.integers(2, 60)), []
    for sign in draw(st.lists(st.sampled_from("+-−×*÷/"), min_size=1, max_size=5)):
        other = draw(st.integers(2, 30))
        if sign in "-−":
            value += other
        if sign in "÷/":
            value *= other
        left = f"{value} {sign} {other}"
        value = {
            "+": value + other,
            "×": value * other,
            "*": value * other,
            "÷": value // other,
            "/": value // other,
        }.get(sign, value - other)
        steps.append((left, value))
    return steps


def _written(steps, unit):
    lines = [f"Now there are {left} = {value:,}{unit}." for left, value in steps]
    return " ".join(lines) + f"\nThe answer is {steps[-1][1]}."


_UNITS = st.sampled_from(["", " pens", " hours", " dollars in all"])


@given(_solutions(), _UNITS)
@settings(max_examples=150)
def test_a_plain_rationale_with_true_calculations_stands(steps, unit):
    reply = _written(steps, unit)
    reading = read(reply, problem=Problem.of("How many?", str(steps[-1][1])))
    assert (reading.text, reading.failure) == (reply, None)


@given(_solutions(), _UNITS, st.data())
@settings(max_examples=150)
def test_with_one_result_changed_it_is_rejected(steps, unit, data):
    answer = steps[-1][1]
    changed = data.draw(st.integers(0, len(steps) - 1))
    left, value = steps[changed]
    wrong = value + data.draw(st.integers(-9, 9).filter(bool))
    lines = [
        f"Now there are {one} = {wrong if index == changed else made}{unit}." for index, (one, made) in enumerate(steps)
    ]
    reading = read(" ".join(lines) + f"\nThe answer is {answer}.", problem=Problem.of("How many?", str(answer)))
    assert (reading.failure, reading.verdict.reason) == (
        "false calculation",
        f"{left} = {wrong} is false: it makes {value}",
    )


FAULT = "3 + 4 = 7 adds, but every box holds 4 pens: 3 × 4 = 12."
SOLVED = f"{STEPS}\nThe answer is 12."


@pytest.mark.parametrize(
    "reply",
    [
        f"Mistake: {FAULT}\nSolution:\n{SOLVED}",
        f"Mistake: {FAULT}\n\nSolution:\n\n{SOLVED}",
        f"**Mistake:** {FAULT}\n\n**Solution:** {SOLVED}",
        f"### Mistake\n\n{FAULT}\n\n### Correct solution\n\n{SOLVED}",
        f"1. **Mistake**: {FAULT}\n2. **Solution**: {SOLVED}",
        f"Sure!\n\nMISTAKE:\n{FAULT.replace('but', 'but' + chr(10))}\n\nSOLUTION:\n{SOLVED}",
        f"```\nMistake: {FAULT}\n\nSolution:\n{SOLVED}\n```",
        f"<think>Mistake: it adds. Solution: 7.\nSolution:\n8</think>Mistake: {FAULT}\nSolution:\n{SOLVED}",
        f"Mistake: {FAULT}\n\n{SOLVED}",
        f"Mistake: {FAULT}\n{SOLVED}",
        f"The first mistake: {FAULT} The answer is 12.\nThe solution: {SOLVED}",
        f"What is wrong: {FAULT}\nSolution:\n{SOLVED}",
        f"Solution:\n{SOLVED}\n\nMistake: {FAULT}",
        f"{SOLVED}\n\nMistake: {FAULT}",
    ],
)
def test_the_explanation_is_kept_apart(reply):
    reading = read(reply, explained=True)
    assert (reading.text, reading.failure, reading.explanation) == (SOLVED, None, FAULT)


@pytest.mark.parametrize("reply", [SOLVED, f"Solution:\n{SOLVED}", f"The attempt adds.\n\nSolution:\n{SOLVED}"])
def test_without_an_explanation_it_is_still_a_rationale(reply):
    reading = read(reply, explained=True)
    assert (reading.text, reading.failure, reading.explanation) == (SOLVED, None, None)


def test_a_rejected_reply_explains_nothing():
    reading = read(f"Mistake: {FAULT}\nSolution:\n3 + 5 = 8 pens here. The answer is 8.", explained=True)
    assert (reading.failure, reading.explanation) == ("wrong answer", None)
    assert read(f"Mistake: {FAULT} The answer is 12.", explained=True).failure == "empty"
    assert read(f"Mistake: {FAULT}", "length", explained=True).failure == "cut at the length limit"


_pieces = st.sampled_from(
    ["Mistake:", "**Solution:**", "### Mistake", "Solution", "\n", "\n\n", "It adds.", SOLVED, "*_#"]
)


@given(st.lists(_pieces | st.text(max_size=12), max_size=12).map("".join))
@settings(max_examples=150)
def test_any_reply_is_separated(text):
    explanation, solution = separate(text)
    assert explanation is None or (explanation == " ".join(explanation.split()) != "")
    assert "\n" not in (explanation or "")
    read(text, explained=True)
    if "mistake" not in text.lower():
        assert explanation is None or re.search(r"error|explanation|wrong", text, re.IGNORECASE)
    if not re.search(r"mistake|solution|error|explanation|wrong|<think|</think", text, re.IGNORECASE):
        assert solution == cut(text)


RUNS_ON = [
    "\n\nQuestion: Ann has 2 boxes of 5 pens. How many?\n2 × 5 = 10.\nThe answer is 10.",
    "\n\n**Question 2:** Ann has 2 boxes of 5 pens.\nThe answer is 10.",
    "\n\nProblem: Ann has 2 boxes of 5 pens.\nSolution: 2 × 5 = 10.\nThe answer is 10.",
    "\n\nProblem 2\nAnn has 2 boxes of 5 pens. How many? 2 × 5 = 10.\nThe answer is 10.",
    "\n\nQ: Ann has 2 boxes of 5 pens.\nA: 2 × 5 = 10. The answer is 10.",
    "\n\nExample 2: Ann has 2 boxes of 5 pens. 2 × 5 = 10. The answer is 10.",
    "\n\nHere is another example:\nAnn has 2 × 5 = 10 pens.\nThe answer is 10.",
    "\n\nAnn has 2 boxes of 5 pens. How many pens?\n2 × 5 = 10.\nThe answer is 10.",
    "\n\nUser: Thanks! And 2 boxes of 5?\nAssistant: 2 × 5 = 10. The answer is 10.",
    "\n\nHuman: And 2 boxes of 5?\n\nAssistant: The answer is 10.",
    "\n\n### Instruction:\nAnn has 2 boxes of 5 pens.\n\n### Response:\nThe answer is 10.",
    "<|im_end|>\n<|im_start|>user\nAnd 2 × 5?<|im_end|>\n<|im_start|>assistant\nThe answer is 10.",
    "<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nThe answer is 10.",
    "</s>The answer is 10.",
    "<end_of_turn>\n<start_of_turn>user\nThe answer is 10.",
    "<|endoftext|>The answer is 10.",
]


@pytest.mark.parametrize("rest", RUNS_ON)
@pytest.mark.parametrize("answer", ["\nThe answer is 12.", " The answer is 12.", "\n**Answer:** 12", "\n#### 12"])
def test_what_stands_before_a_reply_runs_on_is_kept(rest, answer):
    reading = read(f"{STEPS}{answer}{rest}", grade=partial(grade_by_value, "number"))
    assert (reading.text, reading.failure) == (SOLVED, None)


@pytest.mark.parametrize(
    "reply",
    [
        f"Question: Tom has 3 boxes of 4 pens. How many pens?\n\nSolution: {STEPS}\n\nThe answer is 12.",
        f"**Problem:** Tom has 3 boxes.\n\n**Solution:** {STEPS}\n\nSo 12 is the answer.",
        f"**12**\n\n{STEPS}\n\nI am confident that the answer is 12.",
        f"**Answer: 12**\n\n**Explanation:** {STEPS}",
        f"{STEPS}\n\n\\[\\boxed{{12 \\text{{ pens}}}}\\]\n\nThis is the final answer.",
        f"{STEPS}\n\n**Final Answer**\n\n12 pens\n\nI hope this helps!",
    ],
)
def test_the_question_again_and_the_answer_twice_fall_away(reply):
    reading = read(reply, grade=partial(grade_by_value, "number"))
    assert (reading.text, reading.failure) == (SOLVED, None)


def test_a_reply_that_corrects_itself_is_judged_by_its_end():
    reply = "3 × 4 = 12 pens. Is one missing?\nThe answer is 12.\nWait, one is. How many?\nThe answer is 11."
    assert read(reply, grade=partial(grade_by_value, "number")).failure == "wrong answer"


@pytest.mark.parametrize(
    ("answer", "latex", "plain"),
    [
        ("85", r"So $\frac{80+90}{2} = 85$ on average.", "So (80 + 90) / 2 = 85 on average."),
        ("85", r"So \(\dfrac{80 + 90}{2} = 85\) on average.", "So (80 + 90) / 2 = 85 on average."),
        ("85", r"So $\left(80 + 90\right) \div 2 = 85$ here.", "So (80 + 90) ÷ 2 = 85 here."),
        ("85", r"So $\tfrac{1}{2}(80+90) = 85$ here.", "So 1/2 × (80 + 90) = 85 here."),
        ("85", r"So $\frac{80\,+\,90}{2}\;=\;85$ is it.", "So (80 + 90) / 2 = 85 is it."),
        (
            "85",
            r"\[\text{Average} = \frac{80 \text{ points} + 90 \text{ points}}{2} = 85 \text{ points}\]",
            "Average = (80 points + 90 points) / 2 = 85 points",
        ),
        ("85", "It is\n\\[\n\\frac{80 + 90}{2}\n= \\frac{170}{2}\n= 85\n\\]", "It is\n(80 + 90) / 2 = 170/2 = 85"),
        (
            "85",
            "\\begin{align*}\n\\text{Mean} &= \\frac{80+90}{2} \\\\\n&= \\frac{170}{2} \\\\\n&= 85\n\\end{align*}",
            "Mean = (80 + 90) / 2 = 170/2 = 85",
        ),
        ("85", r"\begin{aligned} \text{mean} &= \frac{80+90}{2} \\ &= 85 \end{aligned}", "mean = (80 + 90) / 2 = 85"),
        ("85", r"Then $$\bar{x} = \frac{80+90}{2} = \boxed{85}$$", "Then x = (80 + 90) / 2 = 85"),
        ("9", r"That is $4\frac{1}{2} \times 2 = 9$ hours.", "That is 4 1/2 × 2 = 9 hours."),
        ("10000", r"So $1{,}250 \times 8 = 10{,}000$ pens.", "So 1,250 × 8 = 10,000 pens."),
        ("12", r"We get $\frac{24}{\frac{4}{2}} = 12$ pens.", "We get 24 / (4 / 2) = 12 pens."),
        ("20", r"So $25\% \times \$80 = \$20$ off.", "So 25% × $80 = $20 off."),
        ("20", r"So \(0.25 \times 80\text{ dollars} = 20\text{ dollars}\).", "So 0.25 × 80 dollars = 20 dollars."),
        ("5", r"The side is $\sqrt{25} = 5$ cm.", "The side is √25 = 5 cm."),
        ("50", r"The area is $2 \cdot 5^{2} = 50$ cm.", "The area is 2 × 5^2 = 50 cm."),
    ],
)
def test_latex_becomes_the_arithmetic_that_it_means(answer, latex, plain):
    problem = Problem.of("How many?", answer)
    reading = read(f"{latex}\nThe answer is {answer}.", problem=problem, grade=partial(grade_by_value, "number"))
    assert (reading.text, reading.failure) == (f"{plain}\nThe answer is {answer}.", None)


@pytest.mark.parametrize(
    "latex",
    [r"\frac{80+90}{2} = 95", r"4\frac{1}{2} \times 2 = 10", r"\frac{24}{\frac{4}{2}} = 6", "1{,}250 \\times 8 = 1"],
)
def test_false_arithmetic_in_latex_is_found(latex):
    reply = f"So ${latex}$ of them.\nThe answer is {latex.rpartition('= ')[2]}."
    problem = Problem.of("How many?", latex.rpartition("= ")[2])
    assert read(reply, problem=problem).failure == "false calculation"


def test_a_calculation_without_spaces_is_a_step_though_it_ends_in_the_answer():
    reply = "30% of 80 stay: 80*.5 = 40.\n80-40=40 employees\nThe answer is 40."
    assert read(reply, problem=Problem.of("How many?", "40")).text == reply


def test_gold_rationales_stay_as_they_are(shared_data):
    kept = changed = 0
    for line in (shared_data / "gsm8k" / "train.jsonl").read_text(encoding="utf-8").splitlines()[:400]:
        row = json.loads(line)
        steps, _, answer = re.sub(r"<<[^<>]*>>", "", row["answer"]).partition("####")
        reply = f"{steps.strip()}\nThe answer is {answer.strip()}."
        problem = Problem.of(row["question"], answer.strip())
        reading = read(reply, problem=problem, grade=partial(grade_by_value, "number"))
        kept += reading.failure is None
        changed += reading.failure is None and reading.text != reply
    assert kept >= 395  # of those gold rationales four miscalculate, and one comes to 64 where its answer is 66
    assert changed <= 0.01 * 400


_REPEATED = (  # each of them made some reader of today or before slow, or may
    "**a ", " ", "\n", "\\frac{", "<think>", "# ", "1. a\n", "| a ", "- ", "*", "_ ", "`", "$a ", "\\boxed{", "( ",
    "\\\\",
    "Let's solve this. ", "Step 1: ", "Mistake: ", "a:\n", "The answer is 12.\n", "answer is ", "so, ",
    "I hope this helps! ",
    "Question: a\n", "1,", "3 × 4 = 12 ", "😀", "a" + " " * 99 + "\n", "12 is the answer ", "the given answer ",
    "<answer>", "To check: 12 ÷ 4 = 3. ",
)  # fmt: skip


@pytest.mark.parametrize("repeated", _REPEATED)
def test_reading_takes_time_in_proportion_to_the_length(repeated):
    by_value = partial(grade_by_value, "number")
    replies = repeated * (24_000 // len(repeated))
    assert_linear(lambda text: read(f"{STEPS} {text}\nThe answer is 12.", grade=by_value, explained=True), replies)


@pytest.mark.parametrize("piece", ["*", "#_ ", "* ", "Mistake", "Mistake* ", "*\n"])
def test_long_runs_of_marks_are_read_in_linear_time(piece):
    assert_linear(lambda marks: separate(f"{marks}\n#_ Mistake {marks}"), piece * (20_000 // len(piece)))


@pytest.mark.parametrize(
    "block",
    [
        '```json\n{\n  "name": "Ann",\n  "age": 31\n}\n```',
        'The answer is:\n{\n  "name": "Ann",\n  "age": 31\n}',
        '**Answer:** `{"name": "Ann", "age": 31}`',
    ],
)
def test_json_in_a_block_is_the_answer_and_no_step(block):
    problem = Problem.of("Give name and age of Ann, who is 31.", '{"name": "Ann", "age": 31}')
    steps = "The text speaks of a person called Ann. Her years are 31."
    reading = read(f"{steps}\n\n{block}", problem=problem, grade=partial(grade_by_value, "text", match="json"))
    assert (reading.text, reading.failure) == (f"{steps}\nThe answer is {problem.answer}.", None)


def test_an_explanation_without_a_solution_behind_it_is_one():
    reply = f"**Answer: 12**\n\n**Explanation:**\n{STEPS}\nThe answer is 12."
    assert (read(reply, explained=True).text, read(reply, explained=True).explanation) == (read(reply).text, None)


@pytest.mark.parametrize(
    ("kind", "problem", "steps", "rest"),
    [
        ("number", PENS, "每盒有4支。3 × 4 = 12支。", "The answer is 12。"),
        ("yes-no", Problem.of("梨会沉入水中吗？", "no"), "梨的密度比水小，会浮在水上。", "\nThe answer is no."),
    ],
)
def test_a_reply_without_spaces_between_its_words_is_read(kind, problem, steps, rest):
    reading = read(steps + rest, problem=problem, grade=partial(grade_by_value, kind))
    assert (reading.text, reading.failure) == (f"{steps}\nThe answer is {problem.answer}.", None)
