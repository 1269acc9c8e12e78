"""How a teacher does when it is asked in each of the ways: a student's mistakes, each asked about once in every way.

    python -m benchmarks.ways RUN --base-url http://127.0.0.1:8123/v1 --model teacher --name "1.5B" [--requests 100]

RUN is the directory of a run: the mistakes are those of its first exam. Replies stand in build/ways/NAME.sqlite, so
that the same command goes on after a stop, for hours if need be; the figures of every model stand beside it. The table
of all of them is written into docs/teachers.md.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tutelage.config import TeacherConfig
from tutelage.config.file import read_written
from tutelage.records import Attempt, Exam, Feedback, FeedbackRequest
from tutelage.report.format import markdown_table
from tutelage.rounds.requests import feedback_requests, only_cut
from tutelage.runs.files import read_record, read_rows, write_json, write_text
from tutelage.tasks.catalog import open_task
from tutelage.tasks.task import Task
from tutelage.teacher.online.openai_teacher import OpenAITeacher
from tutelage.teacher.ways import Asking

ASKED: dict[str, Asking] = {
    "the question alone": Asking("question"),
    "the mistake in view": Asking("mistake"),
    "the mistake first": Asking("mistake-first"),
    "the mistake explained": Asking("mistake-explained"),
    "the question alone, with the hint": Asking("question", hint=True),
    "the mistake in view, with the hint (the paper's way)": Asking("mistake", hint=True),
    "the mistake explained, with the hint": Asking("mistake-explained", hint=True),
}
PAGE, OUT = Path("docs/teachers.md"), Path("build/ways")
BEGIN, END = "<!-- ways of asking: begin -->", "<!-- ways of asking: end -->"


@dataclass(frozen=True, slots=True)
class Row:
    """What one way brought of a model: requests answered, right ones, sound ones, tokens of all replies."""

    way: str
    asked: int
    right: int
    sound: int
    prompt_tokens: int
    completion_tokens: int


@dataclass(frozen=True, slots=True)
class Measured:
    """All ways of one model."""

    name: str
    task: str
    rows: list[Row]


def main() -> None:
    """Measure, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="directory of a run whose first exam is done")
    parser.add_argument("--base-url", required=True)
    parser.add_argument("--model", default="teacher", help="as the endpoint calls it")
    parser.add_argument("--name", help="as the table calls it (the model's name)")
    parser.add_argument("--requests", type=int, default=100, help="mistakes, each asked about in every way")
    parser.add_argument("--concurrency", type=int, default=24)
    parser.add_argument("--max-tokens", type=int, default=512)
    parser.add_argument("--page", type=Path, default=PAGE)
    parser.add_argument("--out", type=Path, default=OUT)
    asked = parser.parse_args()
    teacher = TeacherConfig(
        kind="openai",
        base_url=asked.base_url,
        model=asked.model,
        concurrency=asked.concurrency,
        max_tokens=asked.max_tokens,
        timeout=1800.0,
        explain=True,
    )
    task, requests = mistakes(asked.run, asked.requests)
    asked.out.mkdir(parents=True, exist_ok=True)
    name = asked.name or asked.model
    kept = asked.out / name.replace("/", "_")  # two models may have one name and address at their endpoints
    rows = [measure(way, teacher, task, requests, kept.with_name(f"{kept.name}.sqlite")) for way in ASKED]
    write_json(kept.with_name(f"{kept.name}.json"), Measured(name, task.name, rows))
    write_table([read_record(path, Measured) for path in sorted(asked.out.glob("*.json"))], asked.page)


def mistakes(run: Path, count: int) -> tuple[Task, list[FeedbackRequest]]:
    """The task of a run, and so many requests about its student's mistakes in the first exam."""
    config = read_written(run / "config.yaml")
    task, exam = open_task(config.task), Exam(tuple(read_rows(run / "round-01" / "exam.jsonl", Attempt)))
    teacher = TeacherConfig(priority="uniform", replies_per_problem=config.exam.samples)
    cut = only_cut(task.problems("train"), exam, task.grade)
    found = feedback_requests(task.problems("train"), exam, teacher, [], config.seed, cut)
    return task, [request for request in found if request.mistake is not None][:count]


def measure(way: str, teacher: TeacherConfig, task: Task, requests: Sequence[FeedbackRequest], ledger: Path) -> Row:
    """Ask about every mistake once, in one way."""
    replies: list[Feedback] = []
    by_id = {request.problem.id: request.problem for request in requests}
    OpenAITeacher(
        teacher,
        kind=task.kind,
        grade=task.grade,
        ledger=ledger,
        run_id="ways",
        environ={"OPENAI_API_KEY": "none", **os.environ},
        plan=lambda *_: (ASKED[way],),
    ).teach(requests, replies.append)
    asked = [each for reply in replies for each in reply.asked]
    right = sum(task.grade(by_id[reply.problem_id], reply.text).correct for reply in replies)
    prompt, completion = sum(each.prompt_tokens for each in asked), sum(each.completion_tokens for each in asked)
    row = Row(way, len(asked), right, sum(each.sound for each in asked), prompt, completion)
    print(row, flush=True)
    return row


def write_table(found: Sequence[Measured], page: Path) -> None:
    """Write the table of all models between its marks in a page."""
    rows = [
        [
            each.name,
            row.way,
            f"{row.asked}",
            f"{row.right}",
            f"{row.sound}",
            f"{row.prompt_tokens / row.asked:.0f}" if row.asked else "–",
            f"{row.completion_tokens / row.asked:.0f}" if row.asked else "–",
        ]
        for each in found
        for row in each.rows
    ]
    header = ["teacher", "asked by", "requests", "right", "right and sound", "tokens of a prompt", "of a reply"]
    before, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    write_text(page, f"{before}{BEGIN}\n{markdown_table(header, rows)}\n{END}{after}")


if __name__ == "__main__":
    main()
