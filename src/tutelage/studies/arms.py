"""The named arms of a study: what each changes in the base configuration, and its source in the literature.

    full            the base, taught by the whole method
    multi-round     the same without self-reflection
    one-round       rationales once, then trained on as many rows as `full` in all its rounds

An arm is a function from the base configuration to its own. A matched arm gets as much (training rows, teacher replies)
as another arm's run with the same seed has used.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from tutelage.config import RunConfig, Section, TrainingConfig
from tutelage.errors import ConfigError
from tutelage.run_records import RunResult
from tutelage.study_records import RunFigures


@dataclass(frozen=True, slots=True)
class Spent:
    """What a run has used: training rows in all rounds, and teacher replies after round 0."""

    rows: int
    later_replies: int

    @classmethod
    def of_result(cls, result: RunResult) -> Spent:
        """From a run's `result.json`."""
        _, *later = (cost.replies for cost in result.teaching)
        return cls(sum(row.training.rows for row in result.rounds), sum(later))

    @classmethod
    def of_figures(cls, figures: RunFigures) -> Spent:
        """From a run's figures in `study.json`."""
        first, last = figures.rounds[0], figures.rounds[-1]
        return cls(last.rows, figures.replies - first.replies)


Change = Callable[[RunConfig], RunConfig]
Matched = Callable[[RunConfig, Spent], RunConfig]


@dataclass(frozen=True, slots=True)
class Arm:
    """What an arm changes, and its source in the literature.

    `matched` adapts its configuration to what the arm `to` has spent with the same seed. An arm that is not `taught`
    evaluates the untrained student on test. `seeds` limits its seeds; None: all seeds of the study.
    """

    source: str
    change: Change
    matched: Matched | None = None
    to: str = "full"
    taught: bool = True
    seeds: tuple[int, ...] | None = None

    def is_run_under(self, seed: int) -> bool:
        """Whether the arm has a run with this seed."""
        return self.seeds is None or seed in self.seeds


def changed(config: RunConfig, **sections: Mapping[str, Any]) -> RunConfig:
    """The configuration with other values in some sections."""
    update: dict[str, Section] = {}
    for name, values in sections.items():
        old: Section = getattr(config, name)
        update[name] = type(old).model_validate(old.model_dump() | dict(values))
    return config.model_copy(update=update)


def base(config: RunConfig) -> RunConfig:
    """The base configuration, unchanged."""
    return config


def full(config: RunConfig) -> RunConfig:
    """The full method: the teacher sees the mistake, the loss is L_LM + lambda * triplet; the rest is the base's."""
    weight = config.training.reflection_weight or TrainingConfig().reflection_weight
    return changed(
        config,
        teacher={"ask": "mistake", "explain": False, "priority": "uniform"},
        training={
            "reflection": "triplet",
            "reflection_weight": weight,
            "rejection_sampling": "none",
            "init_from": "previous",
        },
    )


def multi_round(config: RunConfig) -> RunConfig:
    """The method without self-reflection."""
    return changed(full(config), training={"reflection": "none"})


def one_round(config: RunConfig) -> RunConfig:
    """Round 0 alone: sequence-level distillation (Kim & Rush 2016)."""
    return changed(multi_round(config), rounds={"max": 0})


def answers_only(config: RunConfig) -> RunConfig:
    """SFT on the gold answers of all problems, without rationales or teacher."""
    return changed(one_round(config), teacher={"kind": "answers", "seed_problems": None, "practice": 0})


def star(config: RunConfig) -> RunConfig:
    """STaR: the student's own right rationales, with the answer as a hint; each round starts untrained."""
    return changed(
        multi_round(config),
        teacher={"kind": "student", "seed_problems": None, "replies_per_round": None, "practice": 0},
        training={"rejection_sampling": "train", "init_from": "untrained", "data": "round"},
    )


def no_mistake_in_view(config: RunConfig) -> RunConfig:
    """The teacher gets the same problems, but does not see the mistakes."""
    return changed(full(config), teacher={"ask": "question"})


def rejection_sampling(config: RunConfig) -> RunConfig:
    """Also trains on the student's own right attempts."""
    return changed(full(config), training={"rejection_sampling": "train"})


def preference(config: RunConfig) -> RunConfig:
    """DPO with an NLL term in place of the triplet, under the collapse guard."""
    guard = config.training.guard.model_copy(update={"checks": config.training.guard.checks or 4})
    return changed(full(config), training={"reflection": "preference", "guard": guard})


