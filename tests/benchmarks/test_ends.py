"""The look inside a student: which state stands in which line, and that its figures are cosines of those states."""

import re
import sys

import pytest
import torch

from benchmarks import ends
from tests.student.tiny import tiny_folder
from tutelage.config import StudentConfig
from tutelage.records import Choice, Problem, TrainingExample
from tutelage.runs.files import write_rows
from tutelage.student.encoding import encode
from tutelage.student.model import load_student
from tutelage.student.prompts import PromptFormat

PROBLEM = Problem("p-1", "How much is 2 + 3?", "5", (Choice("A", "5"), Choice("B", "6")))
ANCHOR, RIGHT, WRONG = "2 + 3 = 5. The answer is 5.", "3 + 2 = 5. The answer is 5.", "2 + 3 = 6. The answer is 6."
ALIKE, BARE = TrainingExample(PROBLEM, ANCHOR, (ANCHOR,), (WRONG,)), TrainingExample(PROBLEM, ANCHOR)
PAIR = TrainingExample(PROBLEM, ANCHOR, (RIGHT,), (WRONG,))


def printed(rows, tmp_path, monkeypatch, capsys, times=1):
    """(how many pairs, (layer, state) → its cells) of what is printed for these rows."""
    model = tiny_folder(tmp_path / "student")
    write_rows(tmp_path / "examples.jsonl", rows)
    seen = ["--seen", str(model), str(tmp_path / "examples.jsonl")] * times
    monkeypatch.setattr(sys, "argv", ["ends", *seen])
    ends.main()
    first, *lines = capsys.readouterr().out.splitlines()
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if line.startswith("|")][2:]
    return int(first.split()[0]), {(layer, state): rest for layer, state, *rest in cells}


def test_a_positive_like_the_anchor_is_nearest_everywhere(tmp_path, monkeypatch, capsys):
    pairs, lines = printed([ALIKE, BARE], tmp_path, monkeypatch, capsys)
    assert pairs == 1
    assert len(lines) == 8
    assert all((near, far < near) == ("1.0000", True) for near, far, *_ in lines.values())
    assert all(nearer.startswith("100%") for _, _, nearer, *_ in lines.values())


@torch.no_grad()
def test_each_line_shows_the_cosines_of_its_own_state(tmp_path, monkeypatch, capsys):
    _, lines = printed([PAIR], tmp_path, monkeypatch, capsys)
    student = load_student(StudentConfig(model=str(tmp_path / "student")))
    states = []
    for rationale in (ANCHOR, RIGHT, WRONG):
        row = encode(PromptFormat(student.tokenizer), PROBLEM.text, rationale, max_tokens=1024)
        hidden = student.model(torch.tensor([row.prompt + row.completion]), output_hidden_states=True).hidden_states
        rest = {"last": hidden[2], "half way": hidden[1]}
        states.append({layer: state[0, len(row.prompt) :].float() for layer, state in rest.items()})
    loss_positions = {"end token": -1, "token before it": -2, "two before it": -3}
    for (layer, state), (near, far, *_) in lines.items():
        anchor, right, wrong = (
            each[layer][loss_positions[state]] if state in loss_positions else each[layer].mean(0) for each in states
        )
        for shown, other in ((near, right), (far, wrong)):
            assert float(shown) == pytest.approx(torch.cosine_similarity(anchor, other, 0).item(), abs=6e-5)


def test_pairs_of_several_students_count_together(tmp_path, monkeypatch, capsys):
    pairs, lines = printed([ALIKE], tmp_path, monkeypatch, capsys, times=3)
    assert pairs == 3
    assert re.fullmatch(r"100% \(4\d% to 100%\)", lines["last", "end token"][2])  # Wilson's interval of 3 in 3


def test_where_there_is_nothing_to_compare_it_says_so(tmp_path, monkeypatch, capsys):
    with pytest.raises(SystemExit, match=r"examples\.jsonl is missing, or has no row"):
        printed([BARE], tmp_path, monkeypatch, capsys)
