"""Detects a rationale that concludes another answer than it states, for choices and yes/no. Pure.

question  "Would a pear sink in water?", answer yes
refused   "A pear is lighter than water. So a pear would not sink in water.\\nThe answer is yes."
"""

from __future__ import annotations

import re

from tutelage.records import FailureReason, Grade, Problem, state_answer
from tutelage.teacher.judge.values import find_values, numbers_of
from tutelage.teacher.reading.openings import other_opening
from tutelage.text.sentences import sentences

_CONCLUDES = re.compile(
    r"\W*(?:so|thus|therefore|hence|consequently|in conclusion|as a result|overall"
    r"|(?:(?:based on|given|from)\b[^.\n]{1,120},\s)?(?:we|one) (?:can|may|must) conclude)\b",
    re.IGNORECASE,
)
_EXPLAINS = re.compile(r"\W*(?:this|that) is (?:because|since|due to|as)\b", re.IGNORECASE)
"""The beginning of a sentence that gives the reason of a conclusion before it."""
_GIVES_UP = re.compile(
    r"""\b(?:we|i|one)\s(?:can\s?not|can['’]t)\s(?:determine|decide|answer)\b
    |\b(?:we|i)\s(?:do\snot|don['’]t)\shave\s(?:the|any|enough|sufficient)\b[^.\n]{0,30}\b(?:information|data)\b[^.\n]{0,40}
      \bto\s(?:determine|decide|answer|know|say)\b
    |\b(?:it|this)\s(?:can\s?not|can['’]t)\sbe\s(?:determined|decided|answered)\b
    |\bit\sis\s(?:not\spossible|impossible)\sto\s(?:determine|decide|answer|say|tell)\b
    |\bthere\sis(?:\snot|n['’]t)\senough\sinformation\b""",
    re.IGNORECASE | re.VERBOSE,
)
"""A sentence that leaves the question open."""
_NEGATION = re.compile(
    r"\b(?:no|not|never|cannot|neither|nor|none|unlikely|impossible|incorrect|wrong|irrelevant|false)\b|n['’]t\b",
    re.IGNORECASE,
)
_HEDGES = re.compile(
    r"\b(?:but|although|though|however|unless|if|while|except|only|some|may|might|need|in order|depends|yes)\b",
    re.IGNORECASE,
)
_COMPARES = re.compile(r"\b(?:than|more|less|before|after|as)\b", re.IGNORECASE)
_ASKS = re.compile(
    r"\W*(?:(?:in this case|here),?\s)?"
    r"(?:the\squestion\s(?:asks|is|states)|(?:let['’]s|let us|we need to|to answer)\b)",
    re.IGNORECASE,
)
"""The beginning of a sentence that only restates the question."""
_PRONOUN = re.compile(r"\W*(?:so|thus|therefore|hence|consequently)\W+(?:it|they|he|she)\s(?P<verb>\w+)", re.IGNORECASE)
_LONG = 10
_STEM = 4
_DENIES = re.compile(
    r"\b(?:(?:is|are|was|be)\s(?:\w+\s)?(?:incorrect|wrong|irrelevant|unlikely"
    r"|not\s(?:\w+\s)?(?:correct|right|relevant|suitable|likely|the\s\w+))"
    r"|(?:does|do|would|could|can)\s?n[o’']t\s(?:fit|make|apply|work|answer|be))\b",
    re.IGNORECASE,
)
_BECAUSE = re.compile(r"\b(?:because|since|as|due)\b", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]{3,}|\d+")
_SIDES = re.compile(r"(?:[=<>≈]|[,;:.]\s|^)\s*(?:[^\W\d_]{2,}\s+)*", re.MULTILINE)
"""What stands before a side of an equation, with its first words."""
_OPERATES = re.compile(r"\d[%²³)]?\s?[-+−*/×÷·^]\s?[\w($€£]|[\w)]\s?[-+−*/×÷·^]\s?[($€£]?\d|[\w)][²³]")
"""An operation on a number: x + 3, 120 km / 2."""
_CLAUSE = re.compile(r"[,;]\s(?:and\s)?(?:so|thus|therefore|hence)\s", re.IGNORECASE)
_FAVOURS = re.compile(
    r"\b(?:is|are|would\sbe)\s(?:the\s)?(?:correct|right|best)\b"
    r"|\b(?:correct|right|best)\s(?:option|choice|answer)\s(?:is|would\sbe)\b",
    re.IGNORECASE,
)
_INSTRUCTS = re.compile(
    r"""\W*(?:(?:step\s)?\d{1,2}[.):]\s)?(?:(?:first|then|next|finally|lastly|now|second|third)\b,?\s)?(?:let['’]s\s|we\s)?
    (?:analy[sz]e|consider|eliminate|think|look|compare|identify|find|determine|read|name|choose|pick|select|check|evaluate
    |examine|decide|recall|understand|list|state|review)\b
    (?![^\n]*(?::\s\w|\b(?:because|since|is|are|was|were|has|have|can)\b))""",
    re.IGNORECASE | re.VERBOSE,
)
"""A sentence that says what to do and does not do it."""
_NAMES = re.compile(r"\b(?:is|are|was|were)\s(?:the\s)?([A-Z][\w'’-]+(?:\s[A-Z][\w'’-]+){0,3})\W*$")
"""What a conclusion is, if it is a name: So the capital is Vienna."""
_COMMON = (
    "the and for with would could can did does was were are has have had will should that this from any its his her"
)