def budgeted(config: RunConfig, priority: str) -> RunConfig:
    """Half as many replies a round as there are training problems, unless the base has a budget of its own."""
    problems, most = config.task.train, config.teacher.replies_per_round
    if most is None and problems is None:
        raise ConfigError(
            f"an arm with priority {priority!r} needs a budget: set teacher.replies_per_round, or task.train"
        )
    most = most or max(1, (problems or 0) // 2)
    return changed(full(config), teacher={"priority": priority, "replies_per_round": most})


def explain(config: RunConfig) -> RunConfig:
    """The teacher also explains the mistake, and the student learns to find and correct it."""
    return changed(full(config), teacher={"explain": True})


def reflection_weight(config: RunConfig, weight: float) -> RunConfig:
    """The method with another lambda."""
    return changed(full(config), training={"reflection_weight": weight})


def rounds(config: RunConfig, number: int) -> RunConfig:
    """The method with `number` rounds after round 0."""
    return changed(full(config), rounds={"max": number, "patience": max(1, number)})


def data(config: RunConfig, which: str) -> RunConfig:
    """The method, trained on the rationales of this round only or of all rounds so far."""
    return changed(full(config), training={"data": which})


def few_shot(config: RunConfig, shots: int) -> RunConfig:
    """The untrained student with `shots` worked examples in the prompt."""
    return changed(config, student={"few_shot": shots})


def as_many_rows(config: RunConfig, spent: Spent) -> RunConfig:
    """Trains on as many rows as another run in all its rounds."""
    return changed(config, training={"max_rows": spent.rows})


def as_many_replies(config: RunConfig, spent: Spent) -> RunConfig:
    """As many replies as another run, on random problems beyond those of round 0, and as many training rows.

    A rationale takes `teacher.self_consistency` replies. With an online teacher the number of replies is somewhat
    higher: each reply that was rejected in the other run is replaced by a whole rationale.
    """
    draws = config.teacher.self_consistency if config.teacher.kind == "openai" else 1
    more = config.teacher.extra_rationales + -(-spent.later_replies // draws)
    return changed(as_many_rows(config, spent), teacher={"extra_rationales": more})


_METHOD = "Wang et al. 2023 (arXiv 2310.13332)"

ARMS: Mapping[str, Arm] = {
    "untrained": Arm("the student as it came, zero-shot", partial(few_shot, shots=0), taught=False),
    "untrained-few-shot": Arm(
        "the student as it came, behind three worked examples", partial(few_shot, shots=3), taught=False
    ),
    "answers-only": Arm("fine-tuning without rationales", answers_only, as_many_rows),
    "star": Arm("STaR (Zelikman et al. 2022)", star),
    "one-round": Arm("chain-of-thought distillation (Ho et al. 2023; Magister et al. 2023)", one_round, as_many_rows),
    "one-round-same-budget": Arm("the same, with as many replies as the method", one_round, as_many_replies),
    "multi-round": Arm(f"{_METHOD}, without self-reflection", multi_round),
    "full": Arm(_METHOD, full),
    "full-no-mistake-in-view": Arm(f"{_METHOD}, without the mistake in view", no_mistake_in_view),
    "own-correct": Arm("with rejection sampling (Yuan et al. 2023)", rejection_sampling),
    "preference": Arm("DPO with an NLL term (Rafailov et al. 2023; Pang et al. 2024)", preference),
    "uniform": Arm("half the replies, to any mistakes", partial(budgeted, priority="uniform")),
    "weakest-first": Arm(
        "half, to the weakest (Tong et al. 2024; Lee et al. 2024)", partial(budgeted, priority="weakest-first")
    ),
    "frontier": Arm("half, to problems passed at times", partial(budgeted, priority="frontier")),
    "untaught-first": Arm("half, to problems without a rationale", partial(budgeted, priority="untaught-first")),
    "explain": Arm("LEMA (An et al. 2023)", explain),
    **{
        f"lambda-{weight:g}": Arm(f"{_METHOD}, lambda {weight:g}", partial(reflection_weight, weight=weight))
        for weight in (0, 0.25, 0.5, 1)
    },
    **{
        f"rounds-{number}": Arm(f"{_METHOD}, {number} rounds after round 0", partial(rounds, number=number))
        for number in range(6)
    },
    "data-round": Arm(f"{_METHOD}, on each round's rationales alone", partial(data, which="round")),
    "data-all": Arm(f"{_METHOD}, learning earlier rationales again", partial(data, which="all")),
}
"""All named arms. A study file can add more, as overrides of the base or of one of these."""
