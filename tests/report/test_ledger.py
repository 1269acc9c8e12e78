from io import StringIO

from rich.console import Console

from tutelage.records import Usage
from tutelage.report.ledger import print_ledger, printable
from tutelage.teacher_records import FailureCount, Pace, Spending

SPENDING = [
    Spending("2026-03-01", "large", Usage(1, 1000, 500, 0.00016)),
    Spending("2026-03-01", "small", Usage(2, 20, 10, 0.5)),
    Spending("2026-03-02", "small", Usage(3, 30, 15, 1234.25)),
]


def printed(spending, failures=(), lost=None, paces=()) -> str:
    file = StringIO()
    print_ledger(spending, failures, lost or Usage(), Console(file=file, width=120), "runs/[bold]a", paces)
    return file.getvalue()


def cells(text: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.split("│")[1:-1]] for line in text.splitlines() if "│" in line]


def test_spending_has_a_total_of_each_model_and_of_all():
    text = printed(SPENDING)
    assert "runs/[bold]a" in text
    assert cells(text) == [
        ["2026-03-01", "large", "1", "1,000", "500", "0.0002"],
        ["2026-03-01", "small", "2", "20", "10", "0.5000"],
        ["2026-03-02", "small", "3", "30", "15", "1,234.2500"],
        ["all", "large", "1", "1,000", "500", "0.0002"],
        ["all", "small", "5", "50", "25", "1,234.7500"],
        ["all", "all", "6", "1,050", "525", "1,234.7502"],
    ]
    assert "No request is unanswered." in text


def test_one_model_has_one_total_and_none_has_zeros():
    assert cells(printed(SPENDING[1:]))[-2:] == [
        ["2026-03-02", "small", "3", "30", "15", "1,234.2500"],
        ["all", "all", "5", "50", "25", "1,234.7500"],
    ]
    assert cells(printed([])) == [["all", "all", "0", "0", "0", "0.0000"]]


def test_failures_and_what_was_perhaps_charged():
    text = printed([], [FailureCount("m", "wrong answer", 1200)], Usage(3, 1000, 234, 0.5))
    assert ["wrong answer", "m", "1,200"] in cells(text)
    assert "never answered, or still on the way: 3; perhaps charged, at most 1,234 tokens and 0.5000 USD" in text


def test_text_from_outside_neither_marks_up_nor_steers_the_terminal():
    text = printed([Spending("?", "[red]m\x1b[2J\n", Usage())], [FailureCount("\x9b2J[/]", "x", 1)])
    assert "[red]m\\x1b[2J\\n" in text
    assert "\\x9b2J[/]" in text
    assert "\x1b" not in text


def test_printable_keeps_what_can_be_read():
    assert printable("3 × 4 = 12, ½ – ‘日本’") == "3 × 4 = 12, ½ – ‘日本’"
    assert printable("\x1b\x00\u202e\ud83d'") == "\\x1b\\x00\\u202e\\ud83d'"


def test_how_fast_replies_came():
    text = printed(SPENDING, paces=[Pace("small", 1200, 1.234, 5.678, 310.04)])
    assert ["small", "1,200", "1.23", "5.68", "310.0"] in cells(text)
    assert "95 % s" in text
    assert "median s" not in printed(SPENDING)
