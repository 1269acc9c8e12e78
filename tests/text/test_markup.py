"""LaTeX, Markdown, thoughts and what runs on: what is left of them in plain text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutelage.text.latex import unlatex
from tutelage.text.markup import clean, without_markup
from tutelage.text.run_on import cut, without_courtesy
from tutelage.text.thoughts import without_thoughts


@pytest.mark.parametrize(
    ("latex", "plain"),
    [
        (r"\frac{80+90}{2} = 85", "(80 + 90) / 2 = 85"), (r"$4\frac{1}{2} \times 2 = 9$", "4 1/2 × 2 = 9"),
        (r"1{,}250 \times 8", "1,250 × 8"), (r"\frac{24}{\frac{4}{2}}", "24 / (4 / 2)"), (r"\dfrac12", "1/2"),
        (r"1\frac12", "1 1/2"), (r"-\tfrac{1}{2}", "-1/2"), (r"8 \div \frac{1}{2}", "8 ÷ (1/2)"), ("$x$", "x"),
        (r"\frac{180 \text{ miles}}{3 \text{ hours}}", "180 miles/3 hours"),
        (r"\boxed{\text{Paris}}", r"\boxed{Paris}"),
        (r"\left(\frac{3}{4}\right)^2", "(3/4)^2"), (r"60\text{mph}", "60 mph"), (r"\(3 \times 4 = 12\)",
        "3 × 4 = 12"),
        (r"$18$ and $5 and $6", "18 and $5 and $6"), (r"$\$18$", "$18"), ("$5-$3 = $2", "$5-$3 = $2"),
        ("costs $1.5/2=$.75", "costs $1.5/2=$.75"),
        (r"\underbrace{3 \times 4}_{\text{pens}} = 12", "3 × 4 = 12"), (r"\color{red}{12}", "12"),
        (r"\overline{AB}", "AB"),
        (r"90^\circ", "90°"), (r"\frac{\sqrt{3}}{2}", r"\frac{\sqrt{3}}{2}"), (r"5\% \text{of} \$20", "5% of $20"),
        (r"\frac{", r"\frac{"), (r"3 \leq x", "3 ≤ x"),
        ("\\begin{align*}\n3 \\times 4 &= 12 \\\\\n&= 12\n\\end{align*}", "\n3 × 4 = 12 \n\n= 12\n"),
    ],
)  # fmt: skip
def test_latex_keeps_its_structure(latex, plain):
    assert unlatex(latex) == plain


@pytest.mark.parametrize(
    ("marked", "plain"),
    [
        ("**bold** and *it* and __b__ and `c`", "bold and it and b and c"), ("2 * 3 * 4 = 24", "2 * 3 * 4 = 24"),
        ("2**3 * 4**2", "2**3 * 4**2"), ("snake_case_name", "snake_case_name"), ("### Step 1\nx", "Step 1\nx"),
        ("#### 18", "#### 18"), ("#### Step 2: Money\nx", "Step 2: Money\nx"), ("#hashtag C#", "#hashtag C#"),
        ("- one\n* two\n• three", "one\ntwo\nthree"), ("- 5", "- 5"), ("| a | b |\n|---|:-:|\n| c | 3 |",
        "a: b\nc: 3"),
        ("| a | b | c |", "a, b, c"), ("18 🎉", "18"), ("✅ 18", " 18"), ("a<br>b", "a\nb"), ("H<sub>2</sub>O", "H2O"),
        ("```python\nx = 1\n```\n", "x = 1\n"), ("one\n---\ntwo", "one\ntwo"), ("x < 3 > 1", "x < 3 > 1"),
    ],
)  # fmt: skip
def test_marks_go_and_what_they_mark_stays(marked, plain):
    assert without_markup(marked) == plain


@pytest.mark.parametrize(
    ("text", "said"),
    [(f"<{name}>20</{name}>18", "18") for name in (
        "think", "thinking", "thought", "reasoning", "reflection", "scratchpad", "Think", "seed:think",
        "inner_monologue"
    )] + [
        ("20</think>18", "18"), ("<think>20", ""), ("<thinking>a<reflection>b</reflection>c</thinking>d", "d"),
        ("a <think>20</think>b", "a b"), ("[THINK]20[/THINK]18", "18"), ("◁think▷20◁/think▷18", "18"),
        ("<|begin_of_thought|>20<|end_of_thought|><|begin_of_solution|>18<|end_of_solution|>", "18"),
        ("<|channel|>analysis<|message|>20<|end|><|start|>assistant<|channel|>final<|message|>18<|return|>", "18"),
        ("<|channel|>final<|message|>18", "18"), ("<|channel|>analysis<|message|>20", ""),
        ("<|channel>thought\n20<channel|>18", "18"),
        ("Thinking...\n20\n...done thinking.\n\n18", "\n\n18"), ("analysisIt is 20.assistantfinal18", "18"),
        ("<unused94>thought\n20<unused95>18", "18"), ("<start_of_turn>model\n18", "18"), ("a < b [x] 3 > 2",
        "a < b [x] 3 > 2"),
        ("Thinking... 3 × 4 = 12", "Thinking... 3 × 4 = 12"), ("18<|im_end|>5", "18<|im_end|>5"),
    ],
)  # fmt: skip
def test_thoughts_are_left_out(text, said):
    assert without_thoughts(text) == said


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("The answer is 7.\nExample 2\nnext", "The answer is 7."), ("It is 7.\nHere is another example: x",
        "It is 7."),
        ("**Problem:** 3 boxes.\n**Question:** How many?\n**Solution:** 12.", None), ("Question: how many?\n12.", None),
        ("Question: how many?\nThe answer is 12.\nQuestion: next", "Question: how many?\nThe answer is 12."),
        ("You go there.\n\nQuestion: next?\nAnswer: B", "You go there."), ("7<|eot_id|>8", "7"),
        ("7\n### Instruction: x", "7"),
        ("Sure!\n\nProblem: 3 boxes of 4?\n\nSolution: 12", None),
    ],
)  # fmt: skip
def test_a_text_is_cut_behind_what_answers(text, kept):
    assert cut(text) == (text if kept is None else kept)


@pytest.mark.parametrize(
    "end",
    ["I hope this helps!", "Let me know if you have questions.", "Feel free to ask me 3 more.", "😊", "Well done!",
     "(Note: 7 days.)",
     "If you have any other questions, please ask.", "I hope this helps! Have a great day!",
     "Is there anything else?", "Would you like me to explain step 2?", "Does this make sense?",
     "Best of luck!", "QED"],
)  # fmt: skip
def test_courtesy_at_the_end_is_left_out(end):
    assert without_courtesy(f"She makes 18 dollars.\n\n{end}") == "She makes 18 dollars."


@pytest.mark.parametrize(
    "text",
    [
        "If you add 3 more, you get 24.",
        "Thanks to him it is Paris.",
        "So, 18.",
        "Well done!",
        "",
        "Tip: 15% of 40 = 6.",
        "Assuming it floats, no.",
    ],
)
def test_what_says_something_is_no_courtesy(text):
    assert without_courtesy(text) == text


_MARKS = ["**", "__", "`", "```\n", "# ", "#### ", "- ", "| ", "\n", " ", "$", "\\(", "\\frac{1}{2}", "\\frac{",
"\\boxed{3}", "}",
          "<think>", "</think>", "<|channel|>final<|message|>", "😊", "3", "pens", "The answer is 12.", "Question:",
          "...done thinking.",
          "I hope this helps!", "\\text{", "\\\\ ", "\x00", "\ud800", "½"]  # fmt: skip


@given(st.text(max_size=200) | st.lists(st.sampled_from(_MARKS), max_size=16).map("".join))
def test_any_text_is_taken(text):
    assert clean(clean(text)) == clean(text)
    unlatex(text)
    without_thoughts(text)
    assert text.startswith(cut(text))
    assert text.startswith(without_courtesy(text))
