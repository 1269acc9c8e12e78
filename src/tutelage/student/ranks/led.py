"""The student on rank 0: whatever it does, the other ranks do their share of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from copy import copy
from pathlib import Path
from typing import Any

from tutelage.config import TrainingConfig
from tutelage.errors import RunError
from tutelage.mistakes.repair import Repair
from tutelage.records import Problem, TrainingExample
from tutelage.run_records import TrainingSummary
from tutelage.student.elsewhere import merged_folder
from tutelage.student.ranks.group import PAUSE, Ranks
from tutelage.student.ranks.orders import Answer, Done, Learn, Look, Measured, Sketch, share
from tutelage.student.sampler import Sampled, SamplingSettings
from tutelage.student.student import Answered, Student


class LedStudent(Student):
    """A Student whose answers and trainings are those of all ranks. Rank 0 has it; see serve.py for the others."""

    def answer(
        self,
        problems: Sequence[Problem],
        seeds: Sequence[int],
        settings: SamplingSettings,
        answered: Answered,
        prefixes: Sequence[str] = (),
    ) -> Sampled:
        """See Student. Answers of the other ranks are handed over as they come, in this thread."""
        ranks = _of(self)
        in_training = self._own is not None
        if self.engine.is_server and not in_training:  # one process asks it
            return super().answer(problems, seeds, settings, answered, prefixes)
        merged = merged_folder(self) if self.engine.is_vllm and not in_training else None  # written once, here
        ranks.tell(Answer(None if in_training else sketch(self, merged), problems, seeds, settings, prefixes))
        mine = share(problems, 0, ranks.size)
        costs, waiting = list[Sampled](), set(range(1, ranks.size))

        def take() -> bool:
            """Hand over what has come; whether anything has."""
            came = False
            for rank in sorted(waiting):
                while rank in waiting and (message := ranks.taken(rank)) is not None:
                    came = True
                    if isinstance(message, Done):
                        costs.append(message.cost)
                        waiting.discard(rank)
                    else:
                        for place, completions in message:
                            answered(place, completions)
            return came

        def own(number: int, completions: Any) -> None:
            answered(mine[number], completions)
            take()

        begun = [prefixes[n] for n in mine] if prefixes else ()
        costs.append(super().answer([problems[n] for n in mine], [seeds[n] for n in mine], settings, own, begun))
        while waiting:
            ranks.check()
            if not take():
                time.sleep(PAUSE)
        return Sampled(sum(cost.computed_tokens for cost in costs), sum(cost.padded_tokens for cost in costs))

    def learn(
        self,
        examples: Sequence[TrainingExample],
        config: TrainingConfig,
        *,
        seed: int,
        checkpoints: Path,
        folder: Path,
        check: Callable[[Student], float] | None = None,
        repairs: Sequence[Repair] = (),
        **options: Any,
    ) -> TrainingSummary:
        """See Student."""
        ranks = _of(self)

        def measured(student: Student) -> float:
            assert check is not None
            accuracy = check(student)
            ranks.tell(Measured(accuracy))
            return accuracy

        ranks.tell(Learn(sketch(self), examples, repairs, config, seed, checkpoints, folder, check is not None))
        options |= {"check": None if check is None else measured, "repairs": repairs}
        return super().learn(examples, config, seed=seed, checkpoints=checkpoints, folder=folder, **options)


def _of(student: Student) -> Ranks:
    assert student.ranks is not None
    return student.ranks


def sketch(student: Student, merged: Path | None = None) -> Sketch:
    """What the other ranks need to have the same student; `merged` is the folder of its whole weights, if another.

    Raises GoneError if its model was removed: rank 0 alone has it trained again, so the others must not hear of it.
    """
    return Sketch(
        student.config,
        student.examples,
        merged or student.source,
        student.key,
        student.answer_tokens,
        student.precision,
        student.system,
        student.asked,
    )


def drawn(sketch: Sketch, like: Student) -> Student:
    """The student of a sketch, with the engine and the memory of another."""
    student = copy(like)
    student.config, student.examples, student.folder = sketch.config, sketch.examples, sketch.folder
    student.key, student.answer_tokens, student._precision = sketch.key, sketch.answer_tokens, sketch.precision
    student.system, student.asked = sketch.system, sketch.asked
    return student


def check_shared(ranks: Ranks, out: Path, run: str) -> None:
    """Check that all ranks see the run that rank 0 has opened in `out`: their students are there. Raises RunError."""
    ranks.tell(Look(run))
    blind = [name for name, sees in zip(ranks.names, ranks.gathered(True), strict=True) if not sees]
    if blind:
        more = f" and {len(blind) - 1} more" if len(blind) > 1 else ""
        raise RunError(f"{blind[0]}{more} does not see the run in {out}; put --out on a folder that all machines share")
