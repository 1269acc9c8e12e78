"""The student's prompts: plain few-shot text, or the model's chat template.

Plain, with one worked example:

    Question: A box holds 6 eggs. How many eggs do 3 boxes hold?
    Answer: 3 boxes hold 3 × 6 = 18 eggs.
    The answer is 18.

    Question: Tom has 3 boxes of 4 pens. How many pens does he have?
    Answer:

The student learns to continue with a space, a rationale and the end token. To learn to correct a mistake, it gets the
question of `correction`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from tutelage.config.sections import Thinking
from tutelage.errors import StudentError
from tutelage.records import TrainingExample, WorkedExample
from tutelage.student.chat_template import REMEDY, ChatTemplate
from tutelage.system_message import WithSystem
from tutelage.text.in_common import in_common

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def question_of(example: TrainingExample) -> str:
    """The question of a training row: the problem, or the request to correct a mistake on it."""
    text = example.problem.text
    return text if example.corrects is None else correction(text, example.corrects)


def correction(question: str, mistake: str) -> str:
    """A question, a wrong answer to it, and the request to correct the answer."""
    text = f"{question}\n\nThis answer is wrong:\n{mistake.strip()}\n\nFind what is wrong in it, and put it right."
    return (
        WithSystem.below(question.system, text[len(question.system) + 2 :])
        if isinstance(question, WithSystem)
        else text
    )


def plain_prompt(examples: Sequence[WorkedExample], question: str) -> str:
    """The plain prompt for a question, behind worked examples; a system message stands at its top."""
    system, question = apart(question)
    shots = [f"Question: {example.question}\nAnswer: {example.rationale}\n\n" for example in examples]
    top = f"{system}\n\n" if system else ""
    return top + "".join(shots) + f"Question: {question}\nAnswer:"


def chat_messages(examples: Sequence[WorkedExample], question: str) -> list[dict[str, str]]:
    """The messages of a chat that ask a question, behind worked examples; the system message, if any, is the first."""
    system, question = apart(question)
    messages = [{"role": "system", "content": system}] if system else []
    for example in examples:
        messages += [
            {"role": "user", "content": example.question},
            {"role": "assistant", "content": example.rationale},
        ]
    return [*messages, {"role": "user", "content": question}]


def apart(question: str) -> tuple[str | None, str]:
    """The system message above a question, if it has one, and the question."""
    return (question.system, question.question) if isinstance(question, WithSystem) else (None, question)


LEAD = " "
"""What stands between a plain prompt and the rationale that the student learns to write."""
PLAIN_STOPS = ("\nQuestion:",)
"""Strings that end an answer to a plain prompt: the student has started another question."""


@dataclass(frozen=True)
class PromptFormat:
    """Turns questions into prompts and rationales into completions, for one tokenizer.

    `positions` is the context length of the model in tokens; None: no limit. `thinking` says whether a student that
    thinks before it answers may do so; a chat template is told.
    """

    tokenizer: PreTrainedTokenizerBase
    examples: Sequence[WorkedExample] = ()
    chat: bool = False
    positions: int | None = None
    thinking: Thinking = "off"

    def __post_init__(self) -> None:
        if self.chat and not self.tokenizer.chat_template:
            raise StudentError("student.prompt is 'chat', but this model has no chat template; set it to 'plain'")
        if self.tokenizer.eos_token_id is None:
            raise StudentError("the student's tokenizer has no end token, so its answers could never end")

    @cached_property
    def template(self) -> ChatTemplate | None:
        """The chat template that asks; None for plain prompts."""
        return ChatTemplate(self.tokenizer, self.thinking) if self.chat else None

    def check(self) -> None:
        """Refuse a template that fails, exceeds its limits or omits the question, and a tokenizer that ends prompts.

        Raises StudentError.
        """
        one, other = self.prompt("How many pens do 3 boxes of 4 hold?"), self.prompt("What is 2 + 3?")
        if one == other:
            raise StudentError(f"the student's chat template leaves the question out; {REMEDY}")
        ids = self.prompt_ids(one)
        if not ids:
            raise StudentError(
                "the student's tokenizer finds no token in a prompt; take the one that belongs to the model"
            )
        if not self.chat and ids[-1] == self.tokenizer.eos_token_id:
            raise StudentError(
                "the student's tokenizer appends its end token, so every prompt would end before the answer; set"
                " add_eos_token to false in its tokenizer_config.json, or mend tokenizer.json's post_processor"
            )

    @property
    def stop_strings(self) -> tuple[str, ...]:
        """Strings that end an answer without an end token."""
        return () if self.chat else PLAIN_STOPS

    @cached_property
    def end(self) -> int:
        """The token that a rationale is taught to end with: that of the template's turns, else the tokenizer's."""
        of_turns = self.template.end if self.template else None
        return int(self.tokenizer.eos_token_id) if of_turns is None else of_turns  # pyright: ignore[reportArgumentType]

    @property
    def opening(self) -> str | None:
        """What prompts begin of a thought that the student goes on with; empty: nothing; None: it does not think."""
        if self.template is None or not self.template.thinks:
            return None
        return self.template.opening if self.thinking == "keep" else ""

    @cached_property
    def silent(self) -> int:
        """Tokens at the end of a taught prompt that stand between think marks: they are not learnt."""
        if self.template is None or not self.template.silent:
            return 0
        prompt = self.taught_prompt("What is 2 + 3?")
        whole, before = map(self.prompt_ids, (prompt, prompt.removesuffix(self.template.silent)))
        return len(whole) - in_common(whole, before)

    def prompt(self, question: str) -> str:
        """The text of the prompt for `question`; a system message stands at its top."""
        if self.template is None:
            return plain_prompt(self.examples, question)
        return self.template.prompt(chat_messages(self.examples, question))

    def taught_prompt(self, question: str) -> str:
        """The prompt that a rationale stands behind in training: that of an answer without a thought."""
        if self.template is None or self.thinking == "off":
            return self.prompt(question)
        return self.template.prompt(chat_messages(self.examples, question), taught=True)

    def refuse_too_long(self, prompt: int, answer: int) -> None:
        """Refuse `prompt` + `answer` tokens that exceed the model's context. Raises StudentError."""
        if self.positions is not None and prompt + answer > self.positions:
            raise StudentError(
                f"a prompt of {prompt} tokens and an answer of {answer} exceed the student's context of"
                f" {self.positions} tokens; lower max_new_tokens or student.few_shot, leave long questions out, or take"
                " another student"
            )

    def room_for_answers(self, questions: Sequence[str], prefixes: Sequence[str] = ()) -> int | None:
        """Tokens that are left for an answer to the longest of these questions, behind its prefix; None: no limit."""
        if self.positions is None:
            return None
        begun = self.all_begun_ids(questions, prefixes)
        return self.positions - max((len(question) + len(beginning) for question, beginning in begun), default=0)

    def prompt_ids(self, prompt: str) -> list[int]:
        """Tokens of a prompt; a chat template has already added its special tokens."""
        return self._tokens([prompt], special=not self.chat)[0]

    def completion_ids(self, rationale: str) -> list[int]:
        """Tokens of a rationale as the student should write it, with the end token."""
        return self.all_completion_ids([rationale])[0]

    def all_prompt_ids(self, questions: Sequence[str]) -> list[list[int]]:
        """Tokens of the prompts for many questions, in one call: four times as fast as one by one."""
        return self._tokens([self.prompt(question) for question in questions], special=not self.chat)

    def all_taught_prompt_ids(self, questions: Sequence[str]) -> list[list[int]]:
        """Tokens of the prompts that rationales stand behind in training."""
        return self._tokens([self.taught_prompt(question) for question in questions], special=not self.chat)

    def all_completion_ids(self, rationales: Sequence[str]) -> list[list[int]]:
        """`completion_ids` of many rationales, in one call."""
        lead = "" if self.chat else LEAD
        written = self._tokens([lead + rationale.strip() for rationale in rationales], special=False)
        return [[*ids, self.end] for ids in written]

    def all_beginning_ids(self, beginnings: Sequence[str]) -> list[list[int]]:
        """Tokens of the beginnings of rationales, as in `completion_ids`, without the end token."""
        return [ids[:-1] for ids in self.all_completion_ids(beginnings)]

    def all_begun_ids(self, questions: Sequence[str], prefixes: Sequence[str]) -> list[tuple[list[int], list[int]]]:
        """Tokens of the prompts for many questions, each with those of its answer's prefix: none without `prefixes`."""
        asked = self.all_prompt_ids(questions)
        begun = self.all_beginning_ids(prefixes) if prefixes else [[] for _ in asked]
        return list(zip(asked, begun, strict=True))

    def _tokens(self, texts: list[str], *, special: bool) -> list[list[int]]:
        if not texts:
            return []
        found = self.tokenizer(texts, add_special_tokens=special, return_attention_mask=False)
        return [list(ids) for ids in found.input_ids]
