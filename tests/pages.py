"""What stands in fences on the pages, and a folder in which it can be run: the examples, small enough for seconds."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.command import SETTINGS
from tutelage.config.file import load_config, read_yaml_file
from tutelage.tasks.catalog import open_task
from tutelage.testing import answer_key_endpoint

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    path for places in ("*.md", "docs/**/*.md", "examples/**/*.md", ".github/**/*.md") for path in ROOT.glob(places)
)
_FENCE = re.compile(r"^```(\w*)(?: title=\"([^\"\n]+)\")?\n(.*?)^```$", re.S | re.M)


@dataclass(frozen=True)
class Fence:
    """A block of a page: where it stands, what it says it is, its text, and the name of the file that it is."""

    place: str
    kind: str
    text: str
    file: str | None = None

    @property
    def commands(self) -> list[list[str]]:
        """The lines of a shell, split into words, without comments."""
        lines = self.text.replace("\\\n", " ").splitlines()
        return [words for line in lines if (words := shlex.split(line, comments=True))]


def fences(kind: str | None = None) -> list[Fence]:
    """Those of all pages, of one kind or of all."""
    found: list[Fence] = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for block in _FENCE.finditer(text):
            line = text[: block.start()].count("\n") + 1
            found.append(Fence(f"{page.relative_to(ROOT)}:{line}", block[1], block[3], block[2]))
    return [fence for fence in found if kind in (None, fence.kind)]


def inline() -> Iterator[tuple[str, str]]:
    """What stands in single backticks, with its page."""
    for page in PAGES:
        for found in re.findall(r"`([^`\n]+)`", _FENCE.sub("", page.read_text(encoding="utf-8"))):
            yield str(page.relative_to(ROOT)), found


@contextmanager
def workspace(folder: Path, student: str) -> Iterator[str]:
    """Lay out a checkout's examples in `folder`; yields the address of the endpoint that is the teacher there.

    The student is the tiny one, problems and tokens are few, rounds are one: the same commands in seconds.
    """
    shutil.copytree(ROOT / "examples", folder / "examples")
    # The page of all studies takes 20 s for its pictures: one study is there, the smallest.
    shutil.copytree(ROOT / "docs" / "studies" / "gsm8k", folder / "docs" / "studies" / "gsm8k")
    shutil.copy(ROOT / "docs" / "studies" / "findings.md", folder / "docs" / "studies")
    own, demo = folder / "examples" / "own-data.yaml", folder / "examples" / "demo.yaml"
    tickets = folder / "examples" / "tickets" / "tickets.yaml"
    with answer_key_endpoint(open_task(load_config(_at(own, folder)).task).problems("train")) as endpoint:
        _cheap(demo, student, {})
        _cheap(tickets, student, {"task": {"train": 4, "validation": 2, "test": 3}})
        _cheap(
            own, student, {"task": {"train": 4, "validation": 2, "test": 3}, "teacher": {"base_url": endpoint.base_url}}
        )
        yield endpoint.base_url


def _at(config: Path, folder: Path) -> Path:
    """The configuration with its data seen from anywhere."""
    data: Any = read_yaml_file(config)
    data["task"]["path"] = str(folder / data["task"]["path"])
    there = folder / "elsewhere.yaml"
    there.write_text(yaml.safe_dump(data), encoding="utf-8")
    return there


def _cheap(path: Path, student: str, more: dict[str, dict[str, object]]) -> None:
    """Rewrite a configuration in place: the smallest sizes, and `more`."""
    data: Any = read_yaml_file(path)
    few = {name: value for name, value in SETTINGS.items() if name != "task"}
    if data["task"]["name"] == SETTINGS["task"]["name"]:
        few["task"] = SETTINGS["task"]
    for changes in (few, {"student": {"model": student, "device": "cpu"}}, more):
        for section, values in changes.items():
            data[section] = {**data.get(section, {}), **values}
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
