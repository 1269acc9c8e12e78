"""Sessions through the Batch API, held against the endpoint of `tutelage.testing`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.teacher.grading import grade
from tutelage.config import TeacherConfig
from tutelage.errors import TeacherError
from tutelage.records import Feedback, FeedbackRequest, Problem
from tutelage.teacher.ledger.ledger import Ledger
from tutelage.teacher.online.openai_teacher import OpenAITeacher
from tutelage.testing import TeacherEndpoint

KEY = "sk-test-0123456789"
PROBLEMS = [
    Problem.of(f"Tom has {n} boxes of 4 pens. How many pens?", str(4 * n), equation=f"{n} * 4") for n in range(2, 22)
]


def requests(count: int = len(PROBLEMS)) -> list[FeedbackRequest]:
    return [FeedbackRequest(problem) for problem in PROBLEMS[:count]]


def configure(endpoint: TeacherEndpoint, **settings: object) -> TeacherConfig:
    usual = {"retries": 0, "batch": True, "batch_poll": 0.01, "model": "m"}
    return TeacherConfig.model_validate({"kind": "openai", "base_url": endpoint.base_url} | usual | settings)


@dataclass
class Sessions:
    """Holds sessions with one ledger; what each delivered, the error that ended it, and what was said."""

    folder: Path
    said: list[str] = field(default_factory=list)

    @property
    def path(self) -> Path:
        return self.folder / "ledger.sqlite"

    def ledger(self) -> Ledger:
        return Ledger(self.path)

    def hold(
        self,
        endpoint: TeacherEndpoint,
        asked: list[FeedbackRequest],
        *,
        run_id: str = "run",
        environ: Mapping[str, str] | None = None,
        say: Callable[[str], None] | None = None,
        **settings: object,
    ) -> tuple[list[Feedback], TeacherError | None]:
        teacher = OpenAITeacher(
            configure(endpoint, **settings),
            kind="number",
            grade=grade,
            ledger=self.path,
            run_id=run_id,
            environ={"OPENAI_API_KEY": KEY} if environ is None else environ,
            say=say or self.said.append,
        )
        delivered: list[Feedback] = []
        try:
            teacher.teach(asked, delivered.append)
        except TeacherError as error:
            return delivered, error
        return delivered, None


def batches_made(endpoint: TeacherEndpoint) -> int:
    """How often the endpoint was asked to make a batch."""
    return list(endpoint.batch_calls).count("POST /v1/batches")
