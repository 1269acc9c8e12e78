"""The house rules, checked by reading every file below src/: who may import whom, which library lives where,
how long a file or a function may grow, how fast the command starts. (docs/design.md says why.)"""

import ast
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.processes import UNMEASURED

SOURCE = Path(__file__).parents[1] / "src" / "tutelage"
FILES = sorted(SOURCE.rglob("*.py"))

LAYERS = [
    {
        *("money", "records", "practice_records", "run_records", "study_records", "teacher_records", "system_message"),
        *("errors", "activity", "stopping", "launched"),
    },
    {
        "text",
        "metrics",
        "runs",
        "config",
        "config.file",
        "contracts",
        "did_you_mean",
        "json_lines",
        "renamed",
        "user_cache",
        "user_code",
        "yaml_text",
    },
    {"grading", "mistakes"},
    {"tasks", "teacher", "student", "report", "trackers"},
    {"rounds"},
    {"studies", "assemble", "together", "own_parts", "inputs", "view", "export"},
    {"api", "cli", "__init__", "__main__"},
]
"""The packages by layer, lowest first: imports point down, or to the same layer unless the package is BLIND."""
BLIND = {"tasks", "teacher", "student", "report", "trackers"}
EXTRA_PACKAGES = {"testing": {"records", "errors", "config", "json_lines", "text", "mistakes", "teacher"}}
"""Packages outside the layers, and what they may import. Only the command may import them."""

HOMES = {
    "grading/matching": ["regex"],
    "student/": [
        "torch",
        "transformers",
        "accelerate",
        "peft",
        "safetensors",
        "gguf",
        "tokenizers",
        "numpy",
        "psutil",
        "vllm",
    ],
    "teacher/online/client": ["openai", "httpx", "httpx2", "aiohttp", "requests", "http.client", "urllib.request"],
    "teacher/batch/client": ["openai", "httpx2"],
    "student/engines/server/http": ["httpx2"],
    "teacher/online/prices": ["genai_prices"],
    "teacher/ledger/": ["sqlite3"],
    "tasks/": ["reasoning_gym", "datasets", "pyarrow"],
    "report/plots": ["matplotlib"],
    "view/": ["starlette", "uvicorn", "markupsafe"],
    "view/index/": ["sqlite3"],
    "metrics/comparison": ["numpy"],
    "trackers/to_tensorboard": ["tensorboard"],
    "trackers/to_trackio": ["trackio"],
    "trackers/to_mlflow": ["mlflow"],
    "trackers/to_wandb": ["wandb"],
    "export/": ["datasets", "pyarrow"],
}
"""The only places where a library is imported."""
LAZY = {"genai_prices", "reasoning_gym", "datasets", "pyarrow", "vllm", "matplotlib"}
LAZY |= {"tensorboard", "trackio", "mlflow", "wandb"}
"""Imported inside functions only: they take seconds, or are not there."""

LONGEST_FILE, LONGEST_FUNCTION = 300, 60


@dataclass(frozen=True)
class Import:
    """One imported name, such as `tutelage.records.Problem` or `torch`, and where it stands.

    `late` are those that loading the file does not run: inside functions, and for type checkers.
    """

    name: str
    line: int
    late: bool


def imports(tree: ast.AST, package: list[str], late: bool = False) -> Iterator[Import]:
    """Every import of a file of `package`, those for type checkers and `import_module("…")` among them."""
    for node in ast.iter_child_nodes(tree):
        match node:
            case ast.Import():
                yield from (Import(alias.name, node.lineno, late) for alias in node.names)
            case ast.ImportFrom():
                base = package[: len(package) + 1 - node.level] if node.level else []
                origin = ".".join([*base, node.module] if node.module else base)
                yield from (Import(f"{origin}.{alias.name}", node.lineno, late) for alias in node.names)
            case ast.Call(
                func=ast.Name(id="import_module" | "__import__") | ast.Attribute(attr="import_module"),
                args=[ast.Constant(value=str(name)), *_],
            ):
                yield Import(name, node.lineno, late)
        yield from imports(node, package, late or _runs_late(node))


def _runs_late(node: ast.AST) -> bool:
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.If(test=ast.Name(id="TYPE_CHECKING"), orelse=[]):
            return True
    return False


