"""Where in a student right rationales lie nearer to one another than to its mistakes: what a triplet could work on.

    python -m benchmarks.ends --seen STUDENT runs/mine/round-02/examples.jsonl

STUDENT is the folder of the model that sat that round's exam, asked without examples (`student.prompt: plain`,
`few_shot: 0`); `--seen` may be given again, for other seeds. Prints
Markdown: of the anchors, the cosine to a positive (near) and to a mistake (far), and in how many pairs the positive is
nearer, with a 95 % Wilson interval. The paper's triplet looks at what the first line shows, the last layer's state of
the end token. `centred` takes the mean of all states off first, as one common direction makes all cosines large
(Ethayarajh 2019, arXiv 1909.00512).
"""

# ruff: noqa: N803, N806  (tensor names carry shape letters)

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from tutelage.config import StudentConfig
from tutelage.metrics.intervals import accuracy
from tutelage.records import TrainingExample
from tutelage.runs.files import read_rows
from tutelage.student.encoding import encode
from tutelage.student.model import LoadedModel, load_student
from tutelage.student.prompts import PromptFormat, question_of
from tutelage.student.training.reflection import Seen, Triplet

TOKENS = {"end token": -1, "token before it": -2, "two before it": -3}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seen", required=True, nargs=2, action="append", metavar=("STUDENT", "EXAMPLES"))
    # A anchor, positive, mistake   P pairs   L layers   T tokens and the mean   D width of the hidden state
    state_PALTD = torch.cat([_states(model, Path(examples)) for model, examples in parser.parse_args().seen])
    print(f"{len(state_PALTD)} pairs.\n")
    print("| layer | state | near | far | positive nearer | centred near | centred far |")
    print("|---|---|---|---|---|---|---|")
    for layer, depth in enumerate(("last", "half way")):
        for token, name in enumerate((*TOKENS, "mean over tokens")):
            print(f"| {depth} | {name} | {_figures(state_PALTD[:, :, layer, token])} |")


def _states(model: str, examples: Path) -> torch.Tensor:
    """PALTD: those of the rows that have a positive and a mistake."""
    student = load_student(StudentConfig(model=model))
    student.model.eval()
    rows = [row for row in read_rows(examples, TrainingExample) if row.positives and row.negatives]
    if not rows:
        raise SystemExit(f"{examples} is missing, or has no row with another right rationale and a mistake")
    return torch.stack([_states_of(student, row) for row in rows])


@torch.no_grad()
def _states_of(student: LoadedModel, example: TrainingExample) -> torch.Tensor:
    """ALTD: the states of the anchor, its first positive and its first mistake behind their prompt."""
    format, found = PromptFormat(student.tokenizer), list[torch.Tensor]()
    for rationale in (example.anchor, example.positives[0], example.negatives[0]):
        row = encode(format, question_of(example), rationale, max_tokens=1024)
        ids = torch.tensor([row.prompt + row.completion], device=student.model.device)
        layers = student.model(ids, output_hidden_states=True).hidden_states
        of_rationale = [layer[0, len(row.prompt) :].float() for layer in (layers[-1], layers[len(layers) // 2])]
        tokens = list(TOKENS.values())
        found.append(torch.stack([torch.cat([state[tokens], state.mean(0, keepdim=True)]) for state in of_rationale]))
    return torch.stack(found).cpu()


def _figures(state_PAD: torch.Tensor) -> str:
    near_P, far_P = _cosines(state_PAD)
    centred_near_P, centred_far_P = _cosines(state_PAD - state_PAD.mean((0, 1)))
    nearer = accuracy(int((near_P > far_P).sum()), len(near_P))
    cells = (
        f"{near_P.mean():.4f}",
        f"{far_P.mean():.4f}",
        f"{nearer.accuracy:.0%} ({nearer.low:.0%} to {nearer.high:.0%})",
        f"{centred_near_P.mean():.2f}",
        f"{centred_far_P.mean():.2f}",
    )
    return " | ".join(cells)


def _cosines(state_PAD: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    compared = Triplet(margin=1.0).compare(Seen(state_PAD))
    return compared.near_S, compared.far_S


if __name__ == "__main__":
    main()
