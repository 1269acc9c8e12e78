"""Writes docs/schemas/result.schema.json: the JSON Schema of a run's result.json, from its dataclasses.

    python -m tools.schema > docs/schemas/result.schema.json

A key that an earlier minor version did not write is not required, and further keys are allowed.
"""

from __future__ import annotations

import json
from typing import Any

from pydantic import TypeAdapter

from tutelage.run_records import RESULT_VERSION, RunResult


def result_schema() -> dict[str, Any]:
    """The schema, in the draft 2020-12. It accepts every result.json of the same major version."""
    schema = TypeAdapter(RunResult).json_schema()
    schema["properties"]["version"] |= {"pattern": rf"^{RESULT_VERSION.partition('.')[0]}\.[0-9]+\.[0-9]+$"}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:tutelage:result:{RESULT_VERSION}",
        **schema,
    }


def written() -> str:
    """The schema as the file has it."""
    return json.dumps(result_schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    print(written(), end="")
