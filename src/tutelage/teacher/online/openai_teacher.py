"""The `openai` teacher: any OpenAI-compatible endpoint, through ledger, limits and budget.

OpenAITeacher(config.teacher, kind="number", grade=task.grade, ledger="runs/a/ledger.sqlite", run_id="a")
"""

from __future__ import annotations

import json
import os
from collections.abc import Awaitable, Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from tutelage.activity import Activity
from tutelage.config import TeacherConfig
from tutelage.errors import ConfigError
from tutelage.records import AnswerKind, FeedbackRequest, Grade
from tutelage.stopping import run_stoppable
from tutelage.teacher.batch.batches import Batches
from tutelage.teacher.batch.client import BatchClient
from tutelage.teacher.batch.session import BatchSession
from tutelage.teacher.ledger.ledger import Ledger
from tutelage.teacher.ledger.reader import check_whole
from tutelage.teacher.online.budget import Budget, price_of, told_price
from tutelage.teacher.online.client import Client, Endpoint
from tutelage.teacher.online.completion import Reply
from tutelage.teacher.online.conversation import Question, Settings
from tutelage.teacher.online.ledger_writer import LedgerWriter
from tutelage.teacher.online.limits import Limits
from tutelage.teacher.online.parameters import shaping
from tutelage.teacher.online.practising import for_practice
from tutelage.teacher.online.session import RequestSession
from tutelage.teacher.prompts import prompts_of
from tutelage.teacher.reading.echoes import Echoes
from tutelage.teacher.teacher import Deliver
from tutelage.teacher.ways import Plan, askings

_SHOWN = 50
"""The latest replies of earlier starts from which the budget learns how far replies exceed their bounds."""


class OpenAITeacher:
    """Asks an endpoint for rationales. Every reply is in the ledger before it is used; no reply is paid for twice.

    `run_id` names the run in the ledger; the budget covers all that this run has paid, in this process or before. `say`
    takes lines for the user, such as a batch's progress. `activity` takes what is in flight, for the status line.
    `plan` gives the ways in which a request is asked about.

    Raises:
        ConfigError: no model is named, a cap in US dollars has no price, or `prompt` cannot be used.
        TeacherError: the key is not set.
        RunError: the ledger cannot be used.
    """

    def __init__(  # noqa: PLR0913 - all that the teacher of a run depends on
        self,
        config: TeacherConfig,
        *,
        kind: AnswerKind,
        grade: Grade,
        ledger: str | Path,
        run_id: str,
        environ: Mapping[str, str] = os.environ,
        say: Callable[[str], None] = lambda _: None,
        activity: Activity | None = None,
        plan: Plan = askings,
    ) -> None:
        if not config.model or not config.model.strip():
            raise ConfigError("teacher.model is not set: name the teacher as the endpoint does, such as gpt-4.1-mini")
        self._config, self._ledger, self._say = config, Path(ledger), say
        self._activity = activity or Activity()
        self._endpoint = Endpoint(config, environ)
        prompts = prompts_of(config, kind)
        self._settings = Settings(
            endpoint=self._endpoint.shown,
            model=config.model,
            kind=kind,
            grade=grade,
            run_id=run_id,
            price=price_of(config),
            shaping=shaping(config, self._endpoint.query),
            teacher=config,
            template=prompts.template,
            plan=plan,
            ours=Echoes.of(prompts.texts(), prompts.hint),
        )
        self._lost = 0
        self._limits = Limits(config.requests_per_minute, config.tokens_per_minute)
        Budget(config.budget, self._settings.price)
        if told := told_price(config):
            say(told)
        Ledger(self._ledger).close()  # an unusable ledger is reported before the first exam
        check_whole(self._ledger)

    @property
    def key(self) -> str:
        """See Teacher. A change at the endpoint behind the model's name does not change it."""
        asked = (self._config.temperature, self._config.max_tokens, self._config.self_consistency, self._config.explain)
        return f"openai {self._config.model} {asked}"

    def teach(self, requests: Iterable[FeedbackRequest], deliver: Deliver) -> None:
        """Answer every request, `concurrency` at a time, and deliver the replies as they come.

        Raises:
            BudgetSpent: a cap is reached; every reply in the ledger has been delivered.
            TeacherError: the key is refused, the quota is spent, the model is unknown, or the endpoint keeps failing.
            RunError: the ledger cannot be written.
        """
        run_stoppable(self._hold(requests, deliver, self._settings))

    def practise(self, requests: Iterable[FeedbackRequest], deliver: Deliver) -> None:
        """Ask for a new problem near that of every request, and for solutions of it; delivers a Practice for each.

        Raises as `teach`.
        """
        run_stoppable(self._hold(requests, deliver, for_practice(self._settings)))

    async def _hold(self, requests: Iterable[FeedbackRequest], deliver: Deliver, settings: Settings) -> None:
        with Ledger(self._ledger) as ledger:
            async with self._endpoint.connect() as client:
                batches = self._batches(client, ledger)
                if self._config.batch:
                    session = BatchSession(batches, ledger, settings, self._config.retries)
                    await session.hold(requests, deliver, lambda: self._budget(ledger))
                else:
                    await batches.collect(wait=False)  # from an earlier start with `batch` set: they are paid for
                    with self._told_of_lost(ledger):
                        await self._hold_online(client, ledger, requests, deliver, settings)

    def _batches(self, client: Client, ledger: Ledger) -> Batches:
        config = self._config
        price = price_of(config.model_copy(update={"batch": True}))
        return Batches(
            BatchClient(self._endpoint, client, config.timeout),
            ledger,
            replace(self._settings, price=price),
            retries=config.retries,
            poll=config.batch_poll,
            say=self._say,
            activity=self._activity,
        )

    @contextmanager
    def _told_of_lost(self, ledger: Ledger) -> Generator[None]:
        """Tells of the requests that may be charged though no reply came, those of earlier starts among them, once."""
        try:
            yield
        finally:
            lost = ledger.lost(self._settings.run_id)
            if lost.requests > self._lost:
                self._lost, tokens = lost.requests, lost.prompt_tokens + lost.completion_tokens
                most = f"{lost.cost_usd:.4f} USD" if lost.cost_usd else f"{tokens:,} tokens"
                self._say(f"sent and never answered: {lost.requests:,} so far; perhaps charged, and counted at {most}")

    async def _hold_online(
        self,
        client: Client,
        ledger: Ledger,
        requests: Iterable[FeedbackRequest],
        deliver: Deliver,
        settings: Settings,
    ) -> None:
        config, limits = self._config, self._limits.again()

        def ask(question: Question) -> Awaitable[Reply]:
            return self._endpoint.ask(client, question.messages, question.seed)

        with Ledger(self._ledger) as written:  # a connection of its own: reads never wait for a commit
            async with LedgerWriter(written) as writer:
                session = RequestSession(
                    ask,
                    ledger,
                    writer,
                    self._budget(ledger),
                    limits,
                    settings,
                    config.retries,
                    self._activity,
                )
                await session.hold(requests, deliver, config.concurrency)

    def _budget(self, ledger: Ledger) -> Budget:
        """What is left, with what the run's latest replies show."""
        run_id = self._settings.run_id
        settings, latest = self._settings, ledger.latest(run_id, _SHOWN)
        before = max(0, ledger.replies(run_id, settings.endpoint, settings.model) - len(latest))
        budget = Budget(
            self._config.budget, settings.price, ledger.spent(run_id), ledger.overrun(run_id), replies=before
        )
        for row in latest:
            asked = json.loads(row.request)
            budget.learn(asked["messages"], asked["max_tokens"], row.usage)
        return budget
