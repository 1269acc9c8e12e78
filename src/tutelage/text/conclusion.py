"""Where a text states its final answer, and the same text without that. Pure.

"Each box holds 4, so 3 × 4 = 12.\\n**Final answer:** 12"  ->  "Each box holds 4, so 3 × 4 = 12."
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tutelage.records import state_answer

_STATED = re.compile(
    r"""(?:\banswer\s*(?:is|are|was|:|=)|\\boxed\{|\#\#\#\#)
    \s*[:(*]*\s*(?P<value>[^\n]*?)
    (?=[).*}$\\]*\s*(?:\n|$|[.](?:\s|$)))""",
    re.IGNORECASE | re.VERBOSE,
)
_CLOSING = re.compile(
    r"""(?:^|(?<=\n)|(?<=[.!?]\s)|(?<=[.!?]))[ \t]*
    (?:(?:so|thus|hence|therefore|finally|in\ conclusion|this\ means)\b,?\s*(?:that\s+)?)?
    (?:
        (?:the\s+|our\s+|my\s+)?(?:final\s+|correct\s+|right\s+)?answer\b(?:\s+(?:to|for)\s+(?:the|this)\s+\w+)?
        \s*(?:is|:|=)(?:(?![.!?]\s+\S)[^\n])*?
      | \#{4}[^\n]*?
      | [$\\(\[\s]*\\boxed\{[^{}\n]*\}[$\\)\]\s]*
    )
    [ \t]*$""",
    re.IGNORECASE | re.VERBOSE,
)
_MAX_TEXT = 20_000


def stated_answers(text: str) -> Iterator[re.Match[str]]:
    """Each statement of an answer in the text; the group `value` is what it states."""
    return _STATED.finditer(text[:_MAX_TEXT])


def without_statement(text: str) -> str:
    """The steps alone: a closing `The answer is 12.`, `#### 12` or `\\boxed{12}` falls away, also a second one."""
    steps = text.strip()
    for _ in range(3):
        found = list(_CLOSING.finditer(steps, max(0, len(steps) - 400)))
        if not found:
            break
        steps = steps[: found[-1].start()].rstrip()
    return steps


def conclude(text: str, answer: str) -> str:
    """The text in the one form of all rationales: its steps, then a line that states the answer."""
    return state_answer(without_statement(text), answer)