def imports_of(path: Path, source: str | None = None) -> list[Import]:
    package = ["tutelage", *path.relative_to(SOURCE).parts[:-1]]
    return list(imports(ast.parse(path.read_text(encoding="utf-8") if source is None else source), package))


def package_of(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def package_imported(name: str) -> str | None:
    """The package that an imported name belongs to; None if it is not ours."""
    top, _, rest = name.partition(".")
    if top != "tutelage":
        return None
    package = rest.partition(".")[0]
    return package if (SOURCE / package).is_dir() or (SOURCE / f"{package}.py").is_file() else "__init__"


def may_import(package: str, other: str) -> bool:
    if package == other:
        return True
    if package in EXTRA_PACKAGES:
        return other in EXTRA_PACKAGES[package]
    if other in EXTRA_PACKAGES:
        return package == "cli"
    layer = {name: level for level, names in enumerate(LAYERS) for name in names}
    if package not in layer or other not in layer:
        return package not in layer  # test_every_package_has_its_layer reports it
    return layer[other] < layer[package] or (layer[other] == layer[package] and package not in BLIND)


def upward_imports(path: Path, source: str | None = None) -> list[str]:
    package = package_of(path)
    return [
        f"{path.relative_to(SOURCE)}:{item.line}: {package} imports {item.name}; it may not know {other}"
        for item in imports_of(path, source)
        if (other := package_imported(item.name)) is not None and not may_import(package, other)
    ]


def strayed_libraries(path: Path, source: str | None = None) -> list[str]:
    place = path.relative_to(SOURCE).as_posix()
    found = ((item, _homes(item.name)) for item in imports_of(path, source))
    return [
        f"{place}:{item.line}: {item.name} is imported in {', '.join(homes)} alone"
        for item, homes in found
        if homes and not place.startswith(homes)
    ]


def _homes(name: str) -> tuple[str, ...]:
    return tuple(
        home for home, libraries in HOMES.items() if any(f"{name}.".startswith(f"{library}.") for library in libraries)
    )


def overgrown(path: Path, source: str | None = None) -> list[str]:
    """Files with more than 300 lines that are not blank, functions of more than 60 lines."""
    text = path.read_text(encoding="utf-8") if source is None else source
    place = path.relative_to(SOURCE).as_posix()
    lines = sum(1 for line in text.splitlines() if line.strip())
    found = [f"{place}: {lines} lines; split it at {LONGEST_FILE}"] if lines > LONGEST_FILE else []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > LONGEST_FUNCTION:
                found.append(f"{place}:{node.lineno}: {node.name} has {length} lines; at most {LONGEST_FUNCTION}")
    return found


def _all(rule) -> str:
    return "\n".join(line for path in FILES for line in rule(path))


def test_every_package_has_its_layer():
    packages = {package_of(path) for path in FILES}
    unknown = packages - set().union(*LAYERS) - set(EXTRA_PACKAGES)
    assert not unknown, f"say in LAYERS of {Path(__file__).name} where {', '.join(sorted(unknown))} belongs"


def test_imports_point_down():
    assert not _all(upward_imports), _all(upward_imports)


def test_libraries_stay_at_home():
    assert not _all(strayed_libraries), _all(strayed_libraries)


def test_the_nouns_stand_on_the_standard_library_alone():
    for name in LAYERS[0]:
        tops = {item.name.partition(".")[0] for item in imports_of(SOURCE / f"{name}.py")}
        assert tops <= {*sys.stdlib_module_names, "tutelage"}, f"{name}.py imports {tops}"


def test_slow_libraries_are_imported_where_they_are_used():
    early = [
        f"{path.relative_to(SOURCE)}:{item.line}: import {item.name} inside the function that needs it"
        for path in FILES
        for item in imports_of(path)
        if not item.late and item.name.partition(".")[0] in LAZY
    ]
    assert not early, "\n".join(early)


def test_files_and_functions_stay_readable():
    assert not _all(overgrown), _all(overgrown)


@pytest.mark.parametrize(
    ("place", "source"),
    [
        ("records.py", "from tutelage.config import RunConfig"),
        ("config.py", "import tutelage.teacher.online.client"),
        ("tasks/custom.py", "from tutelage.teacher.teacher import Teacher"),
        ("teacher/online/client.py", "def f():\n    from tutelage import tasks"),
        ("student/model.py", "from ..report import page"),
        (
            "report/page.py",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from tutelage.student import model",
        ),
        ("rounds/loop.py", "from tutelage import load_config"),
        ("rounds/loop.py", "from importlib import import_module\nimport_module('tutelage.cli')"),
        ("testing.py", "from tutelage.tasks.task import Task"),
        ("teacher/online/client.py", "from tutelage.testing import TeacherEndpoint"),
        ("api.py", "from tutelage.testing import TeacherEndpoint"),
        ("testing.py", "from tutelage.cli import app"),
    ],
)
def test_the_reader_sees_an_import_that_points_up(place, source):
    assert len(upward_imports(SOURCE / place, source)) == 1


@pytest.mark.parametrize(
    ("place", "source"),
    [
        ("config.py", "from tutelage.errors import ConfigError\nfrom tutelage import records"),
        ("errors.py", "from .records import Problem"),
        ("rounds/loop.py", "from . import stages\nfrom ..student.training.losses import lm_loss\nimport json"),
        ("cli.py", "from tutelage import assemble, config\nimport tutelage.api"),
        ("cli/serving.py", "def f():\n    from tutelage.testing.serve import serve"),
        ("testing.py", "from tutelage.teacher.answer_key import AnswerKeyTeacher"),
    ],
)
def test_the_reader_lets_pass_what_points_down(place, source):
    assert upward_imports(SOURCE / place, source) == []


@pytest.mark.parametrize(
    ("place", "source", "faults"),
    [
        ("rounds/stages.py", "import torch.nn.functional as F", 1),
        ("student/training/losses.py", "import torch.nn.functional as F\nfrom numpy import array", 0),
        ("teacher/online/budget.py", "import sqlite3\nfrom openai import AsyncOpenAI", 2),
        ("teacher/online/client.py", "from openai import AsyncOpenAI", 0),
        ("teacher/ledger/reader.py", "import sqlite3", 0),
        ("teacher/ledger/file.py", "import sqlite3", 0),
        ("testing.py", "from http.server import HTTPServer\nfrom http import HTTPStatus", 0),
        ("cli.py", "def f():\n    import reasoning_gym, urllib.request", 2),
        ("report/page.py", "import torchvision, datasets_of_ours", 0),
        ("metrics/comparison.py", "import numpy as np", 0),
        ("report/plots.py", "from matplotlib.figure import Figure\nimport numpy", 1),
    ],
)
def test_the_reader_sees_a_library_away_from_home(place, source, faults):
    assert len(strayed_libraries(SOURCE / place, source)) == faults


def test_the_reader_counts_lines():
    long_function = "def f():\n" + "    x = 1\n" * LONGEST_FUNCTION
    assert "f has 61 lines" in overgrown(SOURCE / "runs/directory.py", long_function)[0]
    assert overgrown(SOURCE / "runs/directory.py", "x = 1\n\n" * LONGEST_FILE) == []
    assert "301 lines" in overgrown(SOURCE / "runs/directory.py", "x = 1\n" * (LONGEST_FILE + 1))[0]


HEAVY = ["torch", "transformers", "reasoning_gym", "openai", "datasets", "math_verify", "sympy", "numpy", "matplotlib"]
HEAVY += ["tensorboard", "trackio", "mlflow", "wandb"]


def test_the_command_starts_without_the_heavy_libraries():
    script = f"import sys, tutelage.cli; print(*[name for name in {HEAVY} if name in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert loaded.returncode == 0, loaded.stderr
    assert loaded.stdout.split() == [], "import these inside the functions that need them"


def test_help_comes_at_once():
    """Its time goes into modules: 250 take half a second at most, where `import torch` alone brings 1,500.

    Those of attrs don't count: rich imports it where it is installed.
    """
    count = "print(sum(not name.startswith('attr') for name in sys.modules))"
    script = f"import sys, tutelage.cli\ntry: tutelage.cli.app(['--help'])\nfinally: {count}"
    done = subprocess.run([sys.executable, "-c", script], env=UNMEASURED, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Usage" in done.stdout
    assert int(done.stdout.split()[-1]) < 400


def test_tests_reach_loopback_only():
    """The guard of conftest.py holds, for names and for addresses."""
    for address in [("192.0.2.1", 80), ("example.invalid", 80)]:
        with pytest.raises(RuntimeError, match="loopback only"):
            socket.create_connection(address, timeout=1)
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname(), timeout=5).close()
        socket.create_connection(("localhost", server.getsockname()[1]), timeout=5).close()
