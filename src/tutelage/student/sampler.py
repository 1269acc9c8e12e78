"""The student answers: the Sampler protocol, and what every engine needs to know of an answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from transformers import PreTrainedTokenizerBase

from tutelage.config import AnswerLimit, EvaluationConfig, ExamConfig
from tutelage.records import Completion
from tutelage.student.encoding import Tokens

Advance = Callable[[int], None]
"""Told how many more problems are answered, or steps done, for a progress bar."""

Say = Callable[[str], None]
"""Told what a person should know, a line at a time."""

Deliver = Callable[[int, list[list[int]]], None]
"""Handed the tokens of all samples of a prompt, by its number, as soon as the last of them is written."""


@dataclass(frozen=True, slots=True)
class SamplingSettings:
    """How completions are drawn; temperature 0 is greedy decoding. `rows` are computed at once, if memory allows."""

    samples: int = 1
    temperature: float = 0.0
    max_new_tokens: int = 256
    rows: int = 256


UNTRAINED = 256
"""Tokens after which an answer is cut that no rationale has set a limit to."""


def exam_sampling(exam: ExamConfig) -> SamplingSettings:
    """How the attempts of an exam are drawn."""
    return SamplingSettings(exam.samples, exam.temperature, _limit(exam.max_new_tokens), exam.batch_size)


def greedy_sampling(evaluation: EvaluationConfig) -> SamplingSettings:
    """How an evaluation is answered."""
    return SamplingSettings(max_new_tokens=_limit(evaluation.max_new_tokens), rows=evaluation.batch_size)


def _limit(setting: AnswerLimit) -> int:
    return UNTRAINED if setting == "auto" else setting


@dataclass(frozen=True, slots=True)
class Sampled:
    """What a sampling cost: tokens computed, of prompts and answers, and places computed for padding."""

    computed_tokens: int
    padded_tokens: int


class Sampler(Protocol):
    """Writes completions for prompts: one of the four plug-in points."""

    def sample(
        self, prompts: Sequence[Tokens], seeds: Sequence[int], settings: SamplingSettings, deliver: Deliver
    ) -> Sampled:
        """Write `settings.samples` completions for every prompt and hand them over, prompt by prompt, in any order.

        Prompts and completions are token ids; a completion holds its end token where it came to one. `seeds` has one
        number a prompt: the same prompt, seed and settings give the same completions (in float32), whatever else is
        asked beside them.
        """
        ...


@dataclass(frozen=True, slots=True)
class StopCriteria:
    """When an answer is over: an end token, or a stop string in its text."""

    tokenizer: PreTrainedTokenizerBase
    tokens: frozenset[int]
    strings: tuple[str, ...] = ()

    def __call__(self, tokens: Sequence[int]) -> bool:
        """Whether the answer ends with its last token."""
        if tokens and tokens[-1] in self.tokens:
            return True
        if not self.strings:
            return False
        # The tail is enough, and each step stays cheap: a letter takes four tokens at most, one a byte.
        tail = self.tokenizer.decode(tokens[-4 * max(map(len, self.strings)) :])
        return any(string in tail for string in self.strings)

    def completion(self, tokens: Sequence[int]) -> Completion:
        """The answer as text, cut where a stop string begins."""
        text = self.tokenizer.decode(tokens, skip_special_tokens=True)
        cuts = [text.find(string) for string in self.strings if string in text]
        finish = "stop" if cuts or (tokens and tokens[-1] in self.tokens) else "length"
        return Completion(text[: min(cuts)] if cuts else text, finish, len(tokens))
