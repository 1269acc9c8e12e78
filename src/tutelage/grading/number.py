r"""Grades numbers: finds the value that a text states as its final answer.

    "5 + 6 = 11 apples"  ->  11        "18 dollars for 2 days"  ->  18        "5 or 6"  ->  two answers, so none

Text after the value (a unit, a reason, a comparison) is ignored; a second value is not.
"""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache

from tutelage.records import Problem, Verdict
from tutelage.text.expressions import evaluate
from tutelage.text.latex import unlatex
from tutelage.text.numbers import Number, find_numbers, find_word_numbers, fold, same_value
from tutelage.text.parser import parse_expression
from tutelage.text.sentences import bare_sentences
from tutelage.text.statements import NO_ANSWER, Unread, affirmed, last_line, lead, shorten, statements
from tutelage.text.symbolic import is_expression, same_expression

_ASIDE = re.compile(
    r" ?[(\[;]| [-–—] (?![0-9$])|,(?= (?!(?:or|and)\b)[A-Za-z])"
    r"|,? (?:because|since|as|when|if|which|that|who|where|while|with|for|per|in|on|at|from|of|out|after|before|by|than"
    r"|rather|instead|so|each|every|not)\b",
    re.IGNORECASE,
)
_REASON = re.compile(r"(?<=[0-9A-Za-z%)]),? \(?(?:because|since|as)\b", re.IGNORECASE)
_SPACED = re.compile(r"(?<![0-9.,/] )(?<![0-9.,/])[1-9][0-9]{0,2}(?: [0-9]{3}(?![0-9]))+")
_OR = re.compile(r"\bor\b[^=+*/×]*$", re.IGNORECASE)
_MINUS = re.compile(r"^(\W{0,4})minus (?=[$0-9])|\bnegative (?=[$0-9])", re.IGNORECASE)
_GOES_ON = re.compile(
    r"[,;:+*/×÷-]|\b(?:so|then|and|thus|therefore|which|but|plus|minus|times|divided)\b", re.IGNORECASE
)
"""Signs that a sentence goes on after the result of a calculation, beyond naming its unit."""

_ONWARD = re.compile(r",? (?:so|which|that|thus|hence|therefore|making|giving|i\.e)\b", re.IGNORECASE)
_CALCULATES = re.compile(r"[0-9)%] ?(?:[-+*/×÷x]|(?:plus|minus|times|divided by)\b) ?[($€£]{0,2}[0-9]")
"""A calculation, as in "5 - 3, so 2": after it, "so" introduces the result."""
_SAME_AGAIN = re.compile(
    r" ?\((?:=|≈|i\.e\.|that is)[^()]{0,80}\)|(?:,|;) i\.e\.[^\n]*"
    r"|(?<=[A-Za-z0-9%]) \([^()=\n]{0,40}[0-9]\s?[+*×/÷-]\s?[$€£]?[0-9][^()=\n]{0,40}\)(?=\W*$)",
    re.IGNORECASE,
)
"""The same value repeated: 18 (= 9 × 2), 18 (9 × 2)."""
_SIGNS = {"plus": "+", "minus": "-", "times": "*", "divided by": "/"}
_VALUE = r"[$€£]?[0-9]+(?:[.,][0-9]+)*"
_WORKED_OUT = re.compile(
    rf"(?P<sum>{_VALUE}(?: ?(?:[-+*/×÷x]|plus|minus|times|divided by) ?{_VALUE})+)"
    rf"(?: [a-z]+){{0,2}},? or (?P<result>{_VALUE})"
)
"""A calculation and its result after "or": 13 + 47, or 60."""
_DIGIT = re.compile("[0-9½¼¾]")
_SPACED_MINUS = re.compile(r"^\s*- (?=[$€£¥₹]?[0-9.½¼¾])")
_FEW_WORDS = 3
_OR_WITHIN = 24
"""An "or" within this many characters before a number makes the number an alternative."""


def grade_number(problem: Problem, text: str) -> Verdict:
    """Grades by exact value; see `same_value` for decimals and percentages."""
    gold, stated = _gold(problem.answer), stated_number(text)
    if isinstance(gold, Number) and isinstance(stated, Number):
        right = same_value(gold, stated)
        return Verdict(right, str(stated), "right" if right else f"{stated} is not {problem.answer}")
    found = statements(text)
    piece = found[0].piece if found else last_line(text)
    if same_expression(problem.answer, piece) or (isinstance(gold, Number) and _comes_to(piece, gold.value)):
        return Verdict(True, piece, "right")
    if isinstance(stated, Unread):
        return Verdict(False, None, stated.reason)
    return Verdict(False, str(stated), f"{stated} is not {shorten(problem.answer)}")


