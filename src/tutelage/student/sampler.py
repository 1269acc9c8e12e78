"""Sampling of the student's answers (rollouts): the Sampler protocol, its settings, and the stop criteria."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from tutelage.config import AnswerLimit, EvaluationConfig, ExamConfig
from tutelage.records import Completion
from tutelage.student.encoding import Tokens
from tutelage.text.thoughts import apart

Say = Callable[[str], None]
"""Called with a one-line message for the user."""

Deliver = Callable[[int, list[list[int]]], None]
"""Called with a prompt's number and the tokens of all its samples, as soon as all are complete."""


@dataclass(frozen=True, slots=True)
class SamplingSettings:
    """How completions are drawn; temperature 0 is greedy decoding. At most `rows` are computed at once."""

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
    """The work of a sampling: computed tokens of prompts and answers, and computed padding."""

    computed_tokens: int
    padded_tokens: int


class Sampler(Protocol):
    """Writes completions for prompts: one of the four plug-in points."""

    def sample(
        self, prompts: Sequence[Tokens], seeds: Sequence[int], settings: SamplingSettings, deliver: Deliver
    ) -> Sampled:
        """Write `settings.samples` completions for every prompt and hand them over, prompt by prompt, in any order.

        Prompts and completions are token ids; a finished completion includes its end token. `seeds` has one number per
        prompt: the same prompt, seed and settings give the same completions (in float32), whatever else is in the
        batch.
        """
        ...


class SamplerFactory(Protocol):
    """Makes a Sampler for a model: the class of one, or a function with a key. What `engine=` takes."""

    @property
    def key(self) -> str:
        """Stands for how it samples, such as "my-engine 2": a run goes on under the same one alone (contracts.py)."""
        ...

    def __call__(self, model: PreTrainedModel, ends: StopCriteria) -> Sampler:
        """A sampler of this model; `ends` tells whether an answer's tokens are complete."""
        ...


@dataclass(frozen=True, slots=True)
class StopCriteria:
    """When an answer is complete: at an end token, or at a stop string in its text.

    `opening` is what prompts begin of a thought that the answer goes on with; None: the student does not think.
    """

    tokenizer: PreTrainedTokenizerBase
    tokens: frozenset[int]
    strings: tuple[str, ...] = ()
    opening: str | None = None

    def __call__(self, tokens: Sequence[int]) -> bool:
        """Whether the answer ends with its last token."""
        if tokens and tokens[-1] in self.tokens:
            return True
        if not self.strings:
            return False
        # Only the tail is decoded, so a step stays cheap: a letter takes at most four tokens, one per byte.
        tail = self.tokenizer.decode(list(tokens[-4 * max(map(len, self.strings)) :]))
        return any(string in tail for string in self.strings)

    def completion(self, tokens: Sequence[int], after: Sequence[int] = ()) -> Completion:
        """The answer as text, cut where a stop string begins, and the thoughts before it.

        `after` are the tokens of the prefix that it goes on from: some decoders drop the space at a text's beginning.
        """
        text, thoughts = self._text([*after, *tokens])[len(self._text(after)) :], ""
        if self.opening is not None:
            thoughts, text = self._apart(tokens, text)
        cuts = [text.find(string) for string in self.strings if string in text]
        finish = "stop" if cuts or (tokens and tokens[-1] in self.tokens) else "length"
        return Completion(text[: min(cuts)] if cuts else text, finish, len(tokens), thoughts)

    def _text(self, tokens: Sequence[int]) -> str:
        return str(self.tokenizer.decode(list(tokens), skip_special_tokens=True))

    def _apart(self, tokens: Sequence[int], text: str) -> tuple[str, str]:
        """The thoughts and the answer; marks may be special tokens, which `text` does not have."""
        written = [token for token in tokens if token not in self.tokens]
        thoughts, answer = apart(f"{self.opening}{self.tokenizer.decode(written)}")
        if not thoughts:
            return "", text
        for special in self.tokenizer.all_special_tokens:
            answer = answer.replace(special, "")
        return thoughts, answer
