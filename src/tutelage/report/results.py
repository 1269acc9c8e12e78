"""The results page: several studies in one Markdown file, with a summary first.

| study      | untrained    | one-round-same-budget | full          | best on validation   | full less one-…     |
|------------|--------------|-----------------------|---------------|----------------------|---------------------|
| multiarith | 2.1% (0.5% … | 31.4% (26.0% to …     | 41.0% (36.0 … | explain: 44.1% (39 … | **+9.6 (+4.1 to …** |
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean

from tutelage.report.format import counted, markdown_table, percent, points
from tutelage.report.plots import plot_names
from tutelage.report.study import study_page
from tutelage.study_records import ArmFigures, Comparison, StudyFigures

BASELINE, METHOD = "one-round-same-budget", "full"
"""The central comparison: the same number of teacher replies without mistakes, and the method."""


def results_page(studies: Sequence[tuple[StudyFigures, str, str]], notes: str = "", pages: str | None = None) -> str:
    """The page of several studies, each given by its figures, the path from the page to its folder, and notes.

    The folder has the plots of `plot_study`. A study's notes (Markdown) come first under its heading; `notes` come
    below the summary. `pages` is the path from the page to a folder with one page per study (`NAME.md`); if given, the
    summary links to these.
    """
    parts = [
        "# Results",
        "Computed from the `study.json` of every study below. Accuracies are those on test, of each run's best round "
        "on validation, with 95 % intervals (bootstrap over seeds and problems); differences are paired, and bold "
        "where their interval leaves out 0 and there are five seeds or more. The best arm is the one with the highest "
        "validation accuracy of those that ran under all seeds; an untrained student stands behind worked examples "
        "where it was not tested without.",
        _summary([figures for figures, _, _ in studies], pages),
        notes,
    ]
    for figures, folder, own in studies if pages is None else ():
        plots = [f"{folder.rstrip('/')}/{name}" for name in plot_names(figures)]
        parts.append(study_page(figures, plots, notes=own, level=2))
    return "\n\n".join(part.rstrip("\n") for part in parts if part) + "\n"


def best_arm(figures: StudyFigures) -> str | None:
    """The arm with the highest validation accuracy, each run at its best round; None if no run has any.

    Arms with fewer seeds than others are left out: their seeds may be easier.
    """
    seen = {name: _best_validation(arm) for name, arm in figures.arms.items()}
    most = max(map(len, seen.values()), default=0)
    means = {name: fmean(values) for name, values in seen.items() if values and len(values) == most}
    return max(means, key=means.__getitem__, default=None)


def _best_validation(arm: ArmFigures) -> list[float]:
    return [row.validation for run in arm.runs for row in run.rounds if row.round == run.best_round]


def _summary(studies: Sequence[StudyFigures], pages: str | None) -> str:
    header = ("study", "untrained", BASELINE, METHOD, "best on validation", f"{METHOD} less {BASELINE}, points")
    return markdown_table(header, [_row(figures, pages) for figures in studies])


def _row(figures: StudyFigures, pages: str | None) -> list[str]:
    best = best_arm(figures)
    return [
        figures.name if pages is None else f"[{figures.name}](<{pages}/{figures.name}.md>)",
        _test(figures, "untrained" if "untrained" in figures.arms else "untrained-few-shot"),
        *(_test(figures, name) for name in (BASELINE, METHOD)),
        f"{best}: {_test(figures, best)}" if best else "–",
        _central(figures),
    ]


def _test(figures: StudyFigures, name: str) -> str:
    arm = figures.arms.get(name)
    return f"{percent(arm.test)}, {counted(arm.seeds, 'seed')}" if arm else "–"


def _central(figures: StudyFigures) -> str:
    for found in figures.comparisons:
        if {found.a, found.b} == {METHOD, BASELINE}:
            towards = found if found.a == METHOD else _reversed(found)
            return f"{points(towards)}, {counted(found.seeds, 'seed')}"
    return "–"


def _reversed(found: Comparison) -> Comparison:
    return replace(
        found,
        a=found.b,
        b=found.a,
        difference=-found.difference,
        low=-found.high,
        high=-found.low,
        only_a=found.only_b,
        only_b=found.only_a,
    )
