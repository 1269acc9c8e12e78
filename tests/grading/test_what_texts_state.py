"""What texts state in the many ways in which people and models write: labels, signs, headings, thoughts, units."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutelage.grading.grade import canonical, grade
from tutelage.records import Choice, Problem


def choices(*texts):
    return tuple(Choice(label, text) for label, text in zip("ABCDEFG", texts, strict=False))


PLACES = choices("bank", "library", "court", "mall", "town")
BOTH = choices("Only A", "Only B", "Both A and B", "Neither")
ALIKE = (Choice("1", "4"), Choice("2", "3"), Choice("3", "2"), Choice("4", "1"))
LETTERS = choices("x", "y", "z", "a")
COUNTS = choices("12", "15", "18", "20")
SIGNS = choices("x + 1", "x - 1", "x > 3", "x < 3", "-5")


def chosen(among, text):
    return grade("choice", Problem.of("Which?", "A", choices=among), text).answer


def number(gold, text):
    return grade("number", Problem.of("How many?", gold), text)


def words(gold, text):
    return grade("text", Problem.of("What?", gold), text).correct


@pytest.mark.parametrize(
    "text",
    ["Tom went outside and played.", "The answer is store.", "He put them away. So that is where they are stored.",
     "Take vitamin C.", "I went with plan B.", "She ate a banana.", "He called.", "C'est la vie.", "(A) is wrong.",
     "The answer is (F).", "Grade A.", "It goes downtown.", "They are banking.", "Both (A) and (B) are possible.",
     "She is a lib(e)ral.", "f(a)", "bed.", "Add.", "He had a cab:", "The answer is not clear."],
)  # fmt: skip
def test_a_letter_within_a_word_or_behind_a_noun_is_no_label(text):
    assert chosen(PLACES, text) is None


@pytest.mark.parametrize(
    "text",
    ["B\n\nExplanation: A bank holds no books.", "B. library\nBecause a bank has no books.",
     "**B**\n\nA bank lends money.",
     "(B) library\n\nA bank holds no books. A court is no place for books.", "B\n\n**Reasoning:** (A) holds no books.",
     "(A) bank\n(B) library\n(C) court\nBooks are lent in the library.", "B is correct.", "The letter is B",
     "(A) bank: no books.\n(B) library: books.\nSo (B).", "The correct answer is B, the library.", "A library", "B)",
     "I'd say B", "Choose B.", "Hence, B", "It's B!", '{"answer": "B"}', "Answer: b", "\\boxed{B}",
     "The answer is (B) library, since a bank lends money.", "B because of it",
     "The answer is B.\n\nI hope this helps! Let me know if you want a bank.", "### Answer\n**(B) library**",
     "<think>A? </think>B",
     "Final Answer: $\\boxed{\\text{B}}$", 'The answer is "B".', "The answer is most likely B.", "=> B",
     "Thus B is right.", "So, B is the best choice.", "Answer - B"],
)  # fmt: skip
def test_a_label_that_stands_alone_or_the_text_of_a_choice_is_read(text):
    assert chosen(PLACES, text) == "B"


@pytest.mark.parametrize(
    "text",
    ["The answer is (C) Both A and B.", "Both A and B", "I pick (C) Both A and B.", "C. Both A and B", "(C)",
     "The answer is both A and B.", "C: Both A and B are right."],
)  # fmt: skip
def test_a_choice_may_speak_of_other_choices(text):
    assert chosen(BOTH, text) == "C"


@pytest.mark.parametrize(
    ("text", "label"),
    [("The answer is x - 1.", "B"), ("x+1", "A"), ("The answer is x > 3.", "C"), ("x<3", "D"), ("$x > 3$", "C"),
     ("- 5", "E"), ("The answer is −5.", "E"),
     ("The answer is (E) -5", "E"), ("E) - 5", "E"), ("\\boxed{x - 1}", "B"), ("The answer is 5.", None)],
)  # fmt: skip
def test_choices_that_differ_in_a_sign_are_told_apart(text, label):
    assert chosen(SIGNS, text) == label


@pytest.mark.parametrize(
    ("among", "text", "label"),
    [(ALIKE, "(2)", "2"), (ALIKE, "2. 3", "2"), (ALIKE, "2) 3", "2"), (ALIKE, "Answer: (2) 3", "2"),
     (LETTERS, "A", "A"), (LETTERS, "A. x", "A"), (LETTERS, "a", "D"), (LETTERS, "(D) a", "D"), (COUNTS, "C. 18", "C"),
     (COUNTS, "12 + 6 = 18", "C"), (COUNTS, "12 or 18", None), (COUNTS, "20 - 2 = 18, so C", "C"),
     (choices("2x + 1", "2x - 1", "-2x + 1"), "C) - 2x + 1", "C"), (choices("x^2", "x^3"), "x³", "B")],
)  # fmt: skip
def test_labels_and_texts_that_look_alike_are_told_apart(among, text, label):
    assert chosen(among, text) == label


@pytest.mark.parametrize(
    ("gold", "text"),
    [("Paris", "\\boxed{\\text{Paris}}"), ("(2, 3)", "(2,3)"), ("(2,3)", "The answer is (2, 3)."), ("x - 1", "x -1"),
     ("x+1", "The answer is $x + 1$."), ("A+", "The answer is A+."), ("C++", "The answer is C++."), ("A-", "A -"),
     ("x=5", "x = 5"), ("x ≥ 3", "x >= 3"), ("x≠2", "x != 2"),
     ("well-known", "well known"), ("Paris (France)", "Paris, France"), ("f(x)", "f( x )"),
     ("{1,2}", "{1, 2}"), ("e^x", "e^{x}"), ("North-West", "north west"), ("the cat", "cat"), ("2x+3y", "2x + 3y"),
     ("Paris", "**Paris**\n\nI hope this helps!"), ("Paris", "Paris\n\nExplanation: it is the capital."), ("**", "**"),
     ("3:2", "3 : 2"), ("x^2", "x²"), ("10^3", "10³"), ("H2O", "H₂O"), ("H2O", "H_2O"), ("Na+", "Na⁺"),
     ("a ≤ b", "a ⩽ b"),
     ("Paris", "<thinking>London?</thinking>The answer is Paris.")],
)  # fmt: skip
def test_texts_that_say_the_same(gold, text):
    assert words(gold, text)


@pytest.mark.parametrize(
    ("gold", "text"),
    [("x+1", "x - 1"), ("x > 3", "x < 3"), ("C++", "C"), ("C", "C++"), ("A+", "A-"), ("(2,3)", "[2,3]"), ("C#", "C"),
     ("[1,2)", "(1,2)"), ("x = 5", "x = -5"), ("a/b", "a*b"), ("-x", "x"), ("x^2", "x^3"), ("≥ 3", "≤ 3"),
     ("2x+3y", "2x - 3y"), ("vitamin A", "vitamin"),
     ("!x", "x"), ("3 : 2", "3 2"), ("x²", "x2"), ("x²", "x³"), ("Na⁺", "Na⁻")],
)  # fmt: skip
def test_texts_that_differ_in_a_sign_alone(gold, text):
    assert not words(gold, text)
    assert not words(text, gold)


@pytest.mark.parametrize(
    ("gold", "text"),
    [("-5", "2 - 7 = - 5"), ("-5", "The answer is - 5."), ("-5", "- 5"), ("-5", "2 − 7 = − 5"), ("-5", "so x = - $5"),
     ("18", "#### Step 2: Money\n9 * 2 = 18\nJanet makes $18 every day."), ("18", "#### Final Answer\n18"),
     ("18", "#### 1. Count\n16 - 7 = 9\n\n#### 2. Money\n9 * 2 = 18 dollars"), ("18", "#### 18\n\nI hope this helps!"),
     ("18", "## Step 1\nShe has 9.\n## Step 2\nShe makes $18."), ("18", "##### Step 7: all\nShe makes $18."),
     ("12", "**Problem:** Tom has 3 boxes of 4 pens.\n\n**Solution:** 3 × 4 = 12.\n\nThe answer is 12."),
     ("12", "# Tom's pens\n\n## Problem\nTom has 3 boxes of 4 pens.\n\n## Solution\n3 × 4 = 12 pens."),
     ("12",
     "Question: 3 boxes of 4 pens?\nAnswer: 3 × 4 = 12.\nThe answer is 12.\n\nQuestion: Ann?\nThe answer is 10."),
     ("12", "Let's restate the problem.\n\n### Problem:\n3 boxes of 4 pens.\n\n### Solution:\n3 × 4 = 12\n\n#### 12"),
     ("12", "3 × 4 = 12 pens.\n\nQuestion: Ann has 2 × 5 = 10."), ("12", "3 × 4 = 12.\n\nProblem 2\n2 × 5 = 10."),
     ("18", "So, the total is 18 dollars.\n\nI hope this helps!"), ("18", "$18 in all.\n\n(Note: a week has 7 days.)"),
     ("18", "So, it is 18 dollars.\n\nLet me know if you have any other questions! 😊"), ("18",
     "She makes $18. Well done!"),
     ("18", "So she makes $18.\n\nFeel free to ask me 3 more questions."), ("24", "If you add 3 more, you get 24."),
     ("18", "<think>Perhaps the answer is 20.</think>\nShe makes $18."), ("18", "20?</think>\nShe makes $18."),
     ("18", "[THINK]20?[/THINK]$18"), ("18", "<scratchpad>The answer is 20.</scratchpad>\n$18"),
     ("18", "<|channel|>analysis<|message|>20?<|end|><|start|>assistant<|channel|>final<|message|>$18<|return|>"),
     ("18", "Thinking...\nThe answer is 20.\n...done thinking.\n\nShe makes $18."), ("18",
     "<|channel>thought\n20<channel|>18"),
     ("1800000", "1.8 × 10^6"), ("1800000", "The answer is $1.8 \\times 10^6$."), ("1800000", "1.8 × 10⁶ people"),
     ("18", "Answer: 18 (= 9 × 2)"), ("1800", "1.8k"), ("1800000", "$1.8M"), ("24", "2 dozen"), ("2", "2 dozen"),
     ("12", "a dozen eggs"),
     ("10.5", "10 and a half"), ("2", "5 - 3, so 2"), ("2", "The answer is 5 - 3, so 2."), ("1800", "1'800"),
     ("1800", "CHF 1’800.00"), ("100000", "₹1,00,000"), ("1234.56", "1.234,56"), ("3.5", "3½"), ("18",
     "9 * 2, which is 18"),
     ("18", "18\n\nExplanation: 16 - 3 - 4 = 9 and 9 * 2 = 18, for 2 days."), ("85", "\\boxed{\\frac{80+90}{2}}"),
     ("18", "| step | value |\n|---|---|\n| total | 18 |"), ("18", "- eggs: 9\n- dollars: 18"), ("18",
     "**Answer:** 18 ✅"),
     ("1800000", "1 800 000"), ("1800", "1 800"), ("10.5", "10 and one-half"), ("2", "The answer is 5 - 3, i.e. 2"),
     ("60", "So she has 13+47, or 60, carrots in total."), ("90", "That is 10 times 9 dollars, or 90 dollars."),
     ("1", "The answer is 89 - 88, or 1."), ("8", "It is 16 divided by 2, or 8."),
     ("18", "18 = 9 * 2"), ("18", "18 apples (9 × 2)"), ("18", "#### 3 eggs eaten\n16 - 3 - 4 = 9\n\n9*2 = 18"),
     ("18", "16 + 2 = 18\n#### 18 dollars\n\nExplanation: 9 × 2 = 18, for 2 days."),
     ("18", "She makes $18.\n\nWould you like me to explain step 2?"),
     ("18", "She makes $18.\n\nDoes that make sense?"),
     ("18", "She makes $18.\n\nI'd be happy to help with 3 other problems."), ("18", "She makes $18.\n\nQED"),
     ("18", "She makes $18.\n\nGood luck on your 7th grade test!"), ("18", "She makes $18.\n\nRemember to check."),
     ("6", "20 × 30% = 6\n\nTip: 6 dollars"), ("18", "She makes $18.\n\nTip: always check the units."),
     ("0.6666666666666666", "2/3"), ("0.6666666666666666", "0.67"), ("0.30000000000000004", "0.3")],
)  # fmt: skip
def test_the_number_that_is_stated(gold, text):
    assert number(gold, text).correct, number(gold, text)


@pytest.mark.parametrize(
    ("gold", "text"),
    [("5", "2 - 7 = - 5"), ("5", "The answer is - 5."), ("2", "#### Step 2: Money\n9 * 2 = 18\nShe makes $18."),
     ("18", "<think>Perhaps the answer is 18."), ("50", "It costs 3,50"), ("10",
     "3 × 4 = 12.\n\nQuestion: 2 × 5 = 10."),
     ("20", "<reasoning>20</reasoning>\nShe makes $18."), ("1.8", "1.8k"),
     ("60", "13+47, or 61"), ("61", "13+47, or 61"), ("8", "4 + 4 or 9"), ("5", "$5 million")],
)  # fmt: skip
def test_the_number_that_is_not_stated(gold, text):
    assert not number(gold, text).correct


@pytest.mark.parametrize(
    ("answer", "text"),
    [("no", "That is false."), ("yes", "Pears float. So that is true."), ("no", "So the statement is false."),
     ("no", "This is not true."), ("yes", "That's correct."), ("no", "False. Pears float."), ("no",
     "It is incorrect."), ("no", "That isn't true."), ("yes", "This isn't false."), ("no", "That is wrong."),
     ("yes", "That's right."), ("no", "It is not the case."), ("yes", "The claim holds true."), ("no", "Nope."),
     ("yes", "Yeah, it is."), (None, "It is on the right."),
     ("yes", "Yes\n\nExplanation: no pear sinks."), ("no", "So no.\n\nI hope this helps!"), ("no",
     "Thus, it is false."),
     ("yes", "<think>no</think>Yes."), (None, "It is true that no pear sinks."), (None, "He told a true story.")],
)  # fmt: skip
def test_yes_and_no_in_other_words(answer, text):
    assert grade("yes-no", Problem.of("Is it?", "yes"), text).answer == answer


@pytest.mark.parametrize(
    ("written", "one_form"),
    [("- 5", "-5"), ("− 5", "-5"), ("0.6666666666666666", "0.6666666666666666"), ("1e-07", "0.0000001"),
     ("0.30000000000000004", "0.30000000000000004"), ("12 pens", "12"), ("1/128", "0.0078125"), ("2 million",
     "2000000")],
)  # fmt: skip
def test_gold_numbers_keep_sign_and_decimals(written, one_form):
    assert canonical("number", written) == one_form


PHRASES = [
    "{}", "The answer is {}.", "So it is {}.", "#### {}", "**Answer:** {}", "\\boxed{{{}}}", "So {} is the answer.",
    "<think>The answer is 7.</think>\nThe answer is {}.",
    "1 + 1 = 2, and\n\n### Final answer\n{}\n\nI hope this helps!",
    "The final answer is $\\boxed{{{}}}$.", "{}\n\nExplanation: it is so for 3 reasons.",
    "Sure! The answer is **{}**. 🎉",
    "The answer is {}.\n\nQuestion: Ann has 5 pens. The answer is 5.", "The answer is {}<|im_end|>\n5",
]  # fmt: skip
NUMBERS = st.integers(-(10**9), 10**9).map(str) | st.decimals(-1000, 1000, places=2, allow_nan=False).map(
    lambda value: format(value, "f")
)


ANOTHER = [
    "## Question\n{}", "**Question**\n{}", "Next question: {}", "QUESTION: {}", "USER: {}", "[INST] {} [/INST]",
    "<eos>{}",
    "user\n{}\nmodel", "### Next problem\n{}",
]  # fmt: skip


@pytest.mark.parametrize("another", ANOTHER)
def test_what_runs_on_in_another_style_states_nothing(another):
    runs_on = another.format("Ann has 2 × 5 = 10 pens.") + "\nThe answer is 10."
    assert number("12", f"3 × 4 = 12 pens. The answer is 12.\n\n{runs_on}").correct


@given(NUMBERS, st.sampled_from(PHRASES))
def test_a_gold_number_is_right_in_every_phrase(gold, phrase):
    assert number(canonical("number", gold), phrase.format(gold)).correct


@given(st.sampled_from(PLACES), st.sampled_from(PHRASES), st.sampled_from(["{0.label}", "({0.label})", "{0.text}"]))
def test_a_gold_choice_is_right_in_every_phrase(choice, phrase, form):
    problem = Problem.of("Where?", choice.label, choices=PLACES)
    assert grade("choice", problem, phrase.format(form.format(choice))).correct


@given(st.sampled_from(["yes", "no"]), st.sampled_from(PHRASES))
def test_a_gold_yes_or_no_is_right_in_every_phrase(gold, phrase):
    assert grade("yes-no", Problem.of("Is it?", gold), phrase.format(gold)).correct
