"""Finds an answer that steps begin with, where it is a choice, yes or no, or a text. Pure.

"It is C. A dirty plate must be washed, and …"     left: "A dirty plate must be washed, and …"
"No, it would not. A pear is light."               left: "A pear is light."
"C is right because a plate must be washed."       nothing would be left
"""

from __future__ import annotations

import re
from functools import lru_cache

from tutelage.records import Problem

_TRUTHS = {"yes": "yes|ja|oui|sí|是的?|对", "no": "no|nein|non|不是?|不会"}
_LEAD = {
    truth: re.compile(
        rf"\W*(?:{words})\s?[,.;:!。,—–]\s*"
        r"(?:(?:it|they|s?he|this|that|there|you|we|one|i)\s\w+(?:\snot|['’]t)?\s?[.!]\s*)?",
        re.IGNORECASE,
    )
    for truth, words in _TRUTHS.items()
}
"""Yes or no as an exclamation, with a short sentence that only says it again: No, it would not."""
_HANGS = re.compile(r"(?:it|they|this|that|these|which|because|since|as)\b", re.IGNORECASE)


def without_opening(steps: str, problem: Problem) -> str:
    """The steps without the right answer at their head, unless what is left refers to it."""
    if (lead := _LEAD.get(problem.answer.lower())) and not problem.choices:
        found = lead.match(steps)
        left = steps[found.end() :] if found else steps
        return left[:1].upper() + left[1:]
    found = _said(problem).match(steps)
    if found is None or found["goes_on"] or _lists(steps, problem):
        return steps
    left = steps[found.end() :].lstrip()
    return steps if not left or _HANGS.match(left) else left


def opens_with_answer(steps: str, problem: Problem) -> bool:
    """Whether steps begin with the right answer."""
    return _said(problem).match(steps) is not None and not _lists(steps, problem)


def other_truth(steps: str, answer: str) -> str | None:
    """Yes or no, if steps begin with it and it is not the answer."""
    said = (truth for truth, lead in _LEAD.items() if lead.match(steps))
    return next((truth for truth in said if truth != answer), None)


def _lists(steps: str, problem: Problem) -> bool:
    """Whether the steps go through the choices, each on a line of its own."""
    labels = "|".join(re.escape(choice.label) for choice in problem.choices if choice.label != problem.answer)
    return bool(labels) and re.search(rf"^[^\w\n]*(?:option )?\(?(?:{labels})[).:]\s", steps, re.MULTILINE) is not None


@lru_cache(maxsize=256)  # a problem is asked many times
def _said(problem: Problem) -> re.Pattern[str]:
    """A first sentence that says the answer; `goes_on` if it says more."""
    answer = re.escape(problem.answer)
    if not problem.choices:
        return re.compile(
            rf"\W*(?:it|this|that)(?:\sis|['’]s)\s(?:the\s)?{answer}[.!](?=\s|$)(?P<goes_on>)?", re.IGNORECASE
        )
    words = next((re.escape(choice.text) for choice in problem.choices if choice.label == problem.answer), answer)
    return re.compile(
        r"\W*(?:(?:so|thus|therefore),?\s)?"
        r"(?:(?:it|this|that|(?:the|my)\s(?:\w+\s)?(?:option|choice|label|answer))\s(?:is|must\sbe|would\sbe)\s"
        r"|i\s(?:would\s)?(?:choose|pick|select)\s)?(?:option\s|choice\s)?"
        rf"(?-i:\(?{answer}\b\)?)(?:[).:,]?\s(?:an?\s|the\s)?{words})?"
        r"(?:\s(?:is|would\sbe)\s(?:the\s)?(?:correct|right|best)(?:\s(?:option|choice|answer|one))?)?"
        r"(?:\s?[.!]?(?=\n|$)|[.!](?=\s)|(?P<goes_on>,?\s(?:because|since|as)\b))",
        re.IGNORECASE,
    )
