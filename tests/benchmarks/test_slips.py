"""The table of slips: what counts as which, over the seeds of an arm."""

import sys

import pytest

from benchmarks import slips
from tutelage.records import Attempt, Verdict
from tutelage.runs.files import write_rows

RIGHT, WRONG = Verdict(True, "7", "7 is 7"), Verdict(False, "8", "8 is not 7")


def answer(text, verdict=WRONG):
    return Attempt("p", 0, text, verdict, "stop", 9)


@pytest.mark.parametrize(
    ("text", "verdict", "expected"),
    [
        ("3 + 4 = 7. The answer is 7.", RIGHT, []),
        ("3 + 4 = 8. The answer is 8.", WRONG, ["a wrong sum"]),
        ("9 - 2 = 8. The answer is 8.", WRONG, ["a wrong sum"]),
        ("2 × 4 = 9. 9 - 1 = 8. The answer is 8.", WRONG, ["a wrong product"]),
        ("2 × 4 = 9. 9 - 1 = 7. The answer is 7.", WRONG, ["a wrong sum", "a wrong product"]),
        ("3 + 4 = 3 + 3 + 1 = 7. The answer is 7.", RIGHT, ["a chain", "a chain, right"]),
        ("3 + 4 = 3 + 3 + 1 = 8. The answer is 8.", WRONG, ["a wrong sum", "a chain"]),
        ("It is eight. The answer is 8.", WRONG, ["none"]),
        ("4 + 4 = 8. The answer is 8.", WRONG, ["true, yet wrong"]),
    ],
)
def test_what_counts_as_what(text, verdict, expected):
    assert [name for name, slip in slips.SLIPS.items() if slip(answer(text, verdict))] == expected


def test_the_table_counts_all_seeds(tmp_path, monkeypatch, capsys):
    arm = tmp_path / "full"
    write_rows(arm / "seed-0" / "test-after.jsonl", [answer("3 + 4 = 8."), answer("4 + 4 = 8.")])
    write_rows(arm / "seed-1" / "test-after.jsonl", [answer("3 + 4 = 8."), answer("None.")])
    monkeypatch.setattr(sys, "argv", ["slips", str(arm)])
    slips.main()
    *_, row = capsys.readouterr().out.splitlines()
    cells = [cell.strip() for cell in row.split("|")[1:-1]]
    assert cells[:3] == ["full", "2", "4"]
    assert [cell.split()[0] for cell in cells[3:]] == ["50.0%", "0.0%", "25.0%", "25.0%", "0.0%", "0.0%"]


def test_a_folder_without_finished_runs_ends_in_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["slips", str(tmp_path)])
    with pytest.raises(SystemExit, match=r"has no seed-N/test-after\.jsonl"):
        slips.main()
