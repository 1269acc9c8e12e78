"""Reads Parquet by pyarrow, an optional package."""

from __future__ import annotations

import importlib
import math
from pathlib import Path
from typing import Any, cast

from tutelage.errors import ConfigError, DataError
from tutelage.json_lines import shortened
from tutelage.tasks.rows import Row, rows_of

NEEDED = 'needs the package {0}: pip install "tutelage[datasets]"'


def read_parquet(path: Path, first: bytes) -> list[Row]:
    """The rows of a Parquet file that begins with these bytes; a NaN is a missing value.

    Raises DataError if it is none, and ConfigError if pyarrow is missing.
    """
    if first and not first.startswith(b"PAR1"):
        raise DataError(
            f"the file is no Parquet: it begins with {shortened(first[:16])}, not with b'PAR1'; "
            "give it the suffix of what it is, or download it again",
            path=path,
        )
    try:
        parquet = cast(Any, importlib.import_module("pyarrow.parquet"))
    except ImportError:
        raise ConfigError(f"{path}: reading Parquet {NEEDED.format('pyarrow')}; or save it as JSON Lines") from None
    try:
        rows = parquet.ParquetFile(path).read().to_pylist()
    except OSError as error:
        reason = error.strerror or " ".join(str(error).split())[:200]
        raise DataError(f"cannot read the file: {reason}", path=path) from None
    except Exception as error:  # of a broken file, pyarrow raises what it likes
        reason = " ".join(str(error).split())[:200]
        raise DataError(f"the file is broken Parquet ({reason}); download it again", path=path) from None
    return rows_of([without_nan(row) for row in rows], str(path))


def without_nan(row: dict[str, Any]) -> dict[str, Any]:
    """The row with None for NaN, by which pandas marks what is missing."""
    return {name: None if isinstance(value, float) and math.isnan(value) else value for name, value in row.items()}
