"""A study as a Markdown page, made from `study.json`.

| arm  | test accuracy          | seeds | teacher replies | USD   | rows trained | seconds | best round | what it is |
|------|------------------------|-------|-----------------|-------|--------------|---------|------------|------------|
| full | 41.0% (36.0% to 46.0%) | 2     | 212             | 0.120 | 2,400        | 900     | 2, 1       | the method |
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import PurePosixPath

from tutelage.metrics.intervals import SeedMean, mistake_shares, over_seeds, rounds_of
from tutelage.report.format import TRUSTED_SEEDS, counted, markdown_table, p_value, percent, points
from tutelage.study_records import RoundFigures, StudyFigures

Rounds = Sequence[RoundFigures]
"""One round of an arm, in each of its runs."""


def study_page(figures: StudyFigures, plots: Sequence[str], *, notes: str = "", level: int = 1) -> str:
    """The page of one study: question, set-up, tables and plots.

    `plots` are paths from the page to the plots, `notes` is Markdown below the title, `level` the title's heading
    level.
    """
    below = "#" * (level + 1)
    parts = [
        f"{'#' * level} {figures.name}",
        notes.strip(),
        figures.question,
        _facts(figures),
        f"{below} Test accuracy",
        arms_table(figures),
        "Test accuracy with its 95 % interval: percentile bootstrap over seeds and problems, with one seed over "
        "problems alone. Replies, USD, rows and seconds are means over the seeds. The best round, on validation, is "
        "the one that was tested, seed by seed.",
        *(f"![{PurePosixPath(plot).stem.replace('-', ' ')}](<{plot}>)" for plot in plots),
        *_rounds(figures, below),
        *_comparisons(figures, below),
        *_collapses(figures, below),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def arms_table(figures: StudyFigures) -> str:
    """One row for every arm, in the study's order."""
    costs = ("teacher replies", "USD", "rows trained", "seconds")
    return markdown_table(
        ("arm", "test accuracy", "seeds", *costs, "best round", "what it is"),
        (
            (
                name,
                percent(arm.test),
                str(arm.seeds),
                f"{arm.teacher_replies:,.0f}",
                f"{arm.usd:,.3f}",
                f"{arm.rows:,.0f}",
                f"{arm.seconds:,.0f}",
                ", ".join(str(run.best_round) for run in arm.runs if run.rounds),
                arm.source,
            )
            for name, arm in figures.arms.items()
        ),
    )


def _facts(figures: StudyFigures) -> str:
    sizes = (figures.train_problems, figures.validation_problems, figures.test_problems)
    problems = ", ".join(
        f"{size:,} {split}" for size, split in zip(sizes, ("train", "validation", "test"), strict=True)
    )
    return (
        f"- Task: `{figures.task}`; problems: {problems}\n"
        f"- Student: `{figures.student}`; teacher: `{figures.teacher}`\n"
        f"- Machine: {figures.machine}; {figures.versions}\n"
        "- Command (the base configuration stands in `study.json`):\n\n"
        f"```sh\n{figures.command}\n```"
    )


def _rounds(figures: StudyFigures, heading: str) -> list[str]:
    """The table of rounds: arms with the same figures share a row, columns without a figure are left out."""
    arms_of: dict[tuple[str, ...], list[str]] = {}
    for name, arm in figures.arms.items():
        for rows in rounds_of(arm):
            arms_of.setdefault(tuple(cell(rows) for cell in _COLUMNS.values()), []).append(name)
    if not arms_of:
        return []
    arms = [", ".join(names) for names in arms_of.values()]
    columns = dict(zip(_COLUMNS, zip(*arms_of, strict=True), strict=True))
    columns = {"arm": arms} | {title: column for title, column in columns.items() if any(column)}
    return [
        f"{heading} Rounds",
        markdown_table(tuple(columns), zip(*columns.values(), strict=True)),
        "Means over the seeds that had the round, ± the half-width of the 95 % t interval over them; a single seed has "
        f"none. Arms with the same figures share a row.{_INSIDE if 'L_SR' in columns else ''}"
        f"{_OF_REPAIRS if 'repaired loss' in columns else ''}",
    ]


