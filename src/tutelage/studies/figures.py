"""Reads `study.json`, of this version or an earlier one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from tutelage.errors import RunError
from tutelage.renamed import modern_source, modern_step
from tutelage.runs.files import read_json
from tutelage.study_records import StudyFigures

_RESTORE = "restore it, or remove it and let `tutelage study` write it anew"


def read_figures(path: Path) -> StudyFigures:
    """The figures in a study.json. Raises RunError where it is missing or broken."""
    data = read_json(path, _RESTORE)
    try:
        _modernise(data)
        return TypeAdapter(StudyFigures).validate_python(data)
    except (AttributeError, KeyError, TypeError):
        raise RunError(f"cannot read {path} (it does not hold the figures of a study); {_RESTORE}") from None
    except ValidationError as error:
        raise RunError(f"cannot read {path} ({error.errors()[0]['msg']}); {_RESTORE}") from None


def _modernise(data: dict[str, Any]) -> None:
    """Replace old names by current ones, in the arms' settings and rounds."""
    for name, arm in data["arms"].items():
        arm["source"] = modern_source(arm["source"])
        gains = "preference" in name or "training.reflection: preference" in arm["source"] or _DPO in arm["source"]
        for run in arm["runs"]:
            run["rounds"] = [modern_step(row, gains=gains) for row in run["rounds"]]


_DPO = "Rafailov"
"""The source that arms with DPO cite."""
