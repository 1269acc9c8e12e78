"""Says whether the checkout is ready for a release, and prints the notes of its version from CHANGELOG.md.

    python -m tools.release            of the version in pyproject.toml
    python -m tools.release v0.2.0     which the tag must name

It needs nothing but Python: the workflow of a release runs it before it installs anything.
"""

from __future__ import annotations

import re
import sys
import tomllib
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).parent.parent
_RELEASE = re.compile(r"^## \[(?P<version>[^\]]+)\](?: - (?P<date>\d{4}-\d\d-\d\d))?$", re.M)


def version(root: Path = ROOT) -> str:
    """The version in pyproject.toml."""
    return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]


def faults(tag: str | None = None, root: Path = ROOT) -> list[str]:
    """What of the checkout is not of its version, in words; with a tag, whether that names it."""
    ours = version(root)
    found = [] if tag in (None, f"v{ours}") else [f"the tag is {tag}, and pyproject.toml has {ours}: tag v{ours}"]
    if re.fullmatch(r"(0|[1-9]\d*)(\.(0|[1-9]\d*)){2}((a|b|rc)[1-9]\d*)?", ours) is None:
        found.append(f"pyproject.toml has {ours}, and no semantic version such as 1.2.3 or 1.2.3rc1")
    date = dict(_RELEASE.findall(_text(root, "CHANGELOG.md"))).get(ours)
    if not date:
        found.append(f"CHANGELOG.md has no release ## [{ours}] - DATE")
    said = {
        ("src/tutelage/__init__.py", "__version__"): (r'^__version__ = "(.+)"$', ours),
        ("README.md", "the wheel"): (r"dist/tutelage-(.+?)-py3", ours),
        ("CITATION.cff", "version"): (r"^version: (.+)$", ours),
        ("CITATION.cff", "date-released"): (r"^date-released: (.+)$", date),
    }
    for (name, what), (pattern, expected) in said.items():
        there = re.search(pattern, _text(root, name), re.M)
        if expected and (there is None or there[1] != expected):
            found.append(f"{name}: {what} is {there[1] if there else 'missing'}, and not {expected}")
    return found


def notes(root: Path = ROOT) -> str:
    """The section of the version in CHANGELOG.md, without its heading."""
    text = _text(root, "CHANGELOG.md")
    headings = [*_RELEASE.finditer(text), None]
    for heading, following in pairwise(headings):
        if heading and heading["version"] == version(root):
            return text[heading.end() : following.start() if following else None].strip() + "\n"
    return ""


def _text(root: Path, name: str) -> str:
    return (root / name).read_text(encoding="utf-8")


def main(tag: str | None = None) -> None:
    """Print the notes, or end with the faults."""
    if found := faults(tag):
        sys.exit("\n".join(found))
    print(notes(), end="")


if __name__ == "__main__":
    main(*sys.argv[1:2])