_INSIDE = (
    " Similarities (cosines) and gains (nats) are what self-reflection compares. `gradient ratio` and `gradient cosine`"
    " set the gradient of its loss L_SR against that of L_LM. L_LM is the mean of the last epoch's steps, the others"
    " are those of all steps with a pair."
)
_OF_REPAIRS = " Repaired and wrong losses are the nats per right and per wrong token of mistakes put right."


def _mean(value: Callable[[RoundFigures], float | None], form: str, scale: float = 1.0) -> Callable[[Rounds], str]:
    def cell(rows: Rounds) -> str:
        found = over_seeds(value(row) for row in rows)
        return _with_half(found, form, scale) if found else ""

    return cell


def _with_half(found: SeedMean, form: str, scale: float = 1.0) -> str:
    text = format(scale * found.mean, form)
    return text if found.half is None else f"{text} ± {format(scale * found.half, form.lstrip('+'))}"


def _mistakes(rows: Rounds) -> str:
    shares = sorted(mistake_shares(rows).items(), key=lambda item: -item[1].mean)
    return ", ".join(f"{kind} {_with_half(share, '.0f', 100)} %" for kind, share in shares)


_COLUMNS: dict[str, Callable[[Rounds], str]] = {
    "round": lambda rows: str(rows[0].round),
    "seeds": lambda rows: str(len(rows)),
    "validation, %": _mean(lambda row: row.validation, ".1f", 100),
    "exam passed, %": _mean(lambda row: row.pass_rate, ".1f", 100),
    "problems taught": _mean(lambda row: row.taught, ".0f"),
    "mistakes on validation by kind": _mistakes,
    "L_LM": _mean(lambda row: row.lm_loss, ".3f"),
    "L_SR": _mean(lambda row: row.reflection_loss, ".3f"),
    "positive similarity": _mean(lambda row: row.positive_similarity, ".3f"),
    "negative similarity": _mean(lambda row: row.negative_similarity, ".3f"),
    "chosen gain": _mean(lambda row: row.chosen_gain, ".3f"),
    "rejected gain": _mean(lambda row: row.rejected_gain, ".3f"),
    "repaired loss": _mean(lambda row: row.repaired_loss, ".3f"),
    "wrong loss": _mean(lambda row: row.wrong_loss, ".3f"),
    "gradient ratio": _mean(lambda row: row.gradient_ratio, ".2f"),
    "gradient cosine": _mean(lambda row: row.gradient_cosine, "+.2f"),
}


def _comparisons(figures: StudyFigures, heading: str) -> list[str]:
    if not figures.comparisons:
        return []
    header = ("arm", "less", "difference, points", "p", "only the one right", "only the other", "seeds")
    rows = (
        (
            found.a,
            found.b,
            points(found),
            p_value(found.p),
            str(found.only_a),
            str(found.only_b),
            str(found.seeds),
        )
        for found in figures.comparisons
    )
    return [
        f"{heading} Comparisons",
        markdown_table(header, rows),
        "Differences on test, paired by seed and problem, with 95 % bootstrap intervals (Wilson's where no answer "
        f"differs); bold ones leave out 0 and have at least {TRUSTED_SEEDS} seeds: those of two or three are too "
        "narrow where seeds differ much. p is McNemar's, exact and two-sided, over the answers of all seeds that only "
        "one of the two has right; it is not corrected for there being "
        f"{counted(len(figures.comparisons), 'comparison')}.",
    ]


def _collapses(figures: StudyFigures, heading: str) -> list[str]:
    notes = [
        f"- {name}, seed {run.seed}, round {row.round}: {' '.join(row.collapse.split())}"
        for name, arm in figures.arms.items()
        for run in arm.runs
        for row in run.rounds
        if row.collapse
    ]
    return [f"{heading} Collapses", "\n".join(notes)] if notes else []
