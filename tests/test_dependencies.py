"""Whatever is imported is declared, so that an installed Tutelage finds it."""

import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

from tests.test_layering import FILES, imports_of

PROJECT = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
NOT_HERE = {name: name for name in ("vllm", "datasets", "pyarrow", "tensorboard", "trackio", "mlflow", "wandb")}
"""Optional packages that need not be installed, by what is imported."""
OF_OTHERS = {"httpx"}
"""What is loaded early where another package has brought it, and not used (src/tutelage/teacher/online/client.py)."""


def plain(name):
    return re.sub(r"[-_.]+", "-", re.split(r"[\s<>=!~;\[]", name)[0]).lower()


def test_every_import_is_a_dependency():
    declared = {plain(name) for name in PROJECT["dependencies"]}
    declared |= {plain(name) for names in PROJECT["optional-dependencies"].values() for name in names}
    homes = {**{top: [name] for top, name in NOT_HERE.items()}, **packages_distributions()}
    tops = {item.name.partition(".")[0] for path in FILES for item in imports_of(path)}
    foreign = tops - set(sys.stdlib_module_names) - {"tutelage"} - OF_OTHERS
    undeclared = {top for top in foreign if not declared & {plain(name) for name in homes.get(top, [top])}}
    assert not undeclared, f"declare what is imported in pyproject.toml: {sorted(undeclared)}"
