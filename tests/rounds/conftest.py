from collections import Counter
from pathlib import Path

import pytest
import torch

from tutelage.config import RunConfig
from tutelage.config.file import parse_config
from tutelage.runs import files


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def syncs(monkeypatch) -> Counter[str]:
    """How often each file has been synced, by its name."""
    counts, sync = Counter[str](), files._sync

    def counted(file):
        counts[Path(file.name).name] += 1
        sync(file)

    monkeypatch.setattr(files, "_sync", counted)
    return counts


@pytest.fixture
def config(tiny) -> RunConfig:
    """See two_rounds."""
    return two_rounds(tiny)


def two_rounds(tiny: str) -> RunConfig:
    """Two rounds on six problems with a student that writes noise: every part runs, nothing is learnt."""
    return parse_config(
        {
            "task": {
                "name": "leg_counting",
                "train": 6,
                "validation": 3,
                "test": 4,
                "options": {"min_animals": 2, "max_animals": 2},
            },
            "student": {"model": tiny, "device": "cpu", "dtype": "float32"},
            "exam": {"samples": 2, "max_new_tokens": 12, "shard": 2},
            "evaluation": {"max_new_tokens": 12},
            "training": {"epochs": 2, "batch_size": 3, "learning_rate": 1e-3},
            "rounds": {"max": 2, "patience": 3},
        }
    )
