"""`python -m tutelage.testing --data FILE.jsonl`: an endpoint to try the `openai` teacher with, no key needed."""

from __future__ import annotations

import argparse
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from tutelage.errors import TutelageError
from tutelage.testing.answers import answer_key_endpoint, read_problems


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until Ctrl-C; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tutelage.testing", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="JSONL: question, answer and rationale or equation")
    parser.add_argument("--port", type=int, default=8000, help="0 takes a free one (default: 8000)")
    options = parser.parse_args(arguments)
    try:
        problems = read_problems(options.data)
        endpoint = answer_key_endpoint(problems, port=options.port)
    except (TutelageError, OSError, OverflowError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    with endpoint:
        print(f"{len(problems)} problems served; Ctrl-C ends it. In the configuration:", flush=True)
        print(f"teacher: {{kind: openai, model: answer-key, base_url: {endpoint.base_url}}}", flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            print(f"\n{len(endpoint.requests)} requests answered")
    return 0


if __name__ == "__main__":
    sys.exit(main())
