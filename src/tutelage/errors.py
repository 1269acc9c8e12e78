"""The error model, on one page.

    TutelageError
    ├── ConfigError      the user's configuration file                    exit 2
    ├── DataError        the user's data: file, line, field, value        exit 2
    ├── RunError         the run directory: other settings, full disk     exit 2
    ├── TeacherError     the teacher: key, quota, refused, unreachable    exit 3
    │   └── BudgetSpent  the user's cap is reached; not a failure, the run ends with what was bought
    └── StudentError     the student: cannot load, does not fit, loss not finite    exit 4

Every message says what failed, the offending value and the remedy, in one line. The command prints it without a
traceback (`--debug` shows it). Any other exception is a bug of ours and shows its traceback.
"""

from __future__ import annotations

from pathlib import Path


class TutelageError(Exception):
    """Something the user, the teacher or the student did; never a bug.

    `told` says that another process of the same run tells the user.
    """

    exit_code = 2
    told = False


class ConfigError(TutelageError):
    """The configuration file is missing, broken or contradicts itself."""


class DataError(TutelageError):
    """A data file is missing or a row of it is broken.

    `path`, `line` (counted from 1) and `field` lead the message where they are known.
    """

    def __init__(
        self, message: str, *, path: Path | str | None = None, line: int | None = None, field: str | None = None
    ) -> None:
        where = str(path) if path is not None else ""
        if line is not None:
            where += f", line {line}" if where else f"line {line}"
        if field is not None:
            where += f", field {field!r}" if where else f"field {field!r}"
        super().__init__(f"{where}: {message}" if where else message)
        self.path, self.line, self.field = path, line, field


class RunError(TutelageError):
    """The run directory cannot be used in its present state."""


class TeacherError(TutelageError):
    """The teacher cannot be asked: no key, wrong key, quota, refused, unreachable."""

    exit_code = 3


class BudgetSpent(TeacherError):
    """The next request would pass a cap of the budget; what was bought so far is kept and used."""


class StudentError(TutelageError):
    """The student cannot be loaded, does not fit in memory, or its loss is not finite."""

    exit_code = 4
