"""Files of the user's, named in a configuration: what is loaded is what was digested, and nothing else."""

import sys
from pathlib import Path

import pytest

from tutelage.errors import ConfigError
from tutelage.user_code import UserCode

SETTING = "task.grader"


def code(folder: Path, function: str = "grade", **files: str) -> UserCode:
    for name, text in files.items():
        path = folder / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return UserCode.named(f"{folder / 'mine.py'}:{function}", SETTING)


def test_a_function_is_loaded_and_that_is_said(tmp_path):
    said: list[str] = []
    mine = code(tmp_path, mine="def grade(problem, text):\n    return text == 'a'\n")
    assert mine.load(said.append)(None, "a") is True
    assert said == [f"task.grader: grade is loaded from {tmp_path / 'mine.py'} (content {mine.digest})"]
    assert list(tmp_path.iterdir()) == [tmp_path / "mine.py"], "no bytecode is left"


def test_what_stands_beside_belongs_to_it_at_once_and_late(tmp_path):
    mine = code(
        tmp_path,
        mine="import helper_of_mine as h\ndef grade(p, t):\n    from late_of_mine import two\n    return h.one, two()",
        helper_of_mine="import json\nfrom pack_of_mine.inner import one",
        late_of_mine="def two(): return 2",
        other_of_mine="raise RuntimeError('nobody has named me')",
        **{"pack_of_mine/__init__": "", "pack_of_mine/inner": "one = 1"},
    )
    assert set(mine.beside) == {"helper_of_mine", "late_of_mine", "pack_of_mine", "pack_of_mine.inner"}
    assert mine.load(lambda _: None)(None, None) == (1, 2)
    with pytest.raises(ModuleNotFoundError):
        __import__("other_of_mine")


def test_content_is_the_identity_not_the_place(tmp_path):
    files = {"mine": "import helper_of_two\ngrade = helper_of_two.grade", "helper_of_two": "def grade(p, t): return 1"}
    first, second = code(tmp_path / "a", **files), code(tmp_path / "b", **files)
    assert first.digest == second.digest
    changed = code(tmp_path / "b", helper_of_two="def grade(p, t): return 2")
    assert changed.digest != first.digest
    assert code(tmp_path / "a", "other").digest != first.digest
    assert [each.load(lambda _: None)(0, 0) for each in (first, changed, first)] == [1, 2, 1]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("def grade(", "mine.py is not Python: SyntaxError"),
        ("\0", "mine.py is not Python"),
        ("raise ValueError('no\\nluck')", r"mine.py cannot be loaded: ValueError: no luck \(line 1\)"),
        ("import sys\nsys.exit(3)", r"cannot be loaded: SystemExit: 3 \(line 2\)"),
        ("import not_there_at_all", "cannot be loaded: ModuleNotFoundError: No module named 'not_there_at_all'"),
        ("from . import beside", "cannot be loaded: ImportError.*; write `import helper` for a helper.py beside it"),
        ("def other(p, t): ...", "mine.py has no function grade"),
        ("grade = 3", "grade of .*mine.py is a int, not a function"),
    ],
)
def test_what_cannot_be_loaded_is_said_in_one_line(tmp_path, text, said):
    with pytest.raises(ConfigError, match=said) as error:
        code(tmp_path, mine=text).load(lambda _: None)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("text", ["mine.py", "mine.py:", "mine:grade", "mine.py:two words", ":grade", "mine.py:a.b"])
def test_a_name_has_one_form(text):
    with pytest.raises(ConfigError, match=r"write it as FILE\.py:FUNCTION"):
        UserCode.named(text, SETTING)


def test_what_is_no_file_is_said(tmp_path):
    for path in (tmp_path / "no.py", tmp_path):
        with pytest.raises(ConfigError, match=r"there is no file|write it as"):
            UserCode.named(f"{path}:grade", SETTING)
    (tmp_path / "folder.py").mkdir()
    with pytest.raises(ConfigError, match="there is no file"):
        UserCode.named(f"{tmp_path / 'folder.py'}:grade", SETTING)


def test_what_the_script_that_was_started_has_beside_it_belongs_to_it(tmp_path, monkeypatch):
    (tmp_path / "helper_of_script.py").write_text("one = 1", encoding="utf-8")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    mine = code(tmp_path / "graders", mine="import helper_of_script as h\ndef grade(p, t): return h.one")
    assert set(mine.beside) == {"helper_of_script"}
    assert mine.load(lambda _: None)(None, None) == 1
    (tmp_path / "helper_of_script.py").write_text("one = 2", encoding="utf-8")
    changed = UserCode.named(f"{tmp_path / 'graders' / 'mine.py'}:grade", SETTING)
    assert changed.digest != mine.digest
    assert changed.load(lambda _: None)(None, None) == 2


def test_a_folder_beside_it_must_be_a_package(tmp_path):
    with pytest.raises(ConfigError, match=r"mine.py imports the folder .*folder_of_mine; give it an __init__.py"):
        code(tmp_path, mine="import folder_of_mine.inner", **{"folder_of_mine/inner": "one = 1"})
    (tmp_path / "yaml").mkdir()  # data of that name hides nothing: the installed package is found
    assert not code(tmp_path, mine="import yaml\ndef grade(p, t): return True").beside


def test_nothing_beside_stands_in_for_an_installed_package(tmp_path):
    with pytest.raises(ConfigError, match=r"yaml beside it in .* hides the module"):
        code(tmp_path, mine="import yaml", yaml="raise RuntimeError")
    mine = code(tmp_path, mine="import json\ndef grade(p, t): return json.dumps(t)", json="raise RuntimeError")
    assert mine.load(lambda _: None)(None, 1) == "1", "the standard library is never hidden"
    assert Path(sys.modules["json"].__file__).parent != tmp_path
