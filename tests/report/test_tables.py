from io import StringIO

import pytest
from rich.console import Console

from tutelage.config import BudgetConfig
from tutelage.config.file import parse_config
from tutelage.records import Usage
from tutelage.report.card import card_metadata, model_card
from tutelage.report.table import print_bounds, print_run
from tutelage.run_records import (
    Accuracy,
    BeforeAfter,
    ExamSummary,
    RoundResult,
    RunResult,
    TeacherSummary,
    TrainingSummary,
    Work,
)
from tutelage.teacher_records import CostBound

TRAINING = TrainingSummary(12, 0, 34567, 12345, 67, 0.25, 0.2, 0.1)
WORK = {"training": Work(60.0, 34567, 576.1, 0.0054, 10**9)}
RESULT = RunResult(
    rounds=(
        RoundResult(0, Accuracy(0.25, 0.12, 0.44, 40), None, TeacherSummary(12, 11, 10, 20, 0.5), TRAINING, WORK, 61.0),
        RoundResult(
            1,
            Accuracy(0.5, 0.35, 0.65, 40),
            ExamSummary(0.375, 25, 40),
            TeacherSummary(9, 9, 10, 20, 0.75),
            TRAINING,
            WORK,
            90.0,
        ),
    ),
    best_round=1,
    stopped_because="all rounds are done",
    test=BeforeAfter(Accuracy(0.0, 0.0, 0.04, 100), Accuracy(0.45, 0.36, 0.55, 100)),
    work={},
    seconds=247.4,
)


def printed(show, *arguments) -> str:
    file = StringIO()
    show(*arguments[:-1], Console(file=file, width=120), arguments[-1])
    return file.getvalue()


def test_the_table_of_a_run():
    text = printed(print_run, RESULT, "runs/[demo]")
    assert "runs/[demo]" in text
    row = next(line for line in text.splitlines() if "50.0% (35%–65%)" in line)
    assert [cell.strip() for cell in row.split("│")[1:-1]] == [
        "1",
        "50.0% (35%–65%)",
        "37.5%",
        "25",
        "9",
        "34,567",
        "90",
    ]
    assert "ended because all rounds are done; 21 teacher requests, 1.25 USD, 4 min 07 s" in text
    assert "test before   0.0% (0.0% to 4.0%, n = 100)" in text
    assert "best round 1" in text
    assert "+45.0 points" in text


def test_the_model_card_says_what_it_is_and_how_sure():
    card = model_card(parse_config({"task": {"name": "leg_counting"}}), RESULT)
    assert card.startswith("---\nlibrary_name: transformers\n")
    assert "Test accuracy after, round 1: 45.0% (36.0% to 55.0%, n = 100)" in card
    assert "| 1 | 50.0% (35.0% to 65.0%, n = 40) | 37.5% | 9 | 12 |" in card


def test_the_model_card_names_the_data_of_ones_own():
    def metadata(**task) -> dict:
        return card_metadata(parse_config({"task": {"name": "custom", **task}}), RESULT)

    hub = metadata(path="hf://ann/pens@main", config="three")
    measured = {"type": "ann/pens", "name": "ann/pens", "config": "three", "split": "test"}
    assert hub["model-index"][0]["results"][0]["dataset"] == measured
    assert hub["datasets"] == ["ann/pens"]
    file = metadata(path="/home/ann/tickets.jsonl")
    assert file["model-index"][0]["results"][0]["dataset"] == {"type": "tickets", "name": "tickets", "split": "test"}
    assert file["model-index"][0]["name"] == "smollm2-135m taught tickets"
    assert "datasets" not in file


@pytest.mark.parametrize("prompt", ["plain", "chat"])
def test_the_model_card_says_what_stands_above_a_question(prompt):
    config = parse_config({"task": {"name": "leg_counting"}, "student": {"prompt": prompt}})
    assert ", below the system message in its tutelage.json" in model_card(config, RESULT, system=True)
    assert "system message" not in model_card(config, RESULT)


def test_bounds_add_up_and_name_the_caps():
    first = Usage(100, 5000, 6000, 0.5)
    bounds = [CostBound(0, Usage(50, 900, 50, 0.125), first), CostBound(1, Usage(), Usage(200, 7000, 8000, 1.25))]
    file = StringIO()
    print_bounds(bounds, BudgetConfig(usd=1.5, tokens=2_000_000), Console(file=file, width=120))
    total = next(line for line in file.getvalue().splitlines() if "all" in line)
    assert [cell.strip() for cell in total.split("│")[1:-1]] == [
        "all",
        "50 – 300",
        "900 – 12,000",
        "50 – 14,000",
        "0.12 – 1.75",
    ]
    assert "2,000,000 tokens, 1.5 usd" in file.getvalue()
