"""How much disk a run takes at the most, known before it starts.

A student of 135 million parameters has 0.5 GB in float32, half of that in bfloat16. Beside the models that are kept
(`rounds.keep`) there is a checkpoint after each epoch of a training but the last: the weights in float32, and two
moments of AdamW for each. The one before goes when it is whole. The guard against a collapse keeps the weights of two
checks while it writes a third's. A round by LoRA leaves its adapters, a few MB.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from tutelage.config import RunConfig
from tutelage.errors import RunError
from tutelage.runs.models import size_of
from tutelage.student.resources.memory import gigabytes


@dataclass(frozen=True, slots=True)
class Sizes:
    """Bytes on disk: of float32 `weights`, of a student as it is `saved`, and of what a `round` leaves.

    `served` is what is written for an engine that loads whole weights, where a round leaves adapters.
    """

    weights: int
    saved: int
    round: int
    served: int = 0


def disk_needed(config: RunConfig, weights: int | Sizes) -> int:
    """Bytes of the models of a run at the most; whole ones in float32 if their `weights` are given alone.

    That is in the last round, while its model is trained, or at the end, when `student/` is saved.
    """
    sizes = weights if isinstance(weights, Sizes) else Sizes(weights, weights, weights)
    trained = sizes.weights if config.student.weights == "full" else 0  # adapters are small
    checkpoint, guard = 3 * trained, 3 * trained if config.training.guard.checks else 0
    saves = config.training.epochs - 1 if config.training.max_rows is None else 2
    training = guard + max(min(saves, 2) * checkpoint, min(saves, 1) * checkpoint + sizes.round)
    before, after = (_kept(config, rounds) * sizes.round for rounds in (config.rounds.max, config.rounds.max + 1))
    return max(before + training, after + sizes.saved) + sizes.served


def check_disk(out: Path, config: RunConfig, weights: int | Sizes) -> None:
    """Raise RunError if the disk has less room than a run in `out` needs; what it holds already counts as room."""
    needed, there = disk_needed(config, weights), next(each for each in (out, *out.absolute().parents) if each.exists())
    room = shutil.disk_usage(there).free + (size_of(out) if out.is_dir() else 0)
    if needed > room:
        fewer = ", keep fewer models (rounds.keep: best)" if config.rounds.keep == "all" else ""
        raise RunError(
            f"{out} needs about {gigabytes(needed)} of disk for models, and there are {gigabytes(room)};"
            f" free some{fewer}, or choose another place with --out"
        )


def _kept(config: RunConfig, rounds: int) -> int:
    """Models on disk after so many rounds: all, or those of the best round and of the last."""
    return rounds if config.rounds.keep == "all" else min(rounds, 2)
