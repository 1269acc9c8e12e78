"""The wheel and the sdist: everything that an installed package needs is in them, and nothing else."""

import tarfile
import zipfile
from email import message_from_bytes

import pytest

from tools.site import ROOT
from tools.wheel import build


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    return build(tmp_path_factory.mktemp("dist"))


def test_the_wheel_has_the_package_the_demo_and_the_licence(built):
    with zipfile.ZipFile(built[0]) as wheel:
        names = wheel.namelist()
    package = {f"tutelage/{path.relative_to(ROOT / 'src' / 'tutelage')}" for path in ROOT.glob("src/tutelage/**/*.py")}
    for folder in ("templates", "static"):
        view = {f"tutelage/view/{folder}/{path.name}" for path in ROOT.glob(f"src/tutelage/view/{folder}/*")}
        assert view
        package |= view
    package.add("tutelage/student/engines/decode_attention.cpp")
    assert {name for name in names if name.startswith("tutelage/")} == package | {"tutelage/py.typed"}
    assert any(name.endswith(".data/data/share/tutelage/demo.yaml") for name in names)
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_what_most_do_not_need_is_an_extra(built):
    with zipfile.ZipFile(built[0]) as wheel:
        name = next(name for name in wheel.namelist() if name.endswith("METADATA"))
        metadata = message_from_bytes(wheel.read(name))
    assert set(metadata.get_all("Provides-Extra")) == {
        *("plots", "datasets", "vllm", "qlora"),
        *("tensorboard", "trackio", "mlflow", "wandb"),
    }
    needed = [line for line in metadata.get_all("Requires-Dist") if "extra ==" not in line]
    assert not [line for line in needed if line.startswith(("matplotlib", "datasets", "vllm", "pytest", "zensical"))]
    assert metadata["Requires-Python"] == ">=3.11"


def test_the_sdist_has_what_the_wheel_is_built_from(built):
    with tarfile.open(built[1]) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    assert {"pyproject.toml", "README.md", "LICENSE", "examples/demo.yaml", "src/tutelage/py.typed"} <= names
