"""The user's own JSONL: what is read, what is told from it, and that every fault is named with its place."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.work import assert_linear
from tutelage.config import TaskConfig
from tutelage.errors import ConfigError, DataError
from tutelage.records import SPLITS, Problem
from tutelage.tasks.catalog import load_task
from tutelage.tasks.custom import read_custom
from tutelage.tasks.data.notes import _UNIT, _WORDS
from tutelage.tasks.rows import Row, read_jsonl


def write(path, rows):
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def row(n, **fields):
    return {"question": f"What is {n} + 1?", "answer": str(n + 1), **fields}


@pytest.fixture
def file(tmp_path):
    return tmp_path / "mine.jsonl"


def everything(task):
    return {problem.question: problem for split in SPLITS for problem in task.problems(split)}


def test_one_file_is_split_by_content(file):
    write(file, [row(n) for n in range(50)])
    task = load_task("custom", path=file)
    assert [len(task.problems(split)) for split in SPLITS] == [36, 4, 10]
    assert task.kind == "number"
    assert task.examples == ()
    assert task.report.notes == ("there is no test file: 20% of the questions are drawn as test by seed 0",)
    write(file, [row(n) for n in reversed(range(50))])
    assert set(load_task("custom", path=file).problems("test")) == set(task.problems("test"))
    assert set(load_task("custom", path=file, seed=1).problems("test")) != set(task.problems("test"))


def test_a_folder_has_the_splits_that_its_files_say(tmp_path):
    write(tmp_path / "train.jsonl", [row(n) for n in range(20)])
    write(tmp_path / "test.jsonl", [row(n) for n in range(20, 25)])
    task = load_task("custom", path=tmp_path)
    assert [len(task.problems(split)) for split in SPLITS] == [18, 2, 5]
    write(tmp_path / "validation.jsonl", [row(n) for n in range(25, 28)])
    task = load_task("custom", path=tmp_path)
    assert [len(task.problems(split)) for split in SPLITS] == [20, 3, 5]
    assert [p.answer for p in task.problems("validation")] == ["26", "27", "28"]
    (tmp_path / "test.jsonl").unlink()
    assert [len(load_task("custom", path=tmp_path).problems(split)) for split in SPLITS] == [16, 3, 4]


def test_examples_come_from_their_own_file_and_are_no_problems(tmp_path):
    write(tmp_path / "train.jsonl", [row(n) for n in range(20)])
    own = row(90, rationale="90 + 1 = 91.")
    write(tmp_path / "examples.jsonl", [own, row(91), row(3, rationale="3 + 1 = 4.")])
    (example,) = load_task("custom", path=tmp_path).examples
    assert example.question == "What is 90 + 1?"
    assert example.rationale == "90 + 1 = 91.\nThe answer is 91."


def test_all_fields_are_read(file):
    rows = [
        row(n, rationale=f"{n} + 1 = {n + 1}.\nThe answer is {n + 1}.", equation=f"{n} + 1", id=7) for n in range(5)
    ]
    problem = everything(load_task("custom", path=write(file, rows)))["What is 3 + 1?"]
    assert (problem.answer, problem.rationale, problem.equation) == ("4", "3 + 1 = 4.", "3 + 1")


def test_fields_may_have_other_names_also_nested_ones(file):
    rows = [{"prompt": f"What is {n}?", "gold": {"value": n}, "answer": "no"} for n in range(5)]
    task = load_task("custom", path=write(file, rows), field={"question": "prompt", "answer": "gold.value"})
    assert everything(task)["What is 3?"].answer == "3"


@pytest.mark.parametrize(
    ("answers", "kind", "one_form"),
    [
        (["1,000", "$2", "70%", 4, 5.0], "number", ["1000", "2", "70%", "4", "5"]),
        (["yes", "No.", True, "no", "YES"], "yes-no", ["yes", "no", "yes", "no", "yes"]),
        (["Paris", "1912", "yes", "a cat ", "3:30"], "text", ["Paris", "1912", "yes", "a cat", "3:30"]),
        (["5 apples", "6 pears", "7 figs", "8 nuts", "x"], "text", ["5 apples", "6 pears", "7 figs", "8 nuts", "x"]),
        (["12 pens", "1 pen", "5 km/h", "1,000 square feet", 3], "number", ["12", "1", "5", "1000", "3"]),
        (["3 May", "42nd street", "7 up and down", "5 or 6", "1 of 2"], "text", None),
        (
            [2 / 3, 0.1 + 0.2, "- 5", "1e-07", 51.0],
            "number",
            ["0.6666666666666666", "0.30000000000000004", "-5", "0.0000001", "51"],
        ),
    ],
)
def test_the_kind_is_told_from_the_answers(file, answers, kind, one_form):
    rows = [{"question": f"Number {n}?", "answer": answer} for n, answer in enumerate(answers)]
    task = load_task("custom", path=write(file, rows))
    assert task.kind == kind
    assert [everything(task)[f"Number {n}?"].answer for n in range(5)] == (one_form or answers)
    for problem in everything(task).values():
        assert task.grade(problem, f"The answer is {problem.answer}.").correct


@pytest.mark.parametrize(
    "choices",
    [
        ["bank", "library"],
        [{"label": "A", "text": "bank"}, {"label": "B", "text": "library"}],
        {"A": "bank", "B": "library"},
        {"label": ["A", "B"], "text": ["bank", "library"]},
    ],
)
def test_choices_in_any_form_and_answers_by_label_or_text(file, choices):
    answers = ["A", "library", "(b)", "Bank", "B. library"]
    rows = [{"question": f"Number {n}?", "answer": a, "choices": choices} for n, a in enumerate(answers)]
    task = load_task("custom", path=write(file, rows))
    assert task.kind == "choice"
    found = everything(task)
    assert [found[f"Number {n}?"].answer for n in range(5)] == ["A", "B", "B", "A", "B"]
    assert found["Number 0?"].text == "Number 0?\n(A) bank\n(B) library"


def test_the_kind_may_be_given(file):
    rows = [{"question": f"Number {n}?", "answer": f"{n} apples"} for n in range(5)]
    task = load_task("custom", path=write(file, rows), kind="number")
    assert everything(task)["Number 3?"].answer == "3"
    rows[2]["answer"] = "a few"
    with pytest.raises(
        DataError, match=r"line 3, field 'answer': 'a few' is not a number \(the kind of the task is number\)"
    ):
        load_task("custom", path=write(file, rows), kind="number")
    with pytest.raises(DataError, match="line 1, field 'choices': the row has no choices"):
        load_task("custom", path=file, kind="choice")


def test_units_are_left_aside_and_the_notes_say_so(file):
    rows = [{"question": f"Number {n}?", "answer": f"{n} pens"} for n in range(5)]
    task = load_task("custom", path=write(file, rows))
    assert task.grade(everything(task)["Number 3?"], "The answer is 3.").correct
    assert task.report.notes[0].startswith("5 of 5 answers are numbers with a unit, such as '0 pens': the number alone")
    assert load_task("custom", path=file, kind="text").kind == "text"
    rows[2]["answer"] = "a few"
    task = load_task("custom", path=write(file, rows))
    assert task.kind == "text"
    assert "task.kind: number grades the number" in task.report.notes[0]


def noted(file, answers, **settings):
    """The kind that is told from these answers, and the notes on them."""
    rows = [{"question": f"Number {n}?", "answer": answer} for n, answer in enumerate(answers)]
    task = load_task("custom", path=write(file, rows), **settings)
    return task.kind, [note for note in task.report.notes if "answers" in note]


def test_numbers_with_a_decimal_comma_are_noted(file):
    kind, [note] = noted(file, ["12", "3,5", "0,125", "1.234,56 kg", "7"])
    assert (kind, note.partition(":")[0]) == (
        "text",
        "3 of 5 answers may be numbers with a decimal comma, such as '3,5'",
    )
    assert "3,50 is wrong for 3,5; if they are, write a decimal point, in questions and solutions, too" in note
    assert noted(file, ["3,5"] * 5, kind="text") == ("text", [])
    assert noted(file, ["in 3,5 hours", "Rome", "3,5", "never", "no"]) == ("text", [])
    assert "such as '३,५'" in noted(file, ["३,५", "٢,٥", "1\u202f234,56"])[1][0]
    assert noted(file, ["1,3-butadiene", "2,4-xylenol", "1,2–1,5"]) == ("text", [])
    assert noted(file, ["1.234,56", "2.345,00", "3.000,50"]) == ("number", [])
    kind, [note] = noted(file, ["1.234,56", "12.345", "3.000,50"])
    assert kind == "number"
    assert note.startswith(
        "2 of 3 answers have a decimal comma, such as '1.234,56', but '12.345' is read as 12.345; write"
    )
    assert noted(file, ["1.234,56", "12\u00a0345", "3.000,50"]) == ("number", [])
    for settings in ({}, {"kind": "number"}):
        with pytest.raises(
            DataError, match=r"line 3, field 'answer': '3,5' is .*; a decimal comma is not read: write a"
        ):
            noted(file, ["1", "2", "3,5", *map(str, range(17))], **settings)
    with pytest.raises(DataError, match=r"'3,5' is odd: .* of the kind yes-no; correct it, or set task.kind: text$"):
        noted(file, ["yes"] * 19 + ["3,5"])


def test_html_is_noted(file):
    rows = [row(n, rationale=f"{n} + 1 &times; 1 = {n + 1}") for n in range(3)]
    for text in ("What is <b>2</b> + 1?", "What is x<sup>2</sup>?"):
        notes = load_task("custom", path=write(file, [row(0, rationale=text), row(1), row(2)])).report.notes
        assert notes[0].startswith("1 of 3 problems hold HTML, such as '<"), text
    rows += [{"question": "Two<br />lines?", "answer": 2}, {"question": "R&D; a < b > c &copy=1?", "answer": 3}]
    notes = load_task("custom", path=write(file, rows)).report.notes
    assert notes[0].startswith(
        "4 of 5 problems hold HTML, such as '&times;': it is read as it stands; write plain text"
    )
    notes = load_task("custom", path=write(file, [*rows[4:], row(1), row(2)])).report.notes
    assert not any("HTML" in note for note in notes)


def test_a_column_that_may_belong_to_the_question_is_noted_where_it_is_not_read(file):
    def told(settings, **more):
        notes = load_task("custom", path=write(file, [{**row(n), **more} for n in range(4)]), **settings).report.notes
        return [note for note in notes if "is not read" in note]

    above = 'the column context is not read; task.field: {question: "{context}\\n\\n{question}"} asks below it'
    assert told({}, context="Ann has pens.", table=3) == [above]
    assert told({"field": {"question": "{context} {question}"}}, context="Ann has pens.") == []
    assert told({}, context="?") == []  # stands in the question
    system = ["the column system is not read; task.field: {system: system} takes system messages from it"]
    assert told({}, system="Be brief.") == system
    assert told({"field": {"system": "system"}}, system="Be brief.") == []
    assert told({"system": "Be kind."}, system="Be brief.") == []


def test_answers_that_are_long_texts_are_noted(file):
    rows = [{**row(n), "answer": f"First we count.\nSo there are {n} pens."} for n in range(4)]
    long = "4 of 4 answers are long texts, such as 'First we count."
    assert any(note.startswith(long) for note in load_task("custom", path=write(file, rows)).report.notes)
    assert not any("long" in note for note in load_task("custom", path=write(file, rows), match="f1").report.notes)


def test_units_of_other_languages_are_noted_and_currencies_left_aside(file):
    assert noted(file, ["3 €", "5€", "12 £"])[0] == "number"
    kind, [note] = noted(file, ["12 Äpfel", "3 Äpfel", "7"])
    assert (kind, note.partition(":")[0]) == ("text", "2 of 3 answers are numbers with a unit, such as '12 Äpfel'")
    assert noted(file, ["12 яблок", "1 яблоко", "3 яблока", "х"])[1]
    assert "such as '१२ पेन'" in noted(file, ["१२ पेन", "३ पेन", "x"])[1][0]
    assert noted(file, ["12 Äpfel", "3 Äpfel", "7"], match="f1") == ("text", [])
    assert noted(file, ["42nd street", "1st", "5 or 6"]) == ("text", [])


@pytest.mark.parametrize(
    "answers",
    [
        ["7 pm", "5 am", "11 am"],
        ["7 PM", "5 PM", "11 PM"],
        ["7 p.m.", "5 a.m.", "11 a.m."],
        ["3 May", "12 January", "5 May"],
        ["12 Main Street", "3 Oak Street", "7 Elm Street"],
        ["12 Äpfel", "3", "x"],
    ],
)
def test_words_behind_numbers_that_tell_answers_apart_are_no_units(file, answers):
    assert noted(file, answers) == ("text", [])


def test_units_are_looked_for_in_linear_time():
    for piece in (".", "a", "1. "):
        for unit in (_UNIT, _WORDS):
            assert_linear(lambda end, unit=unit: unit.sub("", f"1{end}!"), piece * 8_000)


def test_a_mixed_file_says_what_is_odd(file):
    rows = [row(n) for n in range(20)]
    rows[6]["answer"] = "n/a"
    with pytest.raises(
        DataError, match=r"line 7, field 'answer': 'n/a' is odd: 19 of 20 answers are of the kind number"
    ):
        load_task("custom", path=write(file, rows))
    assert load_task("custom", path=file, kind="text").kind == "text"
    rows = [row(n, choices=["1", "2"]) for n in range(2)] + [row(5)]
    with pytest.raises(DataError, match="line 3, field 'choices': this row has no choices, but 2 of 3 rows have"):
        load_task("custom", path=write(file, rows))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "not JSON"),
        ("[1]", r"expected an object such as .*, found \[1\]"),
        ("null", "found None"),
        (
            '{"question": "a"}',
            r"field 'answer': the field is missing; the row has question; task.field: \{answer: YOURS\}",
        ),
        ('{"answer": "a"}', "field 'question': the field is missing"),
        ('{"question": "  ", "answer": "1"}', "field 'question': the field is empty"),
        ('{"question": "a", "answer": ""}', "field 'answer': the field is empty"),
        ('{"question": 7, "answer": "1"}', "field 'question': expected text, found 7"),
        ('{"question": "a", "answer": [1]}', r"field 'answer': expected text or a number, found \[1\]"),
        ('{"question": "a", "answer": {"n": 1}}', "such as answer.n; if all of it is the answer, set task.match: json"),
        ('{"question": "a", "answer": null}', "field 'answer': expected text or a number, found None"),
        ('{"question": "a", "answer": NaN}', "not JSON .NaN is not a value"),
        ('{"question": "a", "answer": "1", "rationale": 5}', "field 'rationale': expected text, found 5"),
        ('{"question": "a", "answer": "1", "choices": "AB"}', "field 'choices': expected texts or"),
        ('{"question": "a", "answer": "1", "choices": ["1"]}', "field 'choices': expected two choices or more"),
        ('{"question": "a", "answer": "1", "choices": ["1", ""]}', "field 'choices': the field is empty"),
        ('{"question": "a", "answer": "1", "choices": {"A": "1", "a": "2"}}', "of distinct labels"),
        ('{"question": "a", "answer": "1", "choices": {"label": ["A"], "text": []}}', "expected texts or"),
        ('{"question": "a\\ud800", "answer": "1"}', "field 'question': half of a Unicode surrogate pair"),
        ("[" * 5000, "not JSON"),
        ("9" * 5000, "not JSON"),
    ],
)
def test_a_broken_row_is_named_with_file_line_and_field(file, line, message):
    file.write_text(json.dumps(row(1)) + "\n\n" + line + "\n", encoding="utf-8")
    with pytest.raises(DataError, match=message) as error:
        load_task("custom", path=file)
    assert str(error.value).startswith(f"{file}, line 3")
    assert error.value.line == 3
    assert "\n" not in str(error.value)


def test_files_that_cannot_be_read_are_data_errors(file, tmp_path):
    with pytest.raises(DataError, match="cannot read the file: No such file"):
        load_task("custom", path=file)
    with pytest.raises(DataError, match="no such file or folder; a data set of the hub is written hf://openai/gsm8k"):
        load_task("custom", path="openai/gsm8k")
    with pytest.raises(DataError, match="cannot read the file: No such file"):
        load_task("custom", path="data/lost.jsonl")
    with pytest.raises(DataError, match=r"no train\.jsonl \(.*\), and it has no data files; name one file"):
        load_task("custom", path=tmp_path)
    file.write_text("\n \n", encoding="utf-8")
    with pytest.raises(DataError, match="the file has no rows"):
        load_task("custom", path=file)
    file.write_bytes(json.dumps(row(1)).encode() + b"\n\xff\xfe")
    with pytest.raises(DataError, match="line 2: the file is not UTF-8"):
        load_task("custom", path=file)
    write(file, [row(1), row(2)])
    with pytest.raises(DataError, match="2 problems are too few to draw validation and test from"):
        load_task("custom", path=file)


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (
            ["main/train.jsonl", "socratic/train.jsonl"],
            "data files in {0}/main, {0}/socratic; name one of these folders",
        ),
        ([*(f"a/{n}.csv" for n in range(6)), "b/0.csv"], "data files in {0}/a, {0}/b; name one of these folders"),
        (["train.jsonl.gz"], "it has train.jsonl.gz; name one file"),
        (["data.csv", "main/a.csv"], "it has data.csv; name one file, or rename it"),
        (["state.json", "dataset_info.json"], "load_from_disk(FOLDER).to_parquet('train.parquet')"),
        (["dataset_dict.json", "train/state.json"], "load_from_disk(FOLDER)[\"train\"].to_parquet('train.parquet')"),
    ],
)
def test_a_folder_without_training_data_says_what_it_has(tmp_path, names, told):
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    with pytest.raises(DataError) as error:
        load_task("custom", path=tmp_path)
    assert told.format(tmp_path) in str(error.value)


def test_points_that_may_divide_thousands_are_noted(file):
    kind, [note] = noted(file, ["2.000", "12.500", "700"])
    assert kind == "number"
    assert note.startswith("2 of 3 answers have three digits behind a point, such as '2.000', which is read as 2; if")
    for answers in (["2,000", "12,500 km."], ["2.5", "3.25"], ["0.125", "0.375"], ["2.000", "1.5", "7"]):
        assert not [note for note in noted(file, [*answers, "1"])[1] if "point" in note]


def test_a_file_beside_that_of_a_part_is_noted(tmp_path):
    for place, name in enumerate(("train.jsonl", "train2.jsonl", "test.jsonl", "notes.jsonl")):
        write(tmp_path / name, [row(9 * place + n) for n in range(9)])
    (note,) = load_task("custom", path=tmp_path).report.notes
    assert note.startswith("train2.jsonl is not read beside train.jsonl; the files of one part are called train-00000-")


def test_an_error_counts_the_rows_that_are_broken(file):
    rows = [row(n) for n in range(20)]
    write(file, [*rows[:-1], {**rows[-1], "question": None}])
    with pytest.raises(DataError, match=r"line 20, .*found None; fill it, or leave .*; 1 of 20 rows is broken"):
        load_task("custom", path=file)
    write(file, [*rows, *({"question": "a", "answer": None} for _ in range(3))])
    with pytest.raises(DataError, match=r"line 21, .*leave the row out; 3 of 23 rows are broken$") as error:
        load_task("custom", path=file)
    assert error.value.line == 21


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(file):
    file.write_bytes(b"\xef\xbb\xbf" + b"\r\n".join(json.dumps(row(n)).encode() for n in range(5)))
    assert len(everything(load_task("custom", path=file))) == 5


def test_unusual_line_separators_stay_in_their_row(file):
    write(file, [row(n, rationale="one\u2028two\x85three") for n in range(5)])
    assert all(p.rationale == "one\u2028two\x85three" for p in everything(load_task("custom", path=file)).values())


def test_settings_that_do_not_fit_are_config_errors(file):
    with pytest.raises(ConfigError, match=r"task\.path is missing"):
        load_task("custom")
    with pytest.raises(
        ConfigError, match=r"unknown field task\.field\.anser; did you mean 'answer'\? \(write it as ours: you"
    ):
        load_task("custom", path=file, field={"anser": "gold"})


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=8)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(["label", "text", "A"]), inner)
    ),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(["question", "answer", "choices", "rationale", "equation"]), JSON))
def test_whatever_a_row_holds_it_is_read_or_refused(tmp_path_factory, data):
    folder = tmp_path_factory.getbasetemp() / "any"
    folder.mkdir(exist_ok=True)
    rows = [row(n) for n in range(5)] if "choices" not in data else [row(n, choices=["1", "2", "3"]) for n in range(2)]
    write(folder / "any.jsonl", [*rows, data])
    with contextlib.suppress(DataError):
        task = load_task("custom", path=folder / "any.jsonl")
        for problem in everything(task).values():
            assert problem.question.strip()
            assert task.grade(problem, problem.answer).reason


@given(st.lists(st.dictionaries(st.text(max_size=5), st.integers()), min_size=1, max_size=5))
def test_jsonl_comes_back_as_it_was_written(tmp_path_factory, rows):
    file = write(tmp_path_factory.getbasetemp() / "rows.jsonl", rows)
    assert read_jsonl(file) == [Row(data, str(file), line) for line, data in enumerate(rows, start=1)]


def test_the_rows_can_be_had_as_they_stand(file):
    file.write_text(
        '{"question": "q\u2028r", "answer": 12, "equation": "3 * 4"}\n\n'
        '{"question": "r", "answer": "5", "rationale": "R."}\n',
        encoding="utf-8",
    )
    read = read_custom(TaskConfig(name="custom", path=str(file)))
    assert read.kind == "number"
    assert read.problems == {
        "train": [Problem.of("q\u2028r", "12", equation="3 * 4"), Problem.of("r", "5", rationale="R.")]
    }


@pytest.mark.parametrize("broken", ["{", "[1]", '{"question": "q"}', "4"])
def test_a_broken_row_is_named(file, broken):
    file.write_text(f'{{"question": "q", "answer": "1"}}\n{broken}\n')
    with pytest.raises(DataError, match=r"mine\.jsonl, line 2"):
        read_custom(TaskConfig(name="custom", path=str(file)))
