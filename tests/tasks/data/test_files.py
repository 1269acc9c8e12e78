"""Rows of all formats, and that what is none of them is refused by its name, in one line."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tasks.data.written import as_csv, as_json, as_jsonl, as_parquet
from tutelage.errors import DataError
from tutelage.records import SPLITS
from tutelage.tasks.catalog import load_task
from tutelage.tasks.data.csv_file import read_csv
from tutelage.tasks.data.files import read_rows
from tutelage.tasks.rows import Row

ROWS = [{"question": f'What is "{n}" + 1;\nor, rather?', "answer": str(n + 1)} for n in range(12)]
MARK = b"\xef\xbb\xbf"


def problems(task):
    return {problem.question: problem.answer for split in SPLITS for problem in task.problems(split)}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("mine.jsonl", as_jsonl(ROWS)),
        ("mine.txt", as_jsonl(ROWS)),
        ("mine.json", as_jsonl(ROWS)),
        ("mine.json", b"\n\n" + as_jsonl(ROWS).replace(b"\n", b"\n\n")),
        ("mine.json", MARK + as_json(ROWS)),
        ("mine.json", as_json({"version": "1", "data": ROWS})),
        ("mine.json", as_json({name: [row[name] for row in ROWS] for name in ROWS[0]})),
        ("mine.json", as_json({name: {str(n): row[name] for n, row in enumerate(ROWS)} for name in ROWS[0]})),
        ("mine.json", as_json({f"id-{n}": row for n, row in enumerate(ROWS)})),
        ("mine.jsonl", as_json(ROWS)),
        ("mine.csv", as_csv(ROWS)),
        ("mine.csv", as_csv(ROWS, mark=MARK)),
        ("mine.csv", as_csv(ROWS, ";", MARK)),
        ("mine.csv", b"sep=;\r\n" + as_csv(ROWS, ";")),
        ("mine.csv", as_csv(ROWS, "|")),
        ("mine.csv", as_csv([{**row, "": "", " ": ""} for row in ROWS])),
        ("mine.tsv", as_csv(ROWS, "\t")),
        ("mine.parquet", as_parquet(ROWS)),
        ("mine.bin", as_parquet(ROWS)),
    ],
)
def test_every_format_gives_the_same_problems(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    (tmp_path / "plain.jsonl").write_bytes(as_jsonl(ROWS))
    task, same = (load_task("custom", path=tmp_path / file) for file in (name, "plain.jsonl"))
    assert task.splits == same.splits
    assert problems(task) == {row["question"]: row["answer"] for row in ROWS}


def test_a_folder_may_have_its_splits_in_any_format_and_in_shards(tmp_path):
    (tmp_path / "test.csv").write_bytes(as_csv(ROWS[:3]))
    (tmp_path / "data").mkdir()
    for n in range(2):
        (tmp_path / "data" / f"train-0000{n}-of-00002.parquet").write_bytes(as_parquet(ROWS[3 + n :: 2]))
    (tmp_path / "dev.json").write_bytes(as_json(ROWS[:2]))
    task = load_task("custom", path=tmp_path)
    assert [len(task.problems(split)) for split in SPLITS] == [8, 1, 3]
    assert "dev.json is not read; call it validation.json if it is" in task.report.notes
    (tmp_path / "test.parquet").write_bytes(as_parquet(ROWS[:3]))
    with pytest.raises(DataError, match=r"test\.csv and test\.parquet are both there"):
        load_task("custom", path=tmp_path)


def test_of_shards_all_must_be_there(tmp_path):
    shards = [tmp_path / f"train-0000{n}-of-00002.parquet" for n in range(2)]
    for n, shard in enumerate(shards):
        shard.write_bytes(as_parquet(ROWS[n::2]))
    other = shards[1].rename(tmp_path / "train-00001-of-00003.parquet")
    with pytest.raises(DataError, match="2 of 2 or 3 parts are there, the first is train-00000-of-00002"):
        load_task("custom", path=tmp_path)
    other.unlink()
    with pytest.raises(DataError, match="1 of 2 parts are there"):
        load_task("custom", path=tmp_path)


def test_choices_in_a_cell_may_be_json_or_as_pandas_writes_them(tmp_path):
    for cell in ('["bank", "library"]', "['bank', \"library\"]"):
        quoted = cell.replace('"', '""')
        lines = "".join(f'Where are books lent {n}?;"{quoted}";B\n' for n in range(4))
        (tmp_path / "a.csv").write_text(f"question;choices;answer\n{lines}")
        problem = load_task("custom", path=tmp_path / "a.csv").problems("train")[0]
        assert [choice.text for choice in problem.choices] == ["bank", "library"]
    (tmp_path / "a.csv").write_text("question;choices;answer\nWhere?;['bank' 'library'];B\n")
    with pytest.raises(DataError, match="field 'choices': expected two choices or more"):
        load_task("custom", path=tmp_path / "a.csv")


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.parquet", b"question,answer\n1,2\n", "no Parquet: it begins with b'question,answer"),
        ("a.parquet", b"PAR1 and no more", "broken Parquet"),
        ("a.parquet", as_parquet([{"question": "a", "answer": float("nan")}]), "found None"),
        ("a.csv", b"", "no rows"),
        ("a.csv", b"question,answer\n", "a header, but no rows"),
        ("a.csv", b"question,answer\nWhat, now?,2\n", "line 2: the row has 3 cells, the header 2 (the last: '2')"),
        ("a.csv", b"question,answer\nWhat?\n", "line 2: the row has 1 cells, the header 2"),
        ("a.csv", b"question,question\na,b\n", "the column stands twice"),
        ("a.csv", b'question,answer\n"What,2\n', "line 2: not CSV"),
        ("a.csv", b"question,answer\n\xe4,2\n", "line 2: the file is not UTF-8 at byte 16"),
        ("a.csv", "question,answer\n1,2\n".encode("utf-16"), "UTF-16; save it as UTF-8"),
        ("a.csv", b"question,answer\nWhat?,\n", "line 2, field 'answer': the field is empty"),
        ("a.csv", b"prompt_text,gold\na,b\n", "the row has prompt_text, gold; task.field: {question: YOURS"),
        ("a.json", b'{"train": [{"a": 1}], "test": [{"a": 1}]}', "several lists of rows: train, test"),
        ("a.json", b"[1]", "row 1: expected an object"),
        ("a.json", as_json({str(n): "a" for n in range(300)}), "18, 19 and 280 more; task.field: {question"),
        ("a.json", b'[{"question": "a"', "not JSON"),
        ("a.jsonl", b"version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer"),
        ("a.jsonl", b"\x1f\x8b\x08", "compressed by gzip"),
        ("a.csv", b"PK\x03\x04", "a spreadsheet or a zip archive"),
    ],
)
def test_what_cannot_be_read_is_told_in_one_line(tmp_path, name, content, told):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError) as error:
        load_task("custom", path=tmp_path / name)
    assert told in str(error.value)
    assert str(error.value).startswith(str(tmp_path / name))
    assert "\n" not in str(error.value)


CELL = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\0"), max_size=12)


@given(st.lists(st.tuples(CELL.filter(str.strip), CELL), min_size=1, max_size=6), st.sampled_from(",;\t|"))
def test_csv_comes_back_as_it_was_written(tmp_path_factory, cells, delimiter):
    rows = [{"question": one, "answer": other} for one, other in cells]
    file = tmp_path_factory.getbasetemp() / "any.csv"
    file.write_bytes(as_csv(rows, delimiter, MARK))
    assert [dict(row.data) for row in read_csv(file)] == rows


@given(st.binary(max_size=80), st.sampled_from(["a.json", "a.csv", "a.parquet", "a.jsonl"]))
def test_whatever_a_file_holds_it_is_read_or_refused(tmp_path_factory, content, name):
    file = tmp_path_factory.getbasetemp() / name
    file.write_bytes(content)
    told = str(file)
    try:
        rows = read_rows(file)
    except DataError as error:
        rows, told = [Row({}, "")], str(error)
    assert rows
    assert str(file) in told


def test_lines_are_counted_below_cells_of_several_lines(tmp_path):
    file = tmp_path / "a.csv"
    file.write_bytes(as_csv(ROWS[:3]) + b"last,\n")
    with pytest.raises(DataError, match="line 8, field 'answer'"):
        load_task("custom", path=file)


def test_an_address_is_no_file():
    with pytest.raises(DataError, match=r"https://example\.org/a\.csv: no address is read; download the file"):
        load_task("custom", path="https://example.org/a.csv")


def test_json_lines_in_a_json_file_keep_their_lines(tmp_path):
    file = tmp_path / "a.json"
    file.write_text(json.dumps(ROWS[0]) + "\n{\n", encoding="utf-8")
    with pytest.raises(DataError, match="line 2: not JSON"):
        load_task("custom", path=file)
