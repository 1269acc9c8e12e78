"""The student answers: many prompts in, completions out, in length-sorted batches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from tutelage.records import Completion
from tutelage.student.decoding import SamplingSettings, decode
from tutelage.student.model import Student
from tutelage.student.prompts import PromptFormat

Advance = Callable[[int], None]
"""Told how many more prompts are answered, or steps done, for a progress bar."""


class Sampler(Protocol):
    """Writes completions for prompts: one of the three plug-in points."""

    def sample(
        self, prompts: Sequence[str], seeds: Sequence[int], settings: SamplingSettings, advance: Advance
    ) -> list[list[Completion]]:
        """`settings.samples` completions for every prompt, in its order.

        `seeds` has one number a prompt: the same prompt, seed and settings give the same completions (in float32),
        whatever else is asked beside them.
        """
        ...


class TorchSampler:
    """Decodes with the student's own model, on CPU or GPU."""

    def __init__(self, student: Student, format: PromptFormat) -> None:
        self.student, self.format = student, format

    def sample(
        self, prompts: Sequence[str], seeds: Sequence[int], settings: SamplingSettings, advance: Advance
    ) -> list[list[Completion]]:
        """See Sampler."""
        ids = [self.format.prompt_ids(prompt) for prompt in prompts]
        order = sorted(range(len(ids)), key=lambda i: len(ids[i]), reverse=True)
        width = max(1, settings.batch_size // settings.samples)
        answers: dict[int, list[Completion]] = {}
        self.student.model.eval()
        for start in range(0, len(order), width):
            batch = order[start : start + width]
            completions = self._batch([ids[i] for i in batch], [seeds[i] for i in batch], settings)
            for n, i in enumerate(batch):
                answers[i] = completions[n * settings.samples : (n + 1) * settings.samples]
            advance(len(batch))
        return [answers[i] for i in range(len(ids))]

    def _batch(self, ids: list[list[int]], seeds: list[int], settings: SamplingSettings) -> list[Completion]:
        end_tokens = self.student.end_tokens
        rows = decode(
            self.student.model,
            ids,
            seeds,
            settings,
            end_tokens,
            self._holds_stop_string,
        )
        return [self._completion(tokens, end_tokens) for tokens in rows]

    def _holds_stop_string(self, tokens: list[int]) -> bool:
        # A stop string is a few tokens long, so the tail is enough and each step stays cheap.
        stops = self.format.stop_strings
        if not stops:
            return False
        tail = self.student.tokenizer.decode(tokens[-2 * max(map(len, stops)) :])
        return any(stop in tail for stop in stops)

    def _completion(self, tokens: list[int], end_tokens: frozenset[int]) -> Completion:
        text = self.student.tokenizer.decode(tokens, skip_special_tokens=True)
        cuts = [text.find(stop) for stop in self.format.stop_strings if stop in text]
        ended = bool(cuts) or (bool(tokens) and tokens[-1] in end_tokens)
        return Completion(text[: min(cuts)] if cuts else text, "stop" if ended else "length", len(tokens))
