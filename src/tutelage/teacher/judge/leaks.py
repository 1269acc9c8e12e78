"""Whether steps know their number before they have come to it. Pure.

leaks   "The total is 63 cans. It is found so: 3 + 4 = 7 bags. 7 × 9 = 63 cans."     begins with it
leaks   "3 + 4 = 7 bags. To get 63, we multiply by 9: 7 × 9 = 63 cans."             aims at it
"""

from __future__ import annotations

import re

from tutelage.records import Problem
from tutelage.teacher.judge.values import find_values, numbers_of
from tutelage.text.numbers import Number
from tutelage.text.sentences import sentences

_AIMS = re.compile(
    r"""(?:(?:^|[.!?:;]\s|,\s(?:so|but|and)\s)(?:so |but |and |now )?to\s(?:get|obtain|arrive\sat|come\sto)
      |\bto\sreach|\bwe\s(?:need|want|must\s(?:get|reach|have))
      |\b(?:must|should|has\sto|needs\sto)\s(?:be\s)?equal(?:\sto)?|\b(?:need|want)s?\sa\stotal\sof
      |\b(?:answer|result|total|sum)\s(?:must|should|has\sto|needs\sto)\sbe
      |\b(?:assum\w+|we\sknow)\b[^.\n]{0,60}\b(?:is|are|has|have|be))
    \s(?:(?:a|the)\s(?:total|sum|result|number)\s(?:of|to\sbe)\s)?[$€£]?$""",
    re.IGNORECASE | re.MULTILINE | re.VERBOSE,
)
"""The words before a number that is a goal."""
_FIRST = re.compile(r"\W{0,3}(?:it (?:is|was) )?[$€£]?[\d.,]+(?: \w+){0,2},? (?:because|since|as)\b", re.IGNORECASE)
"""A number and its reason: 63 because there are 7 bags of 9 cans."""
_REASONS = re.compile(r"(?:\s[\w'’-]{1,20}){0,4},?\s?(?:[:(]|\b(?:because|since|as)\b)", re.IGNORECASE)
"""The text between a number that is told and its calculation."""
_CALCULATES = re.compile(r"[=+*/×÷]|^let\b", re.IGNORECASE)
_LONGEST = 100


def find_leak(steps: str, problem: Problem, wanted: Number) -> str | None:
    """How the steps give their answer away before a calculation makes it, if they do."""
    if wanted.value in numbers_of(problem.text):
        return None
    found = find_values(steps)
    made = next((item for item in found if item.calculation and wanted.value in item.all_values), None)
    told = [item for item in found if made and item.end <= made.start and item.values[0] == wanted.value]
    if not made or not told:
        return None
    first = sentences(steps)[0]
    opens = told[0].start < len(first) and wanted.value in made.values
    begun = next(item for item in found if item.calculation)  # a number of one step alone may be told before it
    leads = begun is not made and told[0].end <= begun.start and _REASONS.match(steps, told[0].end)
    if opens and (leads or _FIRST.match(first) or not _CALCULATES.search(first)):
        return "the reply begins with its answer"
    if any(_AIMS.search(steps[max(0, item.start - _LONGEST) : item.start]) for item in told):
        return "the steps aim at the answer before they have come to it"
    return None
