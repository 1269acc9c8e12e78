"""One run in several processes, which torchrun or accelerate has started: rank 0 runs it, the others compute for it.

    rank 0        assemble.open_context, rounds.run_rounds: the run as in one process, with a student that is led
    the others    student/ranks/serve.py

Teacher, ledger, files and output are rank 0's by construction: the others have no part that could touch them.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tutelage.config import RunConfig
from tutelage.errors import ConfigError
from tutelage.own_parts import OwnParts
from tutelage.run_records import RunResult
from tutelage.runs.directory import versions
from tutelage.runs.resume_rules import differences
from tutelage.student.engines.engine import Engine
from tutelage.student.model import pick_device
from tutelage.student.own import CheckedReflection, check_engine
from tutelage.student.ranks.group import Ranks, joined
from tutelage.student.ranks.orders import End
from tutelage.student.ranks.serve import serve
from tutelage.student.student import Student


def run_together(config: RunConfig, out: Path, own: OwnParts, lead: Callable[[Ranks], RunResult]) -> RunResult:
    """The run's result, on every rank; `lead` is what rank 0 does. An error of one rank is raised on all."""
    with joined() as ranks:
        assert ranks is not None, "called where a launcher has started several processes"
        agree(ranks, config, own)
        if ranks.first:
            result = lead(ranks)
            ranks.tell(End(result))
            return result
        if own.engine is not None:
            check_engine(own.engine)
        sampled_by = Engine(config.student.engine, own=own.engine)
        reflection = CheckedReflection(own.reflection) if own.reflection else None
        student = Student(config.student, (), engine=sampled_by)
        student.ranks = ranks
        try:
            return serve(ranks, student, out, reflection)
        finally:
            sampled_by.close()


def agree(ranks: Ranks, config: RunConfig, own: OwnParts) -> None:
    """Check that all ranks were started for the same run, and have a device each. Raises ConfigError on all."""
    found = ranks.gathered((config, own.keys(config), versions()))
    for name, (settings, keys, version) in zip(ranks.names, found, strict=True):
        if (settings, keys, version) == found[0]:
            continue
        told = differences(found[0][0], settings, ())
        if keys != found[0][1]:
            told.append(f"own parts: {found[0][1]} is now {keys}")
        if version != found[0][2]:
            told.append(f"versions: {found[0][2]} is now {version}")
        what = "; ".join(told[:3])
        raise ConfigError(f"{name} was started with other settings than rank 0 ({what}); start all alike")
    if config.student.weights == "qlora":
        raise ConfigError("student.weights 'qlora' trains in one process, and there are several; set it to lora")
    if config.training.parallel == "fsdp" and config.training.guard.checks:
        raise ConfigError(
            f"training.guard.checks is {config.training.guard.checks}, which asks the whole student, and"
            " training.parallel 'fsdp' splits it; set checks to 0, or parallel to 'ddp'"
        )
    ranks.check_devices(pick_device(config.student.device))
