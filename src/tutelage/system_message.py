"""A question below a system message, as one text that knows its parts."""

from __future__ import annotations

from collections.abc import Iterable


class WithSystem(str):
    """A question below its system message, as one text; a student with a chat template is given them apart."""

    system: str

    @classmethod
    def below(cls, system: str, question: str) -> WithSystem:
        """The question below this system message."""
        text = cls(f"{system}\n\n{question}")
        text.system = system
        return text

    @property
    def question(self) -> str:
        """The question alone."""
        return self[len(self.system) + 2 :]


def one_above(messages: Iterable[str | None]) -> str | None:
    """The system message above all questions, by that of each; None if some have none, or others."""
    found = {*messages}
    return found.pop() if len(found) == 1 else None
