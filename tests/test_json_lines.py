import contextlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutelage import json_lines
from tutelage.errors import DataError
from tutelage.json_lines import read_json, read_values


def read(path: Path, content: bytes) -> list[tuple[int, object]]:
    path.write_bytes(content)
    return list(read_values(path))


def test_blank_lines_marks_and_line_ends_do_no_harm(tmp_path):
    content = b'\xef\xbb\xbf{"a": 1}\r\n\r\n  \n[2]\n{"b": "x\xe2\x80\xa8y"}'
    assert read(tmp_path / "f", content) == [(1, {"a": 1}), (4, [2]), (5, {"b": "x\u2028y"})]
    assert read(tmp_path / "f", b"") == []


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b'{"a": 1, "b": 2, "a": 3}', "line 2, field 'a': the key stands twice"),
        (b'{"a": [{"\\u0062": 2, "b": 3}]}', "line 2, field 'b': the key stands twice"),
        (b'{"a": Infinity}', "line 2: not JSON (Infinity is not a value)"),
        (b'{"a": -1e999}', "line 2: not JSON (-1e999 is too large for a number)"),
        (b"[" * 100_000, "line 2: not JSON (it is nested too deep)"),
        (b'{"a":' * 100_000, "line 2: not JSON (it is nested too deep)"),
        (b"9" * 5000, "line 2: not JSON (Exceeds the limit"),
        (b'{"a": 1}\0', "line 2: not JSON (Extra data at character 9)"),
        (b'{"a": "\0"}', "line 2: not JSON (Invalid control character at at character 8)"),
        (b'{"a": "\xff"}', "line 2: the file is not UTF-8 at byte 17"),
        (b'\xef\xbb\xbf{"a": 1}', "line 2: not JSON (Unexpected UTF-8 BOM"),
        ('{"a": 1}'.encode("utf-16"), "line 2: the file is not UTF-8 at byte 10"),
        (b'{"a": 1} {"a": 2}', "line 2: not JSON (Extra data"),
        (b"{'a': 1}", "line 2: not JSON (Expecting property name"),
        (b'{"a": 1', "line 2: not JSON (Expecting ',' delimiter at character 8)"),
        (b'{"a": 1\r', "line 2: not JSON (Expecting ',' delimiter at character 8)"),
    ],
)
def test_a_broken_line_is_named(tmp_path, line, message):
    with pytest.raises(DataError) as error:
        read(tmp_path / "f", b'{"ok": 1}\n' + line + b"\n")
    assert message in str(error.value)
    assert len(str(error.value).splitlines()) == 1
    assert error.value.line == 2


def test_what_has_no_end_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(json_lines, "MOST_LINE", 2**20)
    with pytest.raises(DataError, match=r"/dev/zero, line 1: the line is longer than 1 MiB"):
        list(read_values(Path("/dev/zero")))
    monkeypatch.setattr(json_lines, "MOST_FILE", 2**20)
    with pytest.raises(DataError, match=r"the file is longer than 1 MiB"):
        read(tmp_path / "f", b"[]\n" * 2**19)


@pytest.mark.parametrize("name", ["none", ".", "a\0b", "a\ud800b", "n" * 300])
def test_what_cannot_be_opened_is_named(tmp_path, name):
    for read_it in (lambda path: list(read_values(path)), read_json):
        with pytest.raises(DataError, match="cannot read the file: "):
            read_it(tmp_path / name)


def test_a_whole_file_names_the_line_too(tmp_path):
    (tmp_path / "f").write_text('\ufeff{"a":\n 1}', encoding="utf-8")
    assert read_json(tmp_path / "f") == {"a": 1}
    (tmp_path / "f").write_text('{"a": 1,\n "b"}')
    with pytest.raises(DataError, match="line 2: not JSON"):
        read_json(tmp_path / "f")
    (tmp_path / "f").write_text('{"a": 1,\n "a": 2}')
    with pytest.raises(DataError, match="field 'a': the key stands twice"):
        read_json(tmp_path / "f")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(st.lists(VALUES), st.booleans())
def test_what_is_written_comes_back(tmp_path_factory, values, ascii_only):
    lines = (json.dumps(value, ensure_ascii=ascii_only) for value in values)
    content = "\n".join(lines).encode()
    assert read(tmp_path_factory.getbasetemp() / "f", content) == list(enumerate(values, start=1))


@given(st.binary(max_size=60), st.integers(0, 40), st.integers(0, 40))
def test_whatever_stands_in_a_file_it_is_read_or_refused(tmp_path_factory, noise, start, end):
    good = b'{"a": [1, 2.5, "\xc3\xa9\\n"], "b": null}\n'
    with contextlib.suppress(DataError):
        read(tmp_path_factory.getbasetemp() / "f", good[:start] + noise + good[end:])