def find_contradiction(steps: str, problem: Problem, grade: Grade) -> tuple[FailureReason, str] | None:
    """The flaw if the steps conclude another answer than the problem's, or only repeat the question."""
    said = sentences(steps) or [""]
    if not _calculates(steps, problem) and all(
        _ASKS.match(told) or _repeats(told, f"{problem.text}\n{problem.answer}") for told in said
    ):
        return "answer leaked without reasoning", "the reply says the question again, and the answer"
    if all(_INSTRUCTS.match(sentence) for sentence in said):
        return "steps not done", "the reply says what to think about and does not do it"
    if (left_open := _GIVES_UP.search(steps)) is not None:
        return "concludes otherwise", f"the reasoning leaves the question open: {' '.join(left_open[0].split())!r}"
    if (begun := other_opening(steps, problem)) is not None:
        return "concludes otherwise", f"the reasoning begins with {begun}, and the reply states {problem.answer}"
    if len(said) > 1 and _EXPLAINS.match(said[-1]):
        said.pop()
    if problem.choices:
        other = _denied(said, problem) or _other_choice(said[-1], problem, grade)
    else:
        other = _other_truth(said[-1], problem, grade) or _other_name(said[-1], steps, problem, grade)
    return ("concludes otherwise", other) if other else None


def _calculates(steps: str, problem: Problem) -> bool:
    """Whether an equation has a side with an operation, or a result, that neither question nor answer has."""
    if "=" not in steps:
        return False
    written = "".join(f"{problem.text}\n{problem.answer}".split())
    sides = (side for side in _SIDES.split(steps) if _OPERATES.search(side))
    if any("".join(side.split()).rstrip(".!") not in written for side in sides):
        return True
    known = set(numbers_of(problem.text))
    stated = known.union(numbers_of(problem.answer))
    made = (item for item in find_values(steps) if item.result)
    return any(not (known if item.calculation else stated).issuperset(item.values) for item in made)


def _repeats(sentence: str, known: str) -> bool:
    """Whether a sentence only repeats question and answer; a sentence of more than 10 words may add one word."""
    stems = {word[:_STEM] for word in _words(known)}
    new = {word for word in _words(sentence) if word[:_STEM] not in stems}
    return not new or (len(new) == 1 and len(sentence.split()) > _LONG)


def _denied(said: list[str], problem: Problem) -> str | None:
    """The fault if every sentence about the right choice rejects it."""
    right = next((choice for choice in problem.choices if choice.label == problem.answer), None)
    if right is None or _NEGATION.search(f"{problem.question}\n{right.text}"):
        return None
    label = re.compile(rf"\({re.escape(right.label)}\)|(?:^|\boption\s){re.escape(right.label)}\b", re.IGNORECASE)
    text = right.text.strip().lower()
    of_it = [sentence for sentence in said if label.search(sentence) or (text and text in sentence.lower())]
    if not of_it or not all(_DENIES.search(sentence) for sentence in of_it):
        return None
    return f"the reasoning says nothing for {right.label}, and the reply states it"


def _other_choice(last: str, problem: Problem, grade: Grade) -> str | None:
    """The fault if the conclusion names a choice that is not the answer."""
    clause = _CLAUSE.search(last)
    last = last[clause.end() :] if clause else last
    concludes = clause or _CONCLUDES.match(last) or _FAVOURS.search(last)
    if not concludes or _NEGATION.search(last) or _HEDGES.search(last):
        return None
    verdict = grade(problem, last)
    if verdict.correct or verdict.answer is None:
        return None
    return f"the reasoning concludes {verdict.answer}, and the reply states {problem.answer}"


def _other_name(last: str, steps: str, problem: Problem, grade: Grade) -> str | None:
    """The fault if the conclusion is a name, and no word of the answer stands anywhere in the steps."""
    named = _NAMES.search(last) if _CONCLUDES.match(last) and not _NEGATION.search(last) else None
    if (
        named is None
        or named[1] in problem.text
        or _words(problem.answer) & _words(steps)
        or not _words(problem.answer)
    ):
        return None
    right = grade(problem, state_answer("", named[1])).correct
    return None if right else f"the reasoning concludes {named[1]}, and the reply states {problem.answer}"


def _other_truth(last: str, problem: Problem, grade: Grade) -> str | None:
    """The fault if the conclusion affirms the question and the answer is no, or denies it and the answer is yes."""
    answer = problem.answer.strip().lower()
    if answer not in ("yes", "no"):
        return None
    read = grade(problem, last)
    if read.answer is not None and not read.correct:
        return f"the reasoning concludes {read.answer}, and the reply states {answer}"
    if not _CONCLUDES.match(last) or _HEDGES.search(last) or _NEGATION.search(problem.question):
        return None
    clause = _BECAUSE.split(last, maxsplit=1)[0]
    if not _is_about(clause, problem.question) or last.endswith(("?", ",")) or _COMPARES.search(problem.question):
        return None
    told = "no" if _NEGATION.search(clause) else "yes"
    return None if told == answer else f"the reasoning concludes {told}, and the reply states {answer}"


def _is_about(clause: str, question: str) -> bool:
    """Whether a conclusion has all words of the question; a pronoun may stand for the first ones."""
    asked, said = _words(question), _words(clause)
    missing = asked - said
    if not missing:
        return bool(asked)
    order = [word for found in _WORD.findall(question) if (word := found.lower()[:5]) in asked]
    subject = _PRONOUN.match(clause)
    same = subject is not None and question.lower().startswith(f"{subject['verb'].lower()} ")
    return same and len(asked & said) > 1 and set(order[: len(missing)]) == missing


def _words(text: str) -> set[str]:
    return {word.lower()[:5] for word in _WORD.findall(text)} - {word[:5] for word in _COMMON.split()}
