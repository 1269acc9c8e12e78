r"""A model's chat template: the prompt that it makes of messages, with thoughts or without, and how a turn ends.

Qwen3's, asked by "2 + 3?":

    off          <|im_start|>user\n2 + 3?<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n
    keep         <|im_start|>user\n2 + 3?<|im_end|>\n<|im_start|>assistant\n
    ends with    <|im_end|>

A template is an untrusted program: each question's shape is first rendered within bounds (template_bounds.py).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from jinja2 import TemplateError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from tutelage.config.sections import Thinking
from tutelage.errors import StudentError
from tutelage.student.template_bounds import MOST_BYTES, MOST_CHARACTERS, MOST_SECONDS, exceeds_bounds, without_marks
from tutelage.text.thoughts import empty_thought, ended, opened, speaks_of_thoughts

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Message = dict[str, str]

REMEDY = "set student.prompt to 'plain', or mend the template"
SWITCHES = ("enable_thinking", "thinking")
"""Names by which templates are told whether the model shall think: that of Qwen3 and most, that of Granite."""
DAY = datetime(2024, 7, 26, tzinfo=UTC)
"""What a template that writes the date of today is told, as prompts must not change from day to day; Llama 3.2 writes
this one where it knows none."""
_TODAY = re.compile(r"""\bstrftime_now\(\s*(["'])(.*?)\1\s*\)""")
_ANY = "Tom has 3 boxes of 4 pens. How many pens does he have?"
_ANSWER = "3 × 4 = 12."
_WITHOUT_SYSTEM = "<｜User｜>"
"""A role of DeepSeek-R1 and its distilled models, whose cards ask for all instructions in the user's turn."""


@dataclass(frozen=True)
class ChatTemplate:
    """The chat template of a tokenizer that has one. With `thinking` "keep" the model may think before it answers."""

    tokenizer: PreTrainedTokenizerBase
    thinking: Thinking = "off"

    def prompt(self, messages: list[Message], *, taught: bool = False) -> str:
        """The prompt of these messages; `taught` is that of a rationale, behind which no thought is to come.

        Raises StudentError if the template fails or exceeds its limits.
        """
        if messages[0]["role"] == "system" and not self._takes_system:
            system, first, *rest = messages
            messages = [{**first, "content": f"{system['content']}\n\n{first['content']}"}, *rest]
        if self.thinking == "keep" and not taught:
            return self._rendered(messages, thinking=True)
        return self._closed(self._rendered(messages, thinking=False))

    def _closed(self, prompt: str) -> str:
        """A prompt behind which no thought comes: what it, or the model by itself, would begin of one is ended."""
        if begun := opened(prompt):
            return prompt.removesuffix(begun) + ended(begun)
        if self._thinks_unasked and not empty_thought(prompt):
            return prompt + ended("<think>")
        return prompt

    @property
    def thinks(self) -> bool:
        """Whether the template is that of a model which thinks before it answers, or may be told to."""
        return bool(self.switches or speaks_of_thoughts(self._source) or self.opening)

    @cached_property
    def opening(self) -> str:
        """What the prompt of a student that may think begins of its thought; empty if that begins with the answer."""
        return opened(self._rendered([_user(_ANY)], thinking=True))

    @cached_property
    def _thinks_unasked(self) -> bool:
        """Whether the model begins its thoughts by itself, and nothing tells the template that it shall not (R1)."""
        return _WITHOUT_SYSTEM in self._source and speaks_of_thoughts(self._source) and not self.switches

    @cached_property
    def silent(self) -> str:
        """The thought of no words that stands before a rationale; empty if there is none."""
        return empty_thought(self.prompt([_user(_ANY)], taught=True))

    @cached_property
    def switches(self) -> tuple[str, ...]:
        """The names by which this template is told whether the model shall think."""
        try:
            parsed = ImmutableSandboxedEnvironment(extensions=["jinja2.ext.loopcontrols"]).parse(
                without_marks(self._source)
            )
            names = [*parsed.find_all(nodes.Name)]  # not by jinja2.meta: that compiles, and so computes constants
            set_here = {name.name for name in names if name.ctx == "store"} - {SWITCHES[0]}  # that by its default
            return tuple(sorted({name.name for name in names}.intersection(SWITCHES) - set_here))
        except (TemplateError, RecursionError):  # told where it is rendered
            return ()

    @cached_property
    def end(self) -> int | None:
        """The token that ends the model's turns; None if the template writes none."""
        try:
            turn = self._rendered([_user(_ANY), {"role": "assistant", "content": _ANSWER}], asked=False)
        except StudentError:  # it takes questions alone
            return None
        _, found, behind = turn.rpartition(_ANSWER)
        tokenizer: Any = self.tokenizer
        added = {*tokenizer.get_added_vocab().values(), *tokenizer.all_special_ids}
        for token in tokenizer(behind, add_special_tokens=False).input_ids if found else ():
            if token in added:
                return int(token)
            if str(tokenizer.decode([token])).strip():
                return None
        return None

    @property
    def marks_turns(self) -> bool:
        """Whether turns are marked by tokens made for it, such as <|im_start|>, and not by words alone."""
        tokenizer: Any = self.tokenizer
        ids = tokenizer(self._rendered([_user(_ANY)]), add_special_tokens=False).input_ids
        added = {*tokenizer.get_added_vocab().values(), *tokenizer.all_special_ids}
        first = 1 if ids[:1] == [tokenizer.bos_token_id] and tokenizer.bos_token_id not in ids[1:] else 0
        return any(token in added for token in ids[first:])

    @cached_property
    def _takes_system(self) -> bool:
        """Whether the model reads a system message; some templates refuse it, or leave it out."""
        if _WITHOUT_SYSTEM in self._source and speaks_of_thoughts(self._source):
            return False
        try:
            return _ANY in self._rendered([{"role": "system", "content": _ANY}, _user("2 + 3?")])
        except StudentError:
            return False

    @cached_property
    def _source(self) -> str:
        """The template, with DAY for the date of today."""
        return _TODAY.sub(
            lambda call: f"{call[1]}{DAY.strftime(call[2])}{call[1]}", str(self.tokenizer.get_chat_template())
        )

    def _rendered(self, messages: list[Message], *, thinking: bool = False, asked: bool = True) -> str:
        told: dict[str, Any] = dict.fromkeys(self.switches, thinking)
        try:
            self._refuse_endless(messages, {**told, "add_generation_prompt": asked})
            text = str(
                self.tokenizer.apply_chat_template(
                    messages, chat_template=self._source, tokenize=False, add_generation_prompt=asked, **told
                )
            )
            text.encode()  # fails for half a surrogate pair, which has no tokens
            return text
        except StudentError:
            raise
        except Exception as error:  # a template is a program and may fail in any way
            reason = " ".join(str(error).split()) or type(error).__name__
            raise StudentError(f"the student's chat template fails: {reason}; {REMEDY}") from error

    def _refuse_endless(self, messages: list[Message], told: Mapping[str, bool]) -> None:
        if exceeds_bounds(
            self._source,
            [{**message, "content": _ANY} for message in messages],
            {**self.tokenizer.special_tokens_map, **told},
        ):
            raise StudentError(
                f"the student's chat template writes more than {MOST_CHARACTERS:,} characters, or takes more than"
                f" {MOST_SECONDS} s or {MOST_BYTES:,} bytes for a prompt; {REMEDY}"
            )


def _user(text: str) -> Message:
    return {"role": "user", "content": text}