def _comes_to(piece: str, value: Fraction, signs: str = "(/×÷") -> bool:
    r"""Whether a piece is an unevaluated fraction or product with this value: \frac{80+90}{2} for 85."""
    expression = parse_expression(piece.rstrip(".")) if any(sign in piece for sign in signs) else None
    return expression is not None and evaluate(expression) == value


def _signed(piece: str) -> str:
    """A piece with `minus` as `-` and with commas, not spaces, between groups of digits, as `find_numbers` reads them.

    A calculation is removed if its result follows after an "or".
    """
    piece = _SPACED.sub(lambda match: match[0].replace(" ", ","), _MINUS.sub(r"\1-", piece))
    return _WORKED_OUT.sub(_result, piece) if " or " in piece else piece


def _result(match: re.Match[str]) -> str:
    signs = re.sub("[a-z]+(?: by)?", lambda word: _SIGNS.get(word[0], word[0]), match["sum"])
    result = find_numbers(match["result"])
    return match["result"] if result and _comes_to(signs, result[0].value, signs="-+*/×÷x") else match[0]


def stated_number(text: str) -> Number | Unread:
    """The number stated as the final answer: in the last statement with a number, else at the start or the end.

    `text` has no markup.
    """
    text = fold(text)
    found = statements(text)
    for statement in found:
        number = read_number(statement.piece)
        if isinstance(number, Number) or not number.silent:
            return number
    if found:
        return Unread(f"no number in {shorten(found[0].piece)!r}", silent=True)
    first = lead(text)
    if first and len(first.split()) <= _FEW_WORDS and isinstance(number := read_number(first), Number):
        return number
    return _at_the_end(text)


def read_number(piece: str) -> Number | Unread:
    """The one number of a statement: the result of a calculation, or the number before any aside."""
    said = affirmed(fold(piece))
    if said is None:
        return Unread(f"{shorten(piece)!r} says only what is not the answer", silent=True)
    said = _signed(said)
    onward = _ONWARD.search(said)
    if onward and _CALCULATES.search(said, 0, onward.start()) and _DIGIT.search(said, onward.end()):
        said = said[onward.end() :]
    said = _SAME_AGAIN.sub("", said)
    reason = _REASON.search(said)
    for part in reversed(re.split("[=≈]", said[: reason.start()] if reason else said)):
        side = _SPACED_MINUS.sub("-", part)
        if is_expression(side):
            return Unread(f"{shorten(side.strip())!r} is not a plain number")
        if numbers := find_numbers(side) or find_word_numbers(side):
            return _only(numbers, side)
    return Unread(f"no number in {shorten(piece)!r}", silent=True)


@lru_cache(maxsize=4096)  # a problem's answer is read for every attempt
def _gold(answer: str) -> Number | Unread:
    return read_number(unlatex(answer))


def _only(numbers: list[Number], piece: str) -> Number | Unread:
    """The first of the numbers, unless the piece gives another as well."""
    first = numbers[0]
    aside = _ASIDE.search(piece, first.end)
    until = aside.start() if aside else len(piece)
    for other in numbers[1:]:
        alternative = other.start < until or _OR.search(piece[max(first.end, other.start - _OR_WITHIN) : other.start])
        if alternative and not (same_value(first, other) or same_value(other, first)):
            return Unread(f"two answers stated: {first} and {other}")
    return first


def _at_the_end(text: str) -> Number | Unread:
    """The last number of the last line."""
    for sentence in reversed(bare_sentences(last_line(text))):
        said = _SPACED_MINUS.sub("-", _SAME_AGAIN.sub("", _signed(sentence)))
        front, _, tail = said.rpartition("=")
        if front and (named := find_numbers(front)) and _comes_to(tail, named[-1].value, signs="-+*/×÷"):
            return named[-1]  # 18 = 9 * 2
        if is_expression(tail):
            return Unread(f"{shorten(tail.strip())!r} is not a plain number")
        numbers = find_numbers(said) or _counts(said)
        between = said[numbers[-2].end : numbers[-1].start] if len(numbers) > 1 else ""
        if between == "," or (between and _OR.search(between[-_OR_WITHIN:])):  # 3,50 may be three and a half
            return _only(numbers[-2:], said)
        if numbers:
            results = [n for n in numbers if n.start >= len(said) - len(tail)] if len(tail) < len(said) else []
            through = results and _GOES_ON.search(said[results[0].end : results[-1].start]) is None
            return results[0] if through else numbers[-1]
    return NO_ANSWER


def _counts(sentence: str) -> list[Number]:
    """Numbers in words; in a longer sentence only those that must be counts ("one" and "half" are ambiguous)."""
    words = find_word_numbers(sentence)
    return words if len(sentence.split()) <= _FEW_WORDS else [n for n in words if n.value > 1 or n.value < 0]
