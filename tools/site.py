"""Lays out the pages of the site below build/docs, where `make docs` builds it: docs/, and what stands beside it.

    python -m tools.site

The pages link as GitHub shows them. A link to a file that is no page of the site, such as a source file, becomes text.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from tools import schema
from tools.settings_page import settings_page

ROOT = Path(__file__).parent.parent
STAGED = ROOT / "build" / "docs"
BESIDE = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "SECURITY.md": "security.md",
    "examples/tickets/README.md": "tickets.md",
}
"""Pages that stand outside docs/, and what they are called on the site."""

_LINK = re.compile(
    r"(?P<code>^```.*?^```|`+[^`\n]+`+)|(?P<mark>!?)\[(?P<text>[^\[\]]*)\]\(<?(?P<target>[^)\s>]+)>?\)", re.S | re.M
)


@dataclass(frozen=True, slots=True)
class Link:
    """A link of a page: what it shows, where it leads (`method.md#words`), whether it is a picture."""

    text: str
    target: str
    picture: bool

    @property
    def leads_out(self) -> bool:
        """To another site."""
        return re.match(r"[a-z]+:", self.target) is not None


def links(page: str) -> Iterator[Link]:
    """The links of a page, those in code left out."""
    for found in _LINK.finditer(page):
        if found["code"] is None:
            yield _link(found)


def pages(root: Path = ROOT) -> dict[str, str]:
    """Every file of the site by its place in the project, `docs/method.md`, and its place on the site, `method.md`."""
    kinds = "**/*.md", "**/*.png", "schemas/*.json"
    docs = (path.relative_to(root / "docs").as_posix() for kind in kinds for path in root.glob(f"docs/{kind}"))
    found = {f"docs/{name}": name for name in sorted(docs) if not re.match(r"studies/.*\.md$", name)}
    return found | BESIDE


def staged(page: str, place: str, where: dict[str, str]) -> str:
    """A page as it stands on the site: `place` is its place in the project, `where` as `pages` gives it."""

    def rewritten(found: re.Match[str]) -> str:
        if found["code"] is not None or (link := _link(found)).leads_out or link.target.startswith("#"):
            return found[0]
        path, hash_, anchor = link.target.partition("#")
        target = os.path.normpath(PurePosixPath(place).parent / path)
        if target not in where:
            return link.text
        here = PurePosixPath(where[place]).parent
        return f"{found['mark']}[{link.text}](<{os.path.relpath(where[target], here)}{hash_}{anchor}>)"

    return _LINK.sub(rewritten, page)


def math_fence(source: str, *_: object, **__: object) -> str:
    """A fence of LaTeX as MathML, which browsers show without a script."""
    from latex2mathml.converter import convert  # pyright: ignore[reportMissingImports]  (of the docs' requirements)

    return convert(source, display="block")


def _link(found: re.Match[str]) -> Link:
    return Link(found["text"], found["target"], found["mark"] == "!")


def main() -> None:
    """Write docs/settings.md and docs/schemas anew and lay out the site."""
    (ROOT / "docs" / "settings.md").write_text(settings_page(), encoding="utf-8")
    (ROOT / "docs" / "schemas" / "result.schema.json").write_text(schema.written(), encoding="utf-8")
    shutil.rmtree(STAGED, ignore_errors=True)
    where = pages()
    for place, name in where.items():
        target = STAGED / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith(".md"):
            target.write_text(staged((ROOT / place).read_text(encoding="utf-8"), place, where), encoding="utf-8")
        else:
            shutil.copyfile(ROOT / place, target)


if __name__ == "__main__":
    main()
