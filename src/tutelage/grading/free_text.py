"""Grades answers in words: yes or no, and free text.

"Pears float. So no."  ->  no        "The answer is the Eiffel Tower."  equals  "Eiffel tower"
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from tutelage.records import Problem, Verdict
from tutelage.text.numbers import Number, find_numbers, find_word_numbers, fold, same_value, whole_number
from tutelage.text.sentences import bare_sentences
from tutelage.text.statements import NO_ANSWER, Unread, affirmed, last_line, shorten, statements
from tutelage.text.symbolic import same_expression

_YES_NO = {"yes": "yes", "true": "yes", "no": "no", "false": "no"}
_TRUTH = re.compile(r"\b(yes|true|no|false)\b", re.IGNORECASE)
_FIRST = re.compile(r"\W{0,6}(yes|true|no|false)\b(?=\s*(?:$|[^\w\s]|because\b|since\b|as\b))", re.IGNORECASE)
_BOTH = re.compile(r"\b(?:yes|no)\W{0,4}(?:or|and|/)\W{0,4}(?:yes|no)\b", re.IGNORECASE)
_STARTS = re.compile(r"\W{0,6}(?:(?:so|thus|hence|therefore|then|and)\b,?\s?)?(yes|no)\s*(?=$|[^\w\s])", re.IGNORECASE)
_ENDS = re.compile(r"(?<![\w'’-])(yes|no)\W{0,6}$", re.IGNORECASE)
_ARTICLES = frozenset(("a", "an", "the"))
_WORD = re.compile(r"-?[0-9]+(?:[./:,][0-9]+)*%?|\w+")


def grade_yes_no(problem: Problem, text: str) -> Verdict:
    """Grades yes and no; a plain true or false as a final answer counts as yes or no."""
    stated = stated_yes_no(text)
    if isinstance(stated, Unread):
        return Verdict(False, None, stated.reason)
    right = stated == problem.answer.strip().lower()
    return Verdict(right, stated, "right" if right else f"{stated} is not {problem.answer}")


def stated_yes_no(text: str) -> str | Unread:
    """ "yes" or "no", by the last statement that says it, else by the last sentence that starts or ends with it."""
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
    for sentence in reversed(said):
        if _BOTH.search(sentence):
            return Unread("both yes and no are stated")
        if match := _STARTS.match(sentence) or _ENDS.search(sentence[-40:]):
            return match[1].lower()
    return NO_ANSWER


def read_yes_no(piece: str) -> str | Unread:
    """Yes or no, as a statement gives it: in its first word, or as the only such word in it."""
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


def grade_text(problem: Problem, text: str) -> Verdict:
    """Grades words: case, articles, punctuation and spaces don't count, numbers count by value."""
    found = statements(text)
    candidates = (found[0].piece, found[0].line) if found else (last_line(text), text.strip())
    for candidate in candidates:
        if candidate and same_text(problem.answer, candidate):
            return Verdict(True, candidate.rstrip("."), "right")
    if not candidates[0]:
        return Verdict(False, None, NO_ANSWER.reason)
    return Verdict(False, candidates[0], f"{shorten(candidates[0])!r} is not {shorten(problem.answer)!r}")


def same_text(gold: str, stated: str) -> bool:
    """Whether two texts say the same in the sense of `text_key`, are equal numbers or equal expressions."""
    wanted, given = whole_number(gold), whole_number(stated)
    if wanted and given:
        return same_value(wanted, given)
    if len(stated) > 4 * len(gold) + 200:  # whatever its punctuation, that is more
        return False
    key = text_key(gold)
    same = key == text_key(stated) if key else gold.strip() == stated.strip()
    return same or same_expression(gold, stated)


def text_key(text: str) -> str:
    """The words of a text in one form: case folded, without punctuation and articles, numbers by value."""
    return _short_key(text) if len(text) <= _SHORT else _key(text)


def _key(text: str) -> str:
    text = fold(text)
    for find in (find_numbers, find_word_numbers):
        text = _with_values(text, find(text))
    folded = unicodedata.normalize("NFC", text).casefold()
    words = _WORD.findall(folded.replace("'", "").replace("’", ""))
    return " ".join(word for word in words if word not in _ARTICLES) or " ".join(words)


_SHORT = 100
_short_key = lru_cache(maxsize=4096)(_key)  # choices and gold answers come again with every attempt


def _with_values(text: str, numbers: list[Number]) -> str:
    parts: list[str] = []
    position = 0
    for number in numbers:
        parts += [text[position : number.start], f" {number} "]
        position = number.end
    return "".join([*parts, text[position:]])
