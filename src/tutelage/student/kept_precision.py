"""A run computes in one precision from its first stage to its last, also when it goes on on another machine."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from tutelage.config import StudentConfig
from tutelage.errors import RunError
from tutelage.run_records import Precision
from tutelage.runs.files import digest, disk_errors, read_record, write_json
from tutelage.runs.mark import kept_precision
from tutelage.runs.seals import sealed
from tutelage.student.model import pick_device, precision_of
from tutelage.student.resources.hardware import hardware
from tutelage.student.resources.probe import CONFIGURED, chosen_unmeasured
from tutelage.student.sampler import Say

SHARED = "precision.json"
"""File in a study's cache with the precision of all its runs, in version 0.2; now there is one for each model."""


def precision_of_run(config: StudentConfig, root: Path, cache: Path | None, say: Say) -> Precision:
    """What the run in `root` computes in: what it began in, else what the other runs of its study compute in, else what
    is fast here. `cache` is the folder that those share. Raises RunError and StudentError."""
    if config.dtype != "auto":
        return precision_of(config)
    begun, kept = kept_precision(root)
    shared = _shared(cache, config.model) if cache else None
    with _one_at_a_time(shared):
        if kept is None and begun:
            kept = chosen_unmeasured(config, pick_device(config.device))
        if kept is None and shared and shared.is_file():
            kept = read_record(shared, Precision)
        if kept is None or kept.model != config.model or kept.why == CONFIGURED:
            kept = precision_of(config)
        elif _moved(kept, config):
            here = precision_of(config)
            besides = "that suits this machine, too" if here.dtype == kept.dtype else f"begun here, it would be {here}"
            place = kept.machine if kept.machine != hardware() else kept.device
            say(f"begun on {place}: goes on in {kept.dtype}, as it began; {besides}")
        if shared and not shared.is_file():
            write_json(shared, sealed(kept))
    return kept


def precision_outside(config: StudentConfig, run: Path | None) -> Precision | None:
    """What a student is asked in outside of the run that it is of, if any: on its machine, what the run computes in.

    None: what is configured, or fast here.
    """
    if config.dtype != "auto" or run is None:
        return None
    try:
        _, kept = kept_precision(run)
    except RunError:  # its run.json is broken, and its students are there all the same
        return None
    return kept if kept is not None and not _moved(kept, config) else None


def _moved(kept: Precision, config: StudentConfig) -> bool:
    """Whether a precision was chosen on another machine or device than this student's."""
    return kept.machine != hardware() or kept.device not in ("", pick_device(config.device).type)


def _shared(cache: Path, model: str) -> Path:
    """The file with what the runs of a study with this model compute in."""
    old = cache / SHARED
    is_its = old.is_file() and read_record(old, Precision).model == model
    return old if is_its else cache / f"precision-{digest(model)}.json"


@contextmanager
def _one_at_a_time(shared: Path | None) -> Generator[None]:
    """Of runs that begin at once, the first chooses for all: two measurements may differ where the ratio is close."""
    if shared is None:
        yield
        return
    with disk_errors(shared):
        shared.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(shared.with_suffix(".lock")):
            yield
