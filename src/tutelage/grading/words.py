"""Normalises the words of an answer, so that texts with the same meaning compare equal. Pure.

"The Eiffel tower!"  ->  "eiffel tower"     "five apples"  ->  "5 apples"     "x+1", "x + 1"  ->  "x + 1"

Case, articles, punctuation and white space don't count. Signs and brackets with a meaning do: x-1 is not x+1, C++ is
not C, (2,3) is not [2,3]. A dash or brackets around words are punctuation.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from tutelage.text.numbers import Number, find_numbers, find_word_numbers, fold

_ARTICLES = frozenset(("a", "an", "the"))
_SIGNS = r"+\-*/^=<>≤≥≠≈±×÷√%#@|~¬∧∨∪∩∈∞°→←↔"
_PIECE = re.compile(rf"!(?=\w)|-?[0-9]+(?:[./:,][0-9]+)*%?|\w+|[{_SIGNS}()\[\]{{}}&]")
_BRACES = re.compile(r"([\^_])\{([^{}]{1,20})\}")
_SAME = {"&": "and", "×": "*", "÷": "/"}
_TYPED = re.compile("[<>!]=")
_SIGN_OF = {"<=": "≤", ">=": "≥", "!=": "≠"}
_SIMPLE = str.maketrans("₀₁₂₃₄₅₆₇₈₉⩽⩾", "0123456789≤≥")
_RAISED = re.compile("[⁰¹²³⁴-⁹⁺⁻]+")
_RAISED_DIGITS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻", "0123456789+-")
_SUBSCRIPT = re.compile(r"(?<=[A-Za-z)\]}])_(?=[0-9]|\{[0-9]+\})")
_RATIO = re.compile(r"(?<=[0-9])\s+:\s+(?=[0-9])")
"""White space around a ratio sign: 3 : 2 is 3:2."""
_OPEN, _CLOSE = frozenset("([{"), frozenset(")]}")
_LONG = 3
"""From this many letters on, a dash or bracket beside a word is punctuation."""
_DIGIT = re.compile("[0-9]")
_SHORT = 100
_MOST_PASSES = 4


def text_key(text: str) -> str:
    """The normalised words and meaningful signs of a text, with numbers by value."""
    return _short_key(text) if len(text) <= _SHORT else _long_key(text)


def _key(text: str) -> str:
    for _ in range(_MOST_PASSES):  # joined pieces may be read as one number in the next pass
        before = text
        text = _once(text)
        if text == before or not _DIGIT.search(text):
            break
    return text


_short_key = lru_cache(maxsize=4096)(_key)  # choices and gold answers are repeated for every attempt
_long_key = lru_cache(maxsize=16)(_key)  # a long sentence is compared with several things


def _once(text: str) -> str:
    text = _RATIO.sub(":", _SUBSCRIPT.sub("", _RAISED.sub(_power, fold(text).translate(_SIMPLE))))
    for find in (find_numbers, find_word_numbers):
        text = _with_values(text, find(text))
    text = _TYPED.sub(lambda typed: _SIGN_OF[typed[0]], text)
    folded = unicodedata.normalize("NFC", _BRACES.sub(r"\1\2", text)).casefold()
    pieces: list[str] = _PIECE.findall(folded.replace("'", "").replace("’", ""))
    words = [_SAME.get(word, word) for word in pieces]
    words = [word for word, after in zip(words, [*words[1:], ""], strict=False) if not _is_article(word, after)]
    return " ".join(_without_brackets(_without_dashes(_signed(words))))


def _power(match: re.Match[str]) -> str:
    """Superscript digits as a power, x² as x^2; a superscript sign alone is a charge: Na⁺."""
    digits = match[0].translate(_RAISED_DIGITS)
    return f"^{digits}" if any(map(str.isdigit, digits)) else digits


def _is_article(word: str, after: str) -> bool:
    """Whether a word is an article, with another word after it: not the A in A+ or "vitamin A"."""
    return word in _ARTICLES and after[-1:].isalnum()


def _with_values(text: str, numbers: list[Number]) -> str:
    parts: list[str] = []
    position = 0
    for number in numbers:
        parts += [text[position : number.start], f" {number} "]
        position = number.end
    return "".join([*parts, text[position:]])


def _signed(words: list[str]) -> list[str]:
    """Make a minus between two values a separate word and join a minus to a single value, whatever the spaces."""
    out: list[str] = []
    for word in words:
        after_value = bool(out) and (out[-1][-1].isdigit() or out[-1] in _CLOSE or _is_short(out[-1]))
        if word[0] == "-" and len(word) > 1 and after_value:
            out += ["-", word[1:]]
        elif word[0].isdigit() and out[-1:] == ["-"] and (len(out) == 1 or not _is_value(out[-2])):
            out[-1] = f"-{word}"
        else:
            out.append(word)
    return out


def _is_value(word: str) -> bool:
    return word[-1].isalnum() or word[-1] == "%" or word in _CLOSE


def _is_short(word: str) -> bool:
    return word.isalpha() and len(word) < _LONG


def _is_long(word: str) -> bool:
    return word.isalpha() and len(word) >= _LONG


def _without_dashes(words: list[str]) -> list[str]:
    """Remove dashes and slashes beside words."""
    around = ["", *words, ""]
    return [
        word
        for before, word, after in zip(around, words, around[2:], strict=False)
        if word not in ("-", "/", "*", "#", "~", "|") or not (_is_long(before) or _is_long(after))
    ]


def _without_brackets(words: list[str]) -> list[str]:
    """Remove brackets around words only, and unpaired brackets."""
    opened: list[tuple[int, bool]] = []
    kept = [word not in _OPEN and word not in _CLOSE for word in words]
    meant = False
    for place, word in enumerate(words):
        if word in _OPEN:
            opened.append((place, meant))
            meant = False
        elif word in _CLOSE:
            if opened:
                start, outer = opened.pop()
                kept[start] = kept[place] = meant
                meant = meant or outer
        else:
            meant = meant or not _is_long(word)
    return [word for word, keep in zip(words, kept, strict=True) if keep]
