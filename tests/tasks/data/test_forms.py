"""The usual forms of rows, told by their columns; `task.field`, templates; and what is refused."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tasks.data.written import as_jsonl
from tutelage.errors import ConfigError, DataError
from tutelage.records import SPLITS
from tutelage.tasks.catalog import load_task
from tutelage.tasks.data.solutions import Solved, split_solution


def load(tmp_path, rows, **settings):
    file = tmp_path / "mine.jsonl"
    file.write_bytes(as_jsonl(rows))
    return load_task("custom", path=file, **settings)


def user(text):
    return {"role": "user", "content": text}


def assistant(text):
    return {"role": "assistant", "content": text}


def alike(one):
    """Four rows like the one that this gives for 0."""
    return [one(n) for n in range(4)]


def found(task):
    return {p.question: (p.answer, p.rationale) for split in SPLITS for p in task.problems(split)}


WORKED = {
    "gsm8k": lambda n: {"question": f"Q{n}?", "answer": f"{n} + 1 = <<{n}+1={n + 1}>>{n + 1} pens.\n#### {n + 1}"},
    "stated": lambda n: {"question": f"Q{n}?", "answer": f"{n} + 1 = {n + 1} pens.\nThe answer is {n + 1}."},
    "question/solution": lambda n: {"question": f"Q{n}?", "solution": f"{n} + 1 = {n + 1} pens.\n#### {n + 1}"},
    "problem/solution": lambda n: {"problem": f"Q{n}?", "solution": f"{n} + 1 = \\boxed{{{n + 1}}} pens."},
    "with answer": lambda n: {"problem": f"Q{n}?", "answer": n + 1, "solution": f"{n} + 1 = \\boxed{{{n + 1}}} pens."},
    "prompt/completion": lambda n: {
        "prompt": f"Q{n}?",
        "completion": f"{n} + 1 = {n + 1} pens.\nThe answer is {n + 1}.",
    },
    "conversational": lambda n: {
        "prompt": [user(f"Q{n}?")],
        "completion": [assistant(f"{n} + 1 = {n + 1} pens.\n#### {n + 1}")],
    },
    "prompt-only": lambda n: {"prompt": [user(f"Q{n}?")], "solution": f"{n} + 1 = {n + 1} pens. \\boxed{{{n + 1}}}"},
    "preference": lambda n: {
        "prompt": f"Q{n}?",
        "chosen": f"{n} + 1 = {n + 1} pens.\n#### {n + 1}",
        "rejected": f"{n} + 1 = 9 pens.\n#### 9",
    },
    "implicit": lambda n: {
        "chosen": [user(f"Q{n}?"), assistant(f"{n} + 1 = {n + 1} pens.\n#### {n + 1}")],
        "rejected": [user(f"Q{n}?"), assistant("#### 9")],
    },
    "alpaca": lambda n: {"instruction": f"Q{n}?", "input": "", "output": f"{n} + 1 = {n + 1} pens.\n#### {n + 1}"},
    "preference of alpaca": lambda n: {
        "instruction": f"Q{n}?",
        "input": "",
        "chosen": f"{n} + 1 = {n + 1} pens.\n#### {n + 1}",
        "rejected": "#### 9",
    },
    "preference of sharegpt": lambda n: {
        "conversations": [{"from": "human", "value": f"Q{n}?"}],
        "chosen": {"from": "gpt", "value": f"{n} + 1 = {n + 1} pens.\n#### {n + 1}"},
        "rejected": {"from": "gpt", "value": "#### 9"},
    },
    "preference about a question": lambda n: {
        "system": "",
        "question": f"Q{n}?",
        "chosen": f"{n} + 1 = {n + 1} pens.\n#### {n + 1}",
        "rejected": "#### 9",
    },
    "numinamath": lambda n: {
        "problem": f"Q{n}?",
        "solution": f"{n} + 1 = \\boxed{{{n + 1}}} pens.",
        "messages": [user(f"Q{n}?"), assistant(f"{n} + 1 = \\boxed{{{n + 1}}} pens.")],
    },
    "ultrafeedback": lambda n: {
        "prompt": f"Q{n}?",
        "chosen": [user(f"Q{n}?"), assistant(f"{n} + 1 = {n + 1} pens.\n#### {n + 1}")],
        "rejected": [user(f"Q{n}?"), assistant("#### 9")],
        "messages": [user(f"Q{n}?"), assistant(f"{n} + 1 = {n + 1} pens.\n#### {n + 1}")],
    },
    "query/response": lambda n: {"query": f"Q{n}?", "response": f"{n} + 1 = {n + 1} pens.\n#### {n + 1}"},
    "messages": lambda n: {"messages": [user(f"Q{n}?"), assistant(f"{n} + 1 = {n + 1} pens.\n#### {n + 1}")]},
    "sharegpt": lambda n: {
        "conversations": [
            {"from": "human", "value": f"Q{n}?"},
            {"from": "gpt", "value": f"{n} + 1 = {n + 1} pens.\n#### {n + 1}"},
        ]
    },
    "first of sharegpt": lambda n: {
        "conversations": [
            {"from": "user", "value": f"Q{n}?"},
            {"from": "chatgpt", "value": f"{n} + 1 = {n + 1} pens.\n#### {n + 1}"},
        ]
    },
    "messages in a cell": lambda n: {
        "messages": json.dumps([user(f"Q{n}?"), assistant(f"{n} + 1 = {n + 1} pens.\n#### {n + 1}")])
    },
    "thinking": lambda n: {
        "messages": [
            user(f"Q{n}?"),
            {"role": "assistant", "thinking": f"{n} + 1 = {n + 1} pens.", "content": f"{n + 1}"},
        ]
    },
}


@pytest.mark.parametrize("form", WORKED)
def test_the_usual_forms_are_told_by_their_columns(tmp_path, form):
    task = load(tmp_path, alike(WORKED[form]))
    assert task.kind == "number"
    read = found(task)
    assert {question: answer for question, (answer, _) in read.items()} == {f"Q{n}?": str(n + 1) for n in range(4)}
    for n in range(4):
        rationale = read[f"Q{n}?"][1]
        assert rationale.startswith(f"{n} + 1 = {n + 1}")
        assert "box" not in rationale
        assert "####" not in rationale
        assert "answer" not in rationale


def test_prompts_with_answers_of_their_own_have_no_rationale(tmp_path):
    rows = alike(lambda n: {"prompt": [user(f"Q{n}?")], "reward_model": {"ground_truth": str(n)}, "ability": "math"})
    assert found(load(tmp_path, rows))["Q2?"] == ("2", None)
    assert found(load(tmp_path, alike(lambda n: {"prompt": f"Q{n}?", "answer": n})))["Q2?"] == ("2", None)
    assert found(load(tmp_path, alike(lambda n: {"prompt": f"Q{n}?", "y": n}), field={"answer": "y"}))["Q2?"] == (
        "2",
        None,
    )


def test_json_as_an_answer_is_no_conversation(tmp_path):
    for answer in ('[{"from": "Rome", "to": "Oslo"}]', '[{"from": "Rome", "value": 3}]', '[{"role": "king"}]'):
        rows = alike(lambda n, answer=answer: {"question": f"Q{n}?", "answer": answer})
        for settings in ({}, {"match": "json"}):
            assert found(load(tmp_path, rows, kind="text", **settings))["Q2?"] == (answer, None)


def test_a_completion_of_one_line_is_the_answer(tmp_path):
    rows = alike(lambda n: {"messages": [user(f"Q{n}?"), assistant("billing" if n % 2 else "refund request")]})
    task = load(tmp_path, rows)
    assert task.kind == "text"
    assert found(task)["Q2?"] == ("refund request", None)


def test_the_input_of_alpaca_stands_below_the_instruction(tmp_path):
    task = load(tmp_path, alike(lambda n: {"instruction": "Add one.", "input": str(n), "output": str(n + 1)}))
    assert found(task)["Add one.\n2"] == ("3", None)


def test_columns_that_the_first_row_lacks_are_read_in_the_others(tmp_path):
    def row(n):
        more = {"input": str(n), "system": "Be brief."} if n else {}
        return {"instruction": "Add one.", **more, "output": str(n + 1)}

    task = load(tmp_path, alike(row))
    assert found(task).keys() == {"Add one.", "Add one.\n1", "Add one.\n2", "Add one.\n3"}
    assert {problem.system for split in SPLITS for problem in task.problems(split)} == {None, "Be brief."}
    rows = alike(lambda n: {"prompt": f"Q{n}?", "answer": "A", **({"options": ["a", "b"]} if n else {})})
    with pytest.raises(DataError, match="line 1, field 'choices': this row has no choices, but 3 of 4 rows have"):
        load(tmp_path, rows)


@pytest.mark.parametrize(
    "options",
    [["pen", "book"], {"A": "pen", "B": "book"}, '["pen", "book"]', ["A) pen", "B) book"], ["(A) pen", "B. book"]],
)
def test_options_are_choices(tmp_path, options):
    task = load(tmp_path, alike(lambda n: {"question": f"Q{n}?", "options": options, "answer": "B"}))
    assert (task.kind, task.problems("train")[0].text[3:]) == ("choice", "\n(A) pen\n(B) book")
    rows = alike(lambda n: {"question": f"Q{n}?", "options": ["A) pen", "C) book"], "answer": "A"})
    assert load(tmp_path, rows).problems("train")[0].text[3:] == "\n(A) A) pen\n(B) C) book"
    for other in ({"min": 1, "max": 2}, ["pen"], "pen", None):
        rows = alike(lambda n, other=other: {"question": f"Q{n}?", "options": other, "answer": n})
        assert load(tmp_path, rows).kind == "number"


def test_the_form_of_arc_is_read(tmp_path):
    choices = {"text": ["pen", "book"], "label": ["1", "2"]}
    task = load(tmp_path, alike(lambda n: {"id": n, "question": f"Q{n}?", "choices": choices, "answerKey": "2"}))
    problem = task.problems("train")[0]
    assert (task.kind, problem.text[3:], problem.answer) == ("choice", "\n(1) pen\n(2) book", "2")


def test_answers_that_count_the_choices_from_0_are_choices(tmp_path):
    def rows(*answers):
        return [{"question": f"Q{n}?", "choices": ["pen", "book"], "answer": each} for n, each in enumerate(answers)]

    task = load(tmp_path, rows(0, "1", 1, 0))
    assert found(task) == {"Q0?": ("A", None), "Q1?": ("B", None), "Q2?": ("B", None), "Q3?": ("A", None)}
    assert "the answers count the choices from 0, so that 0 is the first" in task.report.notes
    for unclear in ((1, 1, 1, 1), (0, 1, 2, 0), (0, 1, "A", 0), (0, -1, 0, 0)):
        with pytest.raises(DataError, match=r"'-?[012]' is none of the choices A, B"):
            load(tmp_path, rows(*unclear))
    texts = alike(lambda n: {"question": f"Q{n}?", "choices": [1, 0], "answer": 0})
    assert found(load(tmp_path, texts))["Q1?"] == ("B", None)


def test_columns_that_are_letters_are_choices_where_the_answers_name_them(tmp_path):
    def row(n):
        return {"question": f"Q{n}?", "A": "pen", "B": n, "C": "book" if n else None, "answer": "AB"[n % 2]}

    task = load(tmp_path, alike(row))
    assert "the columns A, B, … are read as choices" in task.report.notes
    texts = {problem.text for split in SPLITS for problem in task.problems(split)}
    assert {"Q0?\n(A) pen\n(B) 0", "Q1?\n(A) pen\n(B) 1\n(C) book"} < texts
    assert load(tmp_path, alike(row), field={"question": "{question} {A} or {B}?"}).kind == "text"
    assert load(tmp_path, alike(lambda n: {**row(n), "answer": n})).kind == "number"


def test_completions_that_are_labelled_false_are_left_out(tmp_path):
    right = alike(lambda n: {"prompt": f"Q{n}?", "completion": f"#### {n}", "label": True})
    wrong = alike(lambda n: {"prompt": f"Q{n}?", "completion": "#### 9", "label": False})
    task = load(tmp_path, wrong + right)
    assert found(task) == {f"Q{n}?": (str(n), None) for n in range(4)}
    assert "rows left out, whose completion is labelled false: 4 of 8" in task.report.notes
    with pytest.raises(DataError, match="line 1: every completion is labelled false"):
        load(tmp_path, wrong)
    as_texts = [{**row, "label": str(row["label"])} for row in wrong + right]  # as CSV has them
    assert found(load(tmp_path, as_texts)) == found(task)
    kinds = [{**row, "label": "mixed"} for row in right]  # not all of them true or false: of something else
    assert len(found(load(tmp_path, wrong + kinds))) == 4
    judged = alike(lambda n: {"prompt": f"Is {n} even?", "completion": f"{n} / 2 …", "label": n % 2 == 0})
    for answer in ("label", "{label}"):
        assert found(load(tmp_path, judged, field={"answer": answer}))["Is 1 even?"][0] == "no"


@pytest.mark.parametrize("answers", [("yes", "no"), (True, False)])
def test_a_label_that_repeats_the_answer_leaves_no_row_out(tmp_path, answers):
    def row(n):
        return {"problem": f"Is {n} even?", "solution": f"{n} / 2 …", "answer": answers[n % 2], "label": n % 2 == 0}

    told = {name: answer for name, (answer, _) in found(load(tmp_path, alike(row))).items()}
    assert told == {"Is 0 even?": "yes", "Is 1 even?": "no", "Is 2 even?": "yes", "Is 3 even?": "no"}
    rows = [{**row(n), "label": n < 3} for n in range(4)]
    assert "rows left out, whose completion is labelled false: 1 of 4" in load(tmp_path, rows).report.notes


def test_among_worked_solutions_one_without_steps_is_its_answer_and_one_without_an_answer_is_odd(tmp_path):
    rows = [WORKED["gsm8k"](n) for n in range(12)]
    rows[3]["answer"] = "4"
    task = load(tmp_path, rows)
    assert (found(task)["Q3?"], found(task)["Q4?"]) == (("4", None), ("5", "4 + 1 = 5 pens."))
    rows[3]["answer"] = "So.\nIt is four."
    with pytest.raises(DataError, match="line 4, field 'answer': no final answer in the solution"):
        load(tmp_path, rows)


def test_what_stands_in_today_s_columns_is_read_as_ever(tmp_path):
    rows = alike(
        lambda n: {"question": f"Q{n}?", "answer": n, "solution": "x", "prompt": "y", "completion": "z", "system": "s"}
    )
    task = load(tmp_path, rows)
    assert found(task)["Q2?"] == ("2", None)
    assert all(problem.system is None for problem in task.problems("train"))


def test_system_messages_are_the_row_s_or_the_user_s_own(tmp_path):
    rows = alike(
        lambda n: {"messages": [{"role": "system", "content": "Be brief."}, user(f"Q{n}?"), assistant(str(n))]}
    )
    problem = load(tmp_path, rows).problems("train")[0]
    assert problem.system == "Be brief."
    assert problem.text == f"Be brief.\n\n{problem.question}"
    same = load(tmp_path, rows, system="Count.").problems("train")[0]
    assert (same.system, same.id) == ("Count.", problem.id)
    rows = alike(lambda n: {"question": f"Q{n}?", "answer": n, "role": "Be kind."})
    assert load(tmp_path, rows, field={"system": "role"}).problems("train")[0].system == "Be kind."


def test_fields_may_be_templates_and_items_of_lists(tmp_path):
    rows = alike(lambda n: {"context": f"Ann has {n}.", "ask": "How many {sic}?", "gold": {"text": [str(n), "x"]}})
    field = {"question": "{context}\n\n{ask} {{}}", "answer": "gold.text.0", "rationale": "Of {context}"}
    task = load(tmp_path, rows, field=field)
    assert found(task)["Ann has 2.\n\nHow many {sic}? {}"] == ("2", "Of Ann has 2.")


@pytest.mark.parametrize(
    ("field", "told"),
    [
        ({"question": "{context"}, "a brace stands alone"),
        ({"question": "{{context}}"}, "it holds no column"),
        ({"question": "{}"}, "is no column"),
        ({"question": "{a!r}"}, "is no column"),
        ({"choices": "{a}"}, "choices takes the name of a column"),
        ({"question": " "}, "is empty"),
        ({"sytem": "a"}, "did you mean 'system'?"),
        ({"messages": "a", "question": "b"}, "leave one of them out"),
    ],
)
def test_templates_that_are_none_are_refused(tmp_path, field, told):
    with pytest.raises(ConfigError, match=r"task\.field") as error:
        load(tmp_path, alike(lambda n: {"question": "a", "answer": "b"}), field=field)
    assert told in str(error.value)


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"prompt": "a"}, "a prompt without an answer"),
        ({"prompt": [user("a")]}, "a prompt without an answer"),
        ({"text": "a"}, "the field is missing; the row has text; task.field: {question: YOURS, answer: YOURS}"),
        ({"question": "a"}, "task.field: {answer: YOURS}"),
        ({"Question": "a", "ANSWER": "1"}, "tutelage init --field question=Question --field answer=ANSWER"),
        (
            {"problem": "a", "solution": "1", "messages": [user("a"), assistant("b")]},
            "two forms, problem/solution and messages; say which is meant, as task.field: "
            "{question: problem, answer: solution} or {messages: messages}",
        ),
        (
            {"prompt": "a", "completion": "b", "instruction": "a", "output": "b"},
            "two forms, prompt/completion and alpaca",
        ),
        (
            {"problem": "a", "solution": "b", "answer": "1", "messages": [user("a"), assistant("c")]},
            "task.field: {question: problem, answer: answer, rationale: solution} or {messages: messages}",
        ),
        ({"question": "a", "chosen": "b", "rejected": "c", "output": "d"}, "init --field question=YOURS"),
        ({"problem": "a", "solution": "one\ntwo"}, "no final answer in the solution, which ends with 'two'"),
        ({"problem": "a", "solution": "It is \\boxed{}."}, "no final answer"),
        ({"problem": "a", "solution": ["x"]}, "field 'solution': expected text, found ['x']"),
        ({"problem": "a", "answer": ["12", "13"]}, "takes the first"),
        ({"problem": "a", "answer": {"value": 1}}, "name it in task.field, such as answer.value"),
        ({"problem": "a", "answer": None}, "found None; fill it, or leave the row out"),
        ({"problem": "a", "answer": ""}, "the field is empty (found '')"),
        ({"chosen": "a", "rejected": "b"}, "a preference without a prompt, so there is no question; task.field"),
        ({"talk": [user("a"), assistant("b")]}, "task.field: {messages: talk} reads it, and so does tutelage init"),
        ({"messages": "[{'role': 'user'}]"}, "field 'messages': expected messages such as"),
        ({"instruction": "a", "output": "b", "history": [["c", "d"]]}, "the row has earlier turns"),
        ({"query": "a", "response": "b", "history": '[["c", "d"]]'}, "the row has earlier turns"),
        ({"messages": [user("a")]}, "no message of the assistant"),
        ({"messages": [assistant("a")]}, "no message of the user"),
        ({"messages": [user("a"), assistant("b"), user("c"), assistant("d")]}, "has 2 messages of the user"),
        ({"messages": [assistant("Hello!"), user("a")]}, "the assistant speaks before the user"),
        ({"messages": [user("a"), {"role": "tool", "content": "b"}]}, "a message is of 'tool'"),
        ({"messages": [user([{"type": "image"}]), assistant("b")]}, "a student reads no images"),
        ({"messages": [user(None), assistant("b")]}, "expected a text as content"),
    ],
)
def test_rows_that_do_not_fit_are_told_in_one_line(tmp_path, row, told):
    with pytest.raises(DataError) as error:
        load(tmp_path, [row] * 3)
    assert told in str(error.value)
    assert "line 1" in str(error.value)
    assert "\n" not in str(error.value)


TURNS = [user("a"), assistant("b"), user("c"), assistant("d")]


@pytest.mark.parametrize(
    ("usual", "other", "told"),
    [
        (WORKED["messages"], {"messages": TURNS}, "field 'messages': the conversation has 2 messages of the user"),
        (WORKED["messages"], {"messages": [assistant("Hello!"), *TURNS]}, "the assistant speaks before the user"),
        (WORKED["messages"], {"messages": [user("a"), {"role": "tool", "content": "b"}]}, "a message is of 'tool'"),
        (WORKED["messages"], {"messages": [user([{"type": "image"}]), assistant("b")]}, "a student reads no images"),
        (
            WORKED["messages"],
            {"messages": [user("a"), {"role": "assistant", "content": None, "tool_calls": [{"id": "1"}]}]},
            "the assistant calls a tool",
        ),
        (
            WORKED["query/response"],
            {"query": "a", "response": "#### 1", "history": [["c", "d"]]},
            "field 'history': the row has earlier turns",
        ),
        (
            WORKED["ultrafeedback"],
            {"prompt": "a", "chosen": TURNS, "rejected": TURNS, "messages": TURNS},
            "field 'chosen': the conversation has 2",
        ),
        (
            WORKED["messages"],
            {"messages": json.dumps([user("a"), {"role": "tool", "content": "b"}])},
            "a message is of 'tool'",
        ),
        (
            lambda n: {"prompt": [user(f"What is {n}?")], "completion": [assistant(f"#### {n}")]},
            {"prompt": [user("a"), assistant("b")], "completion": [assistant("#### 1")]},
            "field 'prompt': a prompt ends with the one message of the user",
        ),
    ],
)
def test_a_few_rows_that_are_no_single_question_are_left_out_and_counted(tmp_path, usual, other, told):
    rows = [usual(n) for n in range(20)]
    rows[0], rows[7] = other, other
    task = load(tmp_path, rows)
    assert len(found(task)) == 18
    note = next(note for note in task.report.notes if "left out" in note)
    assert note.startswith(f"rows left out, which are not one question and its answer: 2 of 20; {tmp_path}")
    assert "mine.jsonl, line 1, field" in note
    assert told in note
    rows[9] = other
    with pytest.raises(DataError, match=r"line 1, field .*, but 3 of 20 rows are not: leave them out, or cut"):
        load(tmp_path, rows)
    assert len(found(load(tmp_path, [usual(n) for n in range(4)] + [other]))) == 4


def test_a_conversation_that_repeats_other_columns_may_have_several_turns_at_first(tmp_path):
    rows = alike(
        lambda n: {"problem": f"{n}?", "solution": f"#### {n}", "messages": [user(f"{n}?"), assistant(f"#### {n}")]}
    )
    rows[0]["messages"] = TURNS
    assert found(load(tmp_path, rows)) == {f"{n}?": (str(n), None) for n in range(4)}


@pytest.mark.parametrize(
    ("text", "steps", "answer"),
    [
        ("3 × 4 = <<3*4=12>>12 pens.\n#### 12", "3 × 4 = 12 pens.", "12"),
        ("a\n#### 1\nb\n#### 1,000 pens", "a\n#### 1\nb", "1,000 pens"),
        ("So it is $\\boxed{\\frac{1}{2}}$.", "So it is $\\frac{1}{2}$.", "\\frac{1}{2}"),
        ("First \\boxed{1}, then \\boxed{2}.", "First \\boxed{1}, then 2.", "2"),
        ("\\boxed{7}", None, "7"),
        ("#### Step 1\n3 + 4\n#### Step 2\nIt is \\boxed{7}.", "#### Step 1\n3 + 4\n#### Step 2\nIt is 7.", "7"),
        ("It is \\boxed{7}.\n#### 7", "It is \\boxed{7}.", "7"),
        ("3 boxes.\nThe answer is 12.", "3 boxes.", "12"),
        ("<think>Hm. \\boxed{3}</think>\n3 + 4 = 7. #### 7", "3 + 4 = 7.", "7"),
        ("Paris", None, "Paris"),
    ],
)
def test_solutions_are_split_into_steps_and_answer(text, steps, answer):
    assert split_solution(text) == Solved(steps, answer)


def test_a_solution_that_is_all_thoughts_states_no_answer():
    assert split_solution("<think>It is \\boxed{7}.</think>\n") is None


@given(st.text(max_size=60))
def test_any_text_is_split_or_not(text):
    solved = split_solution(text)
    assert solved is None or solved.answer.strip()


@given(
    st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=12), st.text("abc \n.", min_size=1, max_size=30)
)
def test_what_stands_in_a_box_or_behind_the_mark_is_the_answer(answer, steps):
    for text in (f"{steps}\n#### {answer}", f"{steps} $\\boxed{{{answer}}}$"):
        assert split_solution(text).answer == answer


VALUE = st.one_of(
    st.none(),
    st.booleans(),
    st.text(max_size=8),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.lists(
        st.dictionaries(st.sampled_from(["role", "content", "from", "value"]), st.text("user", max_size=9)), max_size=3
    ),
    st.lists(st.text(max_size=3), max_size=2),
)
COLUMN = st.sampled_from(
    [
        *("question", "answer", "problem", "solution", "prompt", "completion", "chosen", "rejected", "instruction"),
        *("input", "output", "query", "response", "messages", "conversations", "system", "choices"),
    ]
)


@given(st.dictionaries(COLUMN, VALUE, max_size=5))
def test_whatever_the_columns_are_rows_are_read_or_refused(tmp_path_factory, row):
    folder = tmp_path_factory.getbasetemp()
    with contextlib.suppress(DataError):
        load(folder, [row, {**row, "n": 1}])
