"""`python -m tutelage.testing --data FILE.jsonl`: an endpoint to try the `openai` teacher with, no key needed."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tutelage.errors import TutelageError
from tutelage.testing.serve import serve


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until Ctrl-C; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tutelage.testing", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="JSONL: question, answer and rationale or equation")
    parser.add_argument("--port", type=int, default=8000, help="0 takes a free one (default: 8000)")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds that every completion takes (default: 0)")
    parser.add_argument("--requests-per-minute", type=int, metavar="N", help="one more gets a 429")
    parser.add_argument("--tokens-per-minute", type=int, metavar="N", help="prompt and completion together")
    parser.add_argument("--faults", default="", metavar="SCRIPT", help="such as ok*5,429:2,half-body...")
    parser.add_argument("--like", default="openai", metavar="NAME", help="whose form: anthropic, gemini, vllm …")
    parser.add_argument("--key", help="the key that is asked for (default: any will do)")
    try:
        serve(**vars(parser.parse_args(arguments)))
    except TutelageError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
