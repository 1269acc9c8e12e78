"""Measures the cost of a stage: seconds, tokens, padding, memory."""

from __future__ import annotations

import time
from typing import Self

import torch

from tutelage.run_records import Work
from tutelage.student.resources.peak import PeakMemory


class ResourceMeter:
    """Measures the `with` block: call `count` inside and read `work` afterwards. Meters can't be nested."""

    def __init__(self, device: torch.device | None = None) -> None:
        """`device` is the device whose memory is measured; None: the CPU."""
        self._peak = PeakMemory(device or torch.device("cpu"))
        self._tokens = self._computed = self._padded = 0

    def __enter__(self) -> Self:
        self._peak.__enter__()
        self._started = time.monotonic()
        return self

    def __exit__(self, *_: object) -> None:
        self._seconds = time.monotonic() - self._started
        self._peak.__exit__()

    def count(self, tokens: int, computed: int = 0, padded: int = 0) -> None:
        """Add tokens of the stage's result, computed tokens, and computed padding."""
        self._tokens += tokens
        self._computed += computed
        self._padded += padded

    @property
    def work(self) -> Work:
        """The measured figures."""
        places = self._computed + self._padded
        return Work(
            seconds=round(self._seconds, 3),
            tokens=self._tokens,
            tokens_per_second=round(self._tokens / self._seconds, 1) if self._seconds else 0.0,
            padding=round(self._padded / places, 4) if places else 0.0,
            peak_memory=self._peak.bytes,
        )
