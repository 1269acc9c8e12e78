"""Runs on disk for tests of the index, written by hand: a few rows, in the form of a run's own."""

import json
import time
from pathlib import Path


def run_in(folder: Path, identity: str = "one") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "run.json").write_text(json.dumps({"format": 1, "id": identity, "data": "0"}))
    return folder


def write(path: Path, rows) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def append(path: Path, *rows) -> None:
    with path.open("a") as file:
        file.write("".join(json.dumps(row) + "\n" for row in rows))


def problem(name: str, question: str = "How many?", answer: str = "12", split: str = "train", **more):
    inner = {"id": name, "question": question, "answer": answer, "choices": [], "rationale": None, "equation": None}
    return {"split": split, "kind": "number", "problem": {**inner, **more}}


def attempt(name: str, sample: int, correct: bool, text: str = "3 + 4 = 7", answer: str | None = "7"):
    verdict = {"correct": correct, "answer": answer, "reason": "right" if correct else "7 is not 12"}
    return {"problem_id": name, "sample": sample, "text": text, "verdict": verdict, "finish": "stop", "tokens": 9}


def mistake(name: str, sample: int, kind: str | None, step: str = "3 + 4 = 7"):
    return {
        **{"problem_id": name, "sample": sample, "kind": kind, "step": step},
        **{"right": "3 × 4 = 12", "start": 0, "end": 9},
    }


def reply(name: str, failure: str | None = None, text: str = "Each holds 4.", usd: float = 0.25, keys=("k",), asked=()):
    tried = {"way": "mistake", "hint": False, "sound": failure is None, "prompt_tokens": 20, "completion_tokens": 5}
    return {
        **{"problem_id": name, "sample": 0, "mistake": "3 + 4 = 7", "text": text, "explanation": None},
        "verdict": {"correct": failure is None, "answer": "12", "reason": failure or "right"},
        "usage": {"requests": 1, "prompt_tokens": 20, "completion_tokens": 5, "cost_usd": usd},
        **{"keys": list(keys), "failure": failure},
        "asked": list(asked) or [{**tried, "failure": failure, "reason": failure or ""}],
    }


def until(found, seconds=60):
    """Wait for what the thread will do."""
    end = time.monotonic() + seconds
    while not found() and time.monotonic() < end:
        time.sleep(0.01)
    assert found()
