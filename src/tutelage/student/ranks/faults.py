"""What ends a run of several processes: an error of one of them, or a process that is gone. One line says so.

The first fault wins; it is kept under one key of the store that all processes see:

    {"rank": 1, "kind": "RunError", "text": "the disk is full: cannot write …", "lost": false, "signal": 0}

Rank 0 says it. If rank 0 itself is gone, rank 1 does. A rank that got Ctrl-C or SIGTERM stops the others, too.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from tutelage import errors
from tutelage.errors import StudentError, TutelageError
from tutelage.stopping import signal_of

GO_ON = "the same command goes on, with as many processes or with others"


@dataclass(frozen=True, slots=True)
class Fault:
    """The error of a rank, by the name of its class.

    `lost`: the rank is gone, and others say so. `signal`: the rank was stopped by it, which is no error.
    """

    rank: int
    kind: str
    text: str
    lost: bool = False
    signal: int = 0

    @classmethod
    def of(cls, rank: int, error: BaseException) -> Fault:
        """The fault of a rank that ends with an error."""
        if isinstance(error, TutelageError):
            return cls(rank, type(error).__name__, str(error))
        if isinstance(error, KeyboardInterrupt):
            return cls(rank, StudentError.__name__, f"it was stopped; {GO_ON}", signal=signal_of(error))
        if isinstance(error, SystemExit):
            return cls(rank, StudentError.__name__, f"it has left with {error.code!r}; {GO_ON}")
        told = " ".join(f"{type(error).__name__}: {error}".split())
        return cls(rank, StudentError.__name__, f"it failed, with its traceback above ({told})")

    @classmethod
    def loss(cls, rank: int, name: str) -> Fault:
        """A rank that has ended without a word, or can't be reached."""
        return cls(rank, StudentError.__name__, f"{name} has ended or can't be reached; {GO_ON}", lost=True)

    def to_json(self) -> str:
        """For the store."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str | bytes) -> Fault:
        """From the store."""
        return cls(**json.loads(text))

    def is_told_by(self, rank: int) -> bool:
        """Whether it is this rank that tells the user."""
        return rank == (1 if self.lost and self.rank == 0 else 0)

    def error(self, rank: int) -> TutelageError:
        """The error that another rank ends with."""
        found = getattr(errors, self.kind, StudentError)
        kind = found if isinstance(found, type) and issubclass(found, TutelageError) else StudentError
        text = self.text if self.lost or self.rank == 0 else f"rank {self.rank}: {self.text}"
        error = TutelageError.__new__(kind, text)
        Exception.__init__(error, text)
        error.told = not self.is_told_by(rank)
        return error
