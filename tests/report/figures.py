"""Made-up studies with the shape of real ones: answers drawn by chance, figures computed from them."""

import random
from dataclasses import replace
from statistics import fmean

from tutelage.metrics.comparison import compare, interval
from tutelage.study_records import ArmFigures, Comparison, RoundFigures, RunFigures, StudyFigures

NAMES = (
    *("untrained", "answers-only", "star", "one-round", "one-round-same-budget", "multi-round", "full"),
    *("full-no-mistake-in-view", "own-correct", "preference", "weakest-first", "frontier", "explain"),
    *("lambda-0", "lambda-0.25", "lambda-1", "rounds-1", "rounds-5", "data-round", "$odd|name_of_mine$"),
)

CENTRAL = Comparison("full", "one-round-same-budget", 5, 0.096, 0.041, 0.15, 0.0004, 40, 20)


def study(names=NAMES, seeds=3, *, usd=0.01, inside=True, problems=60) -> StudyFigures:
    """A study whose later arms are better; `inside` gives the figures that look into the student, too."""
    arms = {
        name: _arm(name, [_run(name, seed, 0.2 + 0.02 * place, usd, inside, problems) for seed in range(seeds)])
        for place, name in enumerate(names)
    }
    rights = {name: {run.seed: run.right for run in arm.runs} for name, arm in arms.items()}
    pairs = [(a, b) for place, a in enumerate(names) for b in names[:place]]
    return StudyFigures(
        name="leg-counting",
        question="Do rounds of tailored feedback teach more than one round does?",
        task="leg_counting",
        student="SmolLM2-135M",
        teacher="answer_key",
        train_problems=200,
        validation_problems=50,
        test_problems=problems,
        arms=arms,
        comparisons=tuple(compare(rights[a], rights[b], (a, b)) for a, b in pairs),
        command="tutelage study studies/legs.yaml --jobs 2",
        machine="2 cores, 8 GB",
        versions="Python 3.11, torch 2.13",
        base="task:\n  name: leg_counting\n",
    )


def _run(name, seed, chance, usd, inside, problems) -> RunFigures:
    draw = random.Random(f"{name}/{seed}")
    rounds = {"untrained": 0, "one-round": 1, "one-round-same-budget": 1, "answers-only": 1}.get(name, 4)
    return RunFigures(
        seed=seed,
        right="".join(str(int(draw.random() < chance)) for _ in range(problems)),
        best_round=max(0, rounds - 1),
        rounds=tuple(_round(at, draw, chance, usd, inside) for at in range(rounds)),
        stopped_because="all rounds are done",
        seconds=100.0 * rounds,
    )


def _round(at, draw, chance, usd, inside) -> RoundFigures:
    seen = RoundFigures(
        round=at,
        validation=round(50 * (chance - 0.05 + 0.04 * at + draw.gauss(0, 0.02))) / 50,
        replies=200 + 60 * at + draw.randrange(10),
        usd=usd * (at + 1),
        rows=600 * (at + 1),
        seconds=90.0 * (at + 1),
    )
    if not inside or at == 0:
        return seen
    return replace(
        seen,
        pass_rate=chance,
        mistakes={"calculation": draw.randrange(20, 60), "copied number": draw.randrange(5, 20), "plan": 30 - 5 * at},
        lm_loss=0.4,
        reflection_loss=0.7,
        positive_similarity=0.9,
        negative_similarity=0.8 - 0.05 * at,
        gradient_ratio=0.5,
        gradient_cosine=draw.uniform(-0.2, 0.2),
        collapse="likelihood fell by 0.2 nats; back to step 12" if at == 3 and chance > 0.35 else None,
    )


def _arm(name, runs) -> ArmFigures:
    last = [run.rounds[-1] if run.rounds else RoundFigures(0, 0.0, 0, 0.0, 0, 0.0) for run in runs]
    return ArmFigures(
        source=f"made up for {name}",
        seeds=len(runs),
        test=interval([run.right for run in runs]),
        teacher_replies=fmean(row.replies for row in last),
        usd=fmean(row.usd for row in last),
        rows=fmean(row.rows for row in last),
        seconds=fmean(run.seconds for run in runs),
        runs=tuple(runs),
    )
