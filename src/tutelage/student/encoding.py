"""From texts to tokens.

A row is a prompt, a rationale and the end token. A row that is too long is cut at the end. It then has no end token, so
the student does not learn to stop in the middle, and self-reflection leaves it out.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import takewhile

from tutelage.student.prompts import PromptFormat

Tokens = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Encoded:
    """The tokens of a prompt and of the rationale after it."""

    prompt: Tokens
    completion: Tokens
    truncated: bool

    def __len__(self) -> int:
        return len(self.prompt) + len(self.completion)


def encode(format: PromptFormat, question: str, rationale: str, max_tokens: int) -> Encoded:
    """Prompt and rationale as tokens, at most `max_tokens` together.

    The completion is empty if no token of it fits, or if both together exceed the model's context.
    """
    return Encodings(format, max_tokens)[question, rationale]


class Encodings:
    """Rows as tokens, as `encode` makes them. Each text is tokenized once, and kept at four bytes a token.

    A hundred thousand rows are tokenized together in a quarter of the time that they take one by one.
    """

    def __init__(self, format: PromptFormat, max_tokens: int) -> None:
        self.format, self.max_tokens = format, max_tokens
        self._prompts: dict[str, array[int]] = {}
        self._completions: dict[str, array[int]] = {}

    def add(self, rows: Iterable[tuple[str, str]]) -> None:
        """Tokenize the questions and the rationales of these rows."""
        questions, rationales = dict[str, None](), dict[str, None]()
        for question, rationale in rows:
            questions[question] = rationales[rationale] = None
        _tokenize(questions, self._prompts, self.format.all_taught_prompt_ids)
        _tokenize(rationales, self._completions, self.format.all_completion_ids)

    def prompt(self, question: str) -> Tokens:
        """The tokens of a question's prompt."""
        if question not in self._prompts:
            _tokenize([question], self._prompts, self.format.all_taught_prompt_ids)
        return tuple(self._prompts[question])

    def __getitem__(self, row: tuple[str, str]) -> Encoded:
        """A question and a rationale as tokens."""
        question, rationale = row
        if question not in self._prompts or rationale not in self._completions:
            self.add([row])
        prompt, whole = self._prompts[question], self._completions[rationale]
        room = max(0, self.max_tokens - len(prompt))
        if self.format.positions is not None and len(prompt) + min(room, len(whole)) > self.format.positions:
            room = 0
        return Encoded(tuple(prompt), tuple(whole[:room]), truncated=room < len(whole))


_TOGETHER = 4096
"""Texts that are tokenized in one call."""


def _tokenize(
    texts: Iterable[str], known: dict[str, array[int]], ids: Callable[[Sequence[str]], Iterable[Sequence[int]]]
) -> None:
    new = [text for text in texts if text not in known]
    for start in range(0, len(new), _TOGETHER):
        some = new[start : start + _TOGETHER]
        known.update(zip(some, (array("i", tokens) for tokens in ids(some)), strict=True))


def shared_prefix(rows: Sequence[Tokens]) -> int:
    """Length of the common prefix of all rows, always shorter than each row; 0 for a single row."""
    if len(rows) < 2:
        return 0
    columns = takewhile(lambda column: len(set(column)) == 1, zip(*rows, strict=False))
    return min(sum(1 for _ in columns), min(map(len, rows)) - 1)
