import re
from dataclasses import replace

import pytest

from tutelage.report.plots import plot_names
from tutelage.report.results import best_arm, results_page
from tutelage.report.study import study_page
from tutelage.runs.files import read_record, write_json
from tutelage.study_records import Comparison, Interval, StudyFigures

from .figures import CENTRAL, NAMES, study

FIGURES = study(NAMES[:10], 3)
BARE = study(("a|b",), 1, usd=0, inside=False)


def tables(page: str) -> list[list[list[str]]]:
    """Every table of a page as rows of cells, its header first."""
    blocks = re.findall(r"(?:^\|.*\|$\n?)+", page, flags=re.MULTILINE)
    return [
        [
            [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
            for line in block.splitlines()
            if "---" not in line
        ]
        for block in blocks
    ]


def test_study_json_comes_back_as_it_was(tmp_path):
    write_json(tmp_path / "study.json", FIGURES)
    assert read_record(tmp_path / "study.json", StudyFigures) == FIGURES


def test_the_page_says_what_was_asked_and_how():
    page = study_page(FIGURES, ["plots/test.png"])
    assert page.startswith("# leg-counting\n\nDo rounds of tailored feedback")
    assert "- Task: `leg_counting`; problems: 200 train, 50 validation, 60 test\n" in page
    assert "- Machine: 2 cores, 8 GB; Python 3.11, torch 2.13\n" in page
    assert "```sh\ntutelage study studies/legs.yaml --jobs 2\n```" in page
    assert "![test](<plots/test.png>)" in page
    assert re.findall("^#+ .*", page, flags=re.MULTILINE) == [
        *("# leg-counting", "## Test accuracy", "## Rounds", "## Comparisons", "## Collapses"),
    ]


def test_every_arm_has_its_row():
    arms, rounds, comparisons = tables(study_page(FIGURES, ()))
    assert [row[0] for row in arms[1:]] == list(NAMES[:10])
    full = FIGURES.arms["full"]
    test = f"{full.test.mean:.1%} ({full.test.low:.1%} to {full.test.high:.1%})"
    row = dict(zip(arms[0], arms[1 + NAMES.index("full")], strict=True))
    assert (row["test accuracy"], row["seeds"], row["USD"], row["rows trained"]) == (test, "3", "0.040", "2,400")
    assert row["best round"] == ", ".join(str(run.best_round) for run in full.runs)
    assert dict(zip(arms[0], arms[1 + NAMES.index("untrained")], strict=True))["best round"] == ""
    assert all(len(line) == len(rounds[0]) for line in rounds)
    assert len(comparisons) == 1 + len(FIGURES.comparisons)


def test_the_rounds_are_means_over_seeds():
    _, rounds, _ = tables(study_page(FIGURES, ()))
    rows = [dict(zip(rounds[0], row, strict=True)) for row in rounds[1:] if row[0] == "full"]
    assert [(row["round"], row["seeds"]) for row in rows] == [(str(at), "3") for at in range(4)]
    mean = sum(run.rounds[2].validation for run in FIGURES.arms["full"].runs) / 3
    assert re.fullmatch(rf"{100 * mean:.1f} ± \d+\.\d", rows[2]["validation, %"])
    assert (rows[2]["positive similarity"], rows[2]["negative similarity"]) == ("0.900 ± 0.000", "0.700 ± 0.000")
    assert re.fullmatch(r"[+-]0\.\d\d ± \d\.\d\d", rows[2]["gradient cosine"])
    shares = re.findall(r"(\w[a-z ]+) (\d+) ± \d+ %", rows[2]["mistakes on validation by kind"])
    assert {kind for kind, _ in shares} == {"calculation", "copied number", "plan"}
    assert sum(int(share) for _, share in shares) == pytest.approx(100, abs=2)
    assert rows[0]["mistakes on validation by kind"] == rows[0]["positive similarity"] == ""


def test_arms_with_the_same_figures_share_a_row():
    full = FIGURES.arms["full"]
    cut = replace(full, runs=tuple(replace(run, rounds=run.rounds[:2]) for run in full.runs))
    _, rounds = tables(study_page(replace(FIGURES, arms={"full": full, "cut": cut}, comparisons=()), ()))
    assert [row[:2] for row in rounds[1:]] == [["full, cut", "0"], ["full, cut", "1"], ["full", "2"], ["full", "3"]]


def test_what_no_arm_has_is_left_out():
    page = study_page(BARE, ())
    _, rounds = tables(page)
    assert rounds[0] == ["arm", "round", "seeds", "validation, %"]
    assert all(row[0] == r"a\|b" and "±" not in row[3] for row in rounds[1:])
    assert not {"## Comparisons", "## Collapses"} & set(page.splitlines())
    assert "similarity" not in page
    assert "## Rounds" not in study_page(study(("untrained",), 2), ())


def test_comparisons_are_listed():
    page = study_page(replace(FIGURES, comparisons=(CENTRAL,)), ())
    assert ["full", "one-round-same-budget", "**+9.6 (+4.1 to +15.0)**", "< 0.001", "40", "20", "5"] in tables(page)[2]
    assert "for there being 1 comparison." in page


def test_collapses_are_told():
    lines = study_page(FIGURES, ()).split("## Collapses\n\n")[1].splitlines()
    assert lines
    assert all(
        re.fullmatch(r"- \S+, seed \d, round 3: likelihood fell by 0.2 nats; back to step 12", line) for line in lines
    )


@pytest.mark.parametrize(
    "comparison",
    [CENTRAL, Comparison("one-round-same-budget", "full", 5, -0.096, -0.15, -0.041, 0.0004, 20, 40)],
    ids=["as asked", "the other way round"],
)
def test_the_summary(comparison):
    figures = replace(FIGURES, comparisons=(FIGURES.comparisons[0], comparison))
    page = results_page([(figures, "../studies/legs/", "What we *saw*.\n"), (BARE, "../studies/bare", "")])
    summary = tables(page)[0]
    row = dict(zip(summary[0], summary[1], strict=True))
    assert row["full less one-round-same-budget, points"] == "**+9.6 (+4.1 to +15.0)**, 5 seeds"
    assert re.fullmatch(r"[\d.]+% \([\d.]+% to [\d.]+%\), 3 seeds", row["untrained"])
    assert row["best on validation"].startswith(f"{best_arm(figures)}: ")
    assert summary[2][1:4] == ["–"] * 3
    assert summary[2][5] == "–"


def test_the_summary_shows_worked_examples_where_nothing_else_was_asked_of_the_untrained():
    few_shot = study(("untrained-few-shot", "full"), 2)
    assert tables(results_page([(few_shot, "legs", "")]))[0][1][1].startswith(
        f"{few_shot.arms['untrained-few-shot'].test.mean:.1%} ("
    )


def test_every_study_has_its_heading_notes_and_pictures():
    page = results_page([(FIGURES, "../studies/legs/", "What we *saw*.\n"), (BARE, "../studies/bare", "")])
    assert "\n## leg-counting\n\nWhat we *saw*.\n\nDo rounds" in page
    assert "\n## leg-counting\n\nDo rounds" in page
    links = re.findall(r"!\[[a-z ]+\]\(<(.*)>\)", page)
    assert links == [
        *(f"../studies/legs/{name}" for name in plot_names(FIGURES)),
        *(f"../studies/bare/{name}" for name in plot_names(BARE)),
    ]
    assert page.count("\n\n\n") == 0


def test_the_best_arm_is_chosen_by_validation_alone():
    assert best_arm(study(("untrained",), 2)) is None
    chosen = best_arm(FIGURES)
    lucky = {name: replace(arm, test=Interval(1.0, 0.9, 1.0)) for name, arm in FIGURES.arms.items() if name != chosen}
    assert best_arm(replace(FIGURES, arms={**FIGURES.arms, **lucky})) == chosen
    assert best_arm(_scored(chosen, lambda run, row: 0.0)) != chosen
    perfect = _scored("star", lambda run, row: 1.0)
    assert best_arm(perfect) == "star"
    easy = replace(perfect.arms["star"], runs=perfect.arms["star"].runs[:1])
    assert best_arm(replace(FIGURES, arms={**FIGURES.arms, "star": easy})) == chosen  # one seed, perhaps the easiest
    at_its_best = _scored(chosen, lambda run, row: row.validation if row.round == run.best_round else 0.0)
    assert best_arm(at_its_best) == chosen


def _scored(name, validation) -> StudyFigures:
    """The study with another validation accuracy in every round of one arm."""
    arm = FIGURES.arms[name]
    runs = tuple(
        replace(run, rounds=tuple(replace(row, validation=validation(run, row)) for row in run.rounds))
        for run in arm.runs
    )
    return replace(FIGURES, arms={**FIGURES.arms, name: replace(arm, runs=runs)})
