"""How the student is asked: plain few-shot text, or the model's own chat template.

Plain, with one worked example:

    Question: A box holds 6 eggs. How many eggs do 3 boxes hold?
    Answer: 3 boxes hold 3 × 6 = 18 eggs.
    The answer is 18.

    Question: Tom has 3 boxes of 4 pens. How many pens does he have?
    Answer:

The student learns to go on with a space, a rationale and its end token. Where it learns to correct a mistake, the
question is `correction`'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tutelage.errors import StudentError
from tutelage.records import TrainingExample, WorkedExample

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def question_of(example: TrainingExample) -> str:
    """What a training row asks: the problem, or to correct a mistake made on it."""
    text = example.problem.text
    return text if example.corrects is None else correction(text, example.corrects)


def correction(question: str, mistake: str) -> str:
    """A question, below it a wrong answer to it, and the request to put that right."""
    return f"{question}\n\nThis answer is wrong:\n{mistake.strip()}\n\nFind what is wrong in it, and put it right."


@dataclass(frozen=True)
class PromptFormat:
    """Turns questions into prompts and rationales into completions, for one tokenizer."""

    tokenizer: PreTrainedTokenizerBase
    examples: Sequence[WorkedExample] = ()
    chat: bool = False

    def __post_init__(self) -> None:
        if self.chat and not self.tokenizer.chat_template:
            raise StudentError("student.prompt is 'chat', but this model has no chat template; set it to 'plain'")
        if self.tokenizer.eos_token_id is None:
            raise StudentError("the student's tokenizer has no end token, so its answers could never end")

    @property
    def stop_strings(self) -> tuple[str, ...]:
        """Where an answer ends even without an end token: the student has begun a next question."""
        return () if self.chat else ("\nQuestion:",)

    def prompt(self, question: str) -> str:
        """The text that stands before the student's answer to `question`."""
        if not self.chat:
            shots = [f"Question: {example.question}\nAnswer: {example.rationale}\n\n" for example in self.examples]
            return "".join(shots) + f"Question: {question}\nAnswer:"
        messages: list[dict[str, str]] = []
        for example in self.examples:
            messages += [
                {"role": "user", "content": example.question},
                {"role": "assistant", "content": example.rationale},
            ]
        messages.append({"role": "user", "content": question})
        return str(self.tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True))

    def prompt_ids(self, prompt: str) -> list[int]:
        """Tokens of a prompt; a chat template has written its special tokens already."""
        return list(self.tokenizer(prompt, add_special_tokens=not self.chat).input_ids)

    def completion_ids(self, rationale: str) -> list[int]:
        """Tokens of a rationale as the student should write it, the end token last."""
        text = rationale.strip() if self.chat else f" {rationale.strip()}"
        ids = list(self.tokenizer(text, add_special_tokens=False).input_ids)
        return [*ids, int(self.tokenizer.eos_token_id)]  # pyright: ignore[reportArgumentType]
