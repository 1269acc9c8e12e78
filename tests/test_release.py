"""What a release would publish: everything names one version, and the changelog's section is its notes."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tools import release
from tools.release import ROOT

FILES = ("pyproject.toml", "CHANGELOG.md", "CITATION.cff", "README.md", "src/tutelage/__init__.py")
LOG = """# Changelog

## [Unreleased]

- Later.

## [9.8.7] - 2031-02-03

### Added

- This.

## [9.8.6] - 2030-01-01

- That.
"""


@pytest.fixture
def ready(tmp_path) -> Path:
    """A checkout that is ready for the release of 9.8.7."""
    for name in FILES:
        target = tmp_path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, target)
        text = target.read_text(encoding="utf-8").replace(release.version(), "9.8.7")
        target.write_text(re.sub("(?m)^date-released: .*$", "date-released: 2031-02-03", text), encoding="utf-8")
    (tmp_path / "CHANGELOG.md").write_text(LOG, encoding="utf-8")
    return tmp_path


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_a_release_has_the_notes_of_its_version(ready):
    assert release.faults("v9.8.7", ready) == release.faults(None, ready) == []
    assert release.notes(ready) == "### Added\n\n- This.\n"


@pytest.mark.parametrize(
    ("name", "old", "new", "told"),
    [
        ("CHANGELOG.md", "## [9.8.7] - 2031-02-03", "## [9.8.7]", "CHANGELOG.md has no release ## [9.8.7] - DATE"),
        ("CHANGELOG.md", "[9.8.7]", "[9.8.8]", "CHANGELOG.md has no release ## [9.8.7] - DATE"),
        ("CITATION.cff", "version: 9.8.7", "version: 9.8.6", "version is 9.8.6, and not 9.8.7"),
        ("CITATION.cff", "2031-02-03", "2031-02-04", "date-released is 2031-02-04, and not 2031-02-03"),
        ("README.md", "tutelage-9.8.7", "tutelage-9.8.6", "the wheel is 9.8.6"),
        ("src/tutelage/__init__.py", '"9.8.7"', '"9.8.6"', "__version__ is 9.8.6"),
        ("pyproject.toml", '"9.8.7"', '"9.8"', "no semantic version"),
    ],
)
def test_what_does_not_agree_is_named(ready, name, old, new, told):
    change(ready / name, old, new)
    assert any(told in fault for fault in release.faults(None, ready))


def test_this_checkout_is_of_one_version():
    assert release.faults() == []
    assert "### Added" in release.notes()


def test_a_tag_of_another_version_is_refused(ready):
    assert release.faults("v9.8.6", ready) == ["the tag is v9.8.6, and pyproject.toml has 9.8.7: tag v9.8.7"]
    command = [sys.executable, "-m", "tools.release", "v0.0.1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("the tag is v0.0.1")


@pytest.mark.parametrize(("tag", "kind"), [("v0.3.0", "--latest"), ("v0.3.0rc1", "--prerelease")])
def test_a_candidate_is_announced_as_no_release_yet(tag, kind):
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "release.yml").read_text(encoding="utf-8"))
    script = 'gh() { echo "$@"; }\n' + workflow["jobs"]["announce"]["steps"][-1]["run"]
    command, env = ["bash", "-e", "-c", script], {"GITHUB_REF_NAME": tag}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"release create {tag} ")
    assert kind in done.stdout.split()
    assert len({"--latest", "--prerelease"}.intersection(done.stdout.split())) == 1


def test_the_workflow_publishes_what_was_built_and_checked_by_its_tag_alone():
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "release.yml").read_text(encoding="utf-8"))
    assert workflow[True] == {"push": {"tags": ["v*"]}}  # YAML reads `on` as true
    jobs = workflow["jobs"]
    assert [job for job, what in jobs.items() if "id-token" in what.get("permissions", {})] == ["publish"]
    assert jobs["publish"]["needs"] == ["test", "build"]
    assert workflow["permissions"] == {"contents": "read"}
    assert {"run": 'make release TAG="$GITHUB_REF_NAME"'} in jobs["build"]["steps"]
    recipe = (ROOT / "Makefile").read_text(encoding="utf-8").partition("\nrelease:")[2].partition("\n\n")[0]
    for step in ("tools.release $(TAG)", "-m build", "twine check --strict dist/*", "check-wheel-contents dist/*.whl"):
        assert step in recipe
