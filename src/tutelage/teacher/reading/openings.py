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
_SAYS = re.compile(r"\b(?:is|be|choose|pick|select)\b", re.IGNORECASE)
_HANGS = re.compile(r"(?:it|they|this|that|these|which|because|since|as)\b", re.IGNORECASE)


def without_opening(steps: str, problem: Problem) -> str:
    """The steps without the right answer at their head, unless what is left refers to it."""
    if (lead := _LEAD.get(problem.answer.lower())) and not problem.choices:
        begun = lead.match(steps)
        return steps if begun is None else steps[begun.end() :][:1].upper() + steps[begun.end() + 1 :]
    found = _said(problem, problem.answer).match(steps)
    if found is None or found.groupdict().get("goes_on") or _lists(steps, problem):
        return steps
    left = steps[found.end() :].lstrip()
    return steps if not left or _HANGS.match(left) else left


def opens_with_answer(steps: str, problem: Problem) -> bool:
    """Whether steps begin with the right answer."""
    return _said(problem, problem.answer).match(steps) is not None and not _lists(steps, problem)


def other_opening(steps: str, problem: Problem) -> str | None:
    """Another choice, or the other of yes and no, if steps begin by saying that it is the answer."""
    if not problem.choices:
        answer = problem.answer.lower()
        said = (truth for truth, lead in _LEAD.items() if answer in _LEAD and truth != answer and lead.match(steps))
        return next(said, None)
    others = (choice.label for choice in problem.choices if choice.label != problem.answer)
    found = ((label, _said(problem, label).match(steps)) for label in others)
    return next((label for label, said in found if said and _SAYS.search(said[0])), None)


def _lists(steps: str, problem: Problem) -> bool:
    """Whether the steps go through the choices, each on a line of its own."""
    labels = "|".join(re.escape(choice.label) for choice in problem.choices if choice.label != problem.answer)
    return bool(labels) and re.search(rf"^[^\w\n]*(?:option )?\(?(?:{labels})[).:]\s", steps, re.MULTILINE) is not None


@lru_cache(maxsize=1024)  # a problem is asked many times
def _said(problem: Problem, answer: str) -> re.Pattern[str]:
    """A first sentence that says this answer; `goes_on` if it says more."""
    words = next((re.escape(choice.text) for choice in problem.choices if choice.label == answer), "")
    answer = re.escape(answer)
    if not problem.choices:
        return re.compile(rf"\W*(?:it|this|that)(?:\sis|['’]s)\s(?:the\s)?{answer}[.!](?=\s|$)", re.IGNORECASE)
    return re.compile(
        r"\W*(?:(?:so|thus|therefore),?\s)?"
        r"(?:(?:it|this|that|(?:the|my)\s(?:\w+\s)?(?:option|choice|label|answer))\s(?:is|must\sbe|would\sbe)\s"
        r"|i\s(?:would\s)?(?:choose|pick|select)\s)?(?:option\s|choice\s)?"
        rf"(?-i:\(?{answer}\b\)?)(?:[).:,]?\s(?:an?\s|the\s)?{words})?"
        r"(?:\s(?:is|would\sbe)\s(?:the\s)?(?:correct|right|best)(?:\s(?:option|choice|answer|one))?)?"
        r"(?:\s?[.!]?(?=\n|$)|[.!](?=\s)|(?P<goes_on>,?\s(?:because|since|as)\b))",
        re.IGNORECASE,
    )
