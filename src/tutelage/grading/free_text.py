"""Grades answers in words: yes/no and free text.

"Pears float. So no."  ->  no        "The answer is the Eiffel Tower."  equals  "Eiffel tower"
"""

from __future__ import annotations

import re

from tutelage.grading.matching import Same, same_text
from tutelage.records import Problem, Verdict
from tutelage.text.sentences import bare_sentences
from tutelage.text.statements import NO_ANSWER, Unread, affirmed, last_line, lead, shorten, statements

_YES_NO = {"yes": "yes", "yep": "yes", "yeah": "yes", "true": "yes", "no": "no", "nope": "no", "false": "no"}
_SAID = "|".join(_YES_NO)
_TRUTH = re.compile(rf"\b({_SAID})\b", re.IGNORECASE)
_FIRST = re.compile(rf"\W{{0,6}}({_SAID})\b(?=\s*(?:$|[^\w\s]|because\b|since\b|as\b))", re.IGNORECASE)
_BOTH = re.compile(r"\b(?:yes|no)\W{0,4}(?:or|and|/)\W{0,4}(?:yes|no)\b", re.IGNORECASE)
_STARTS = re.compile(
    rf"\W{{0,6}}(?:(?:so|thus|hence|therefore|then|and)\b,?\s?)?({_SAID})\s*(?=$|[^\w\s])", re.IGNORECASE
)
_ENDS = re.compile(r"(?<![\w'’-])(yes|no)\W{0,6}$", re.IGNORECASE)
_TRUE = re.compile(
    r"(?:^\W{0,6}(?:so|thus|hence|therefore|then)?,?\s?"
    r"|\b(?:that|this|it|which|(?:statement|claim|answer|sentence|assertion|premise|proposition)(?:\s\w+){0,3})"
    r"(?:'s|’s|\s(?:is|was|must be|would be|seems|holds)(?P<isnt>n['’]t)?)"
    r"\s(?:\w+ly\s|indeed\s|therefore\s|thus\s|also\s)?)"
    r"(?P<not>not\s)?(?P<truth>true|right|correct|false|wrong|untrue|incorrect|the case)\W{0,6}$",
    re.IGNORECASE,
)


def grade_yes_no(problem: Problem, text: str) -> Verdict:
    """Grades yes/no answers; a plain true or false as the final answer counts as yes or no."""
    stated = stated_yes_no(text)
    if isinstance(stated, Unread):
        return Verdict(False, None, stated.reason)
    right = stated == problem.answer.strip().lower()
    return Verdict(right, stated, "right" if right else f"{stated} is not {problem.answer}")


def stated_yes_no(text: str) -> str | Unread:
    """ "yes" or "no", from the last statement that says it, else from the last sentence that starts or ends with it."""
    found = statements(text)
    for statement in found:
        answer = read_yes_no(statement.piece)
        if isinstance(answer, str) or not answer.silent:
            return answer
    if found:
        return Unread(f"neither yes nor no in {shorten(found[0].piece)!r}", silent=True)
    said = bare_sentences(text)
    if len(said) == 1 and isinstance(answer := read_yes_no(said[0]), str) and _FIRST.match(said[0]):
        return answer
    first = lead(text)
    return _in_sentences([first] if first and _FIRST.match(first) else said)


def _in_sentences(said: list[str]) -> str | Unread:
    """The answer of the last sentence that starts or ends with yes or no; the final one may say "that is false"."""
    for sentence in reversed(said):
        if _BOTH.search(sentence):
            return Unread("both yes and no are stated")
        if match := _STARTS.match(sentence) or _ENDS.search(sentence[-40:]):
            return _YES_NO[match[1].lower()]
        if sentence == said[-1] and (truth := _TRUE.search(sentence[-120:])):
            true = truth["truth"].lower() in ("true", "right", "correct", "the case")
            return "yes" if true == (truth["not"] is None and truth["isnt"] is None) else "no"
    return NO_ANSWER


def read_yes_no(piece: str) -> str | Unread:
    """Yes or no in a statement: its first word, or its only such word."""
    said = affirmed(piece)
    if said is None:
        return Unread(f"{shorten(piece)!r} says only what is not the answer", silent=True)
    words = {_YES_NO[word.lower()] for word in _TRUTH.findall(said)}
    if _BOTH.search(said):
        return Unread("both yes and no are stated")
    if first := _FIRST.match(said):
        return _YES_NO[first[1].lower()]
    if len(words) == 2:
        return Unread("both yes and no are stated")
    return words.pop() if words else Unread(f"neither yes nor no in {shorten(piece)!r}", silent=True)


def grade_text(
    problem: Problem, text: str, marked: str, same: Same = same_text, *, only_stated: bool = False
) -> Verdict:
    """Grades text by the last stated answer, or by the last line; `same` compares it with the gold answer.

    `marked` is the text with its markup, which may be part of the answer. With `only_stated`, neither the text after
    the sentence with the answer nor the whole text counts.
    """
    found = [*statements(text)[:1], *statements(marked)[:1]]
    if found and only_stated:
        candidates = [said for statement in found if (said := affirmed(statement.piece)) is not None]
    elif found:
        candidates = [piece for statement in found for piece in (statement.piece, statement.line)]
    else:
        candidates = [last_line(text), text.strip(), last_line(marked), marked.strip()]
        candidates = candidates[::2] if only_stated else candidates
        candidates += [first] if (first := lead(text)) else []
    try:
        for candidate in candidates:
            if candidate and same(problem.answer, candidate):
                return Verdict(True, candidate.rstrip("."), "right")
    except TimeoutError:
        return Verdict(False, candidates[0], f"the pattern {shorten(problem.answer)!r} takes too long on this text")
    if not candidates or not candidates[0]:
        return Verdict(False, None, NO_ANSWER.reason)
    return Verdict(False, candidates[0], f"{shorten(candidates[0])!r} is not {shorten(problem.answer)!r}")
