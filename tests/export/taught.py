"""A tiny student that answers as it was taught, by heart: right, wrong, without an end, in a chat or in plain text."""

import json
from collections.abc import Mapping
from pathlib import Path

import torch

from tests.export.made import made_run
from tests.student.tiny import tiny_student
from tutelage.runs.files import write_json
from tutelage.student.encoding import Tokens
from tutelage.student.model import LoadedModel, save_student
from tutelage.student.prompts import PromptFormat

SAID = {
    "What is 1 + 1?": " The answer is 2.</s>",
    "What is 1 + 2?": " 1 + 2 = 3.\nThe answer is 3.</s>",
    "What is 2 + 2?": " The answer is 5.</s>",
    "What is 2 + 3?": " The answer is 5.\nQuestion: What is 9 + 9?\nAnswer: The answer is 18.</s>",
    "What is 3 + 3?": " I say nothing.</s>",
}
"""Questions, and what the student says to them: three of five are right."""
LIMIT = 60


def by_heart(
    folder: Path, prompt: str, said: Mapping[str, str] = SAID, examples=(), student: LoadedModel | None = None
) -> Path:
    """Teach a tiny student these answers, and save it as a run does."""
    student = student or tiny_student(width=64)
    end = str(student.tokenizer.eos_token)
    format = PromptFormat(student.tokenizer, examples, prompt == "chat")
    rows: list[tuple[Tokens, Tokens]] = []
    for question, answer in said.items():
        words = (answer.strip() if prompt == "chat" else answer).replace("</s>", end)
        ids = student.tokenizer(words, add_special_tokens=False).input_ids
        rows.append((tuple(format.prompt_ids(format.prompt(question))), tuple(ids)))
    width = max(len(asked) + len(learnt) for asked, learnt in rows)
    ids = torch.tensor([[*asked, *learnt] + [0] * (width - len(asked) - len(learnt)) for asked, learnt in rows])
    labels = torch.full_like(ids, -100)
    for row, (asked, learnt) in enumerate(rows):
        labels[row, len(asked) : len(asked) + len(learnt)] = torch.tensor(learnt)
    optimizer = torch.optim.AdamW(student.model.parameters(), lr=5e-3)
    student.model.train()
    for _ in range(400):
        loss = student.model(input_ids=ids, labels=labels).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        if float(loss.detach()) < 0.003:
            break
    student.model.eval()
    save_student(student, folder)
    shots = [{"question": each.question, "rationale": each.rationale} for each in examples]
    write_json(folder / "tutelage.json", {"prompt": prompt, "examples": shots})
    return folder


def taught_run(root: Path, prompt: str = "plain", examples=(), student: LoadedModel | None = None) -> Path:
    """A run with a student that knows its five test problems by heart, as SAID has them."""
    data = root.parent / "data"
    data.mkdir(exist_ok=True)
    sums = [{"question": question, "answer": str(eval(question[8:-1]))} for question in SAID]
    other = [{"question": f"What is {n} + 10?", "answer": str(n + 10)} for n in range(8)]
    shots = [
        {"question": each.question, "answer": "8", "rationale": each.rationale.partition("\n")[0]} for each in examples
    ]
    for name, rows in {"train": other, "test": sums, "examples": shots}.items():
        if rows:
            (data / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    made_run(root, task={"name": "custom", "path": str(data)})
    by_heart(root / "student", prompt, examples=examples, student=student)
    write_json(root / "stages.json", {"test-after": {"key": "k", "done": True, "max_new_tokens": LIMIT}})
    return root
