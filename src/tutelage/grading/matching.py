r"""Compares a stated text answer with the gold answer: the values of `task.match` but `json` and `code`. Pure.

    exact      "Eiffel tower"              is   "the Eiffel Tower"       case, articles, punctuation, forms of numbers
    contains   "the Eiffel tower in Paris" has  "Eiffel Tower"           as whole words, one behind another
    f1         "tower of Eiffel"           like "Eiffel tower of iron"   words in common, in any order
    regex      "colour"                    fits "colou?r"                the gold answer is the pattern
    math       "1 + x"                     is   "x+1"                    equal for SymPy, by math-verify

An answer that passes `exact` also passes `contains`, `f1` and `math`.
"""

from __future__ import annotations

import string
import unicodedata
from collections import Counter
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import regex

from tutelage.grading.words import text_key
from tutelage.records import TextMatch
from tutelage.text.markup import without_markup
from tutelage.text.numbers import same_value, whole_number
from tutelage.text.readable import readable
from tutelage.text.symbolic import equal_mathematics, same_expression

Same = Callable[[str, str], bool]
"""Called with the gold answer and a stated answer; returns whether the latter is right."""

SECONDS = 1.0
"""Time limit for one search of a pattern; a sane pattern needs about a millionth of it."""

_DENIED = frozenset(("not", "never", "neither", "nor", "isnt", "wasnt", "arent", "werent"))
_ARTICLES = frozenset(("a", "an", "the"))
_LETTER = regex.compile(r"^\s*\(([^\W\d_]{1,3})\)[\s.]*$")
"""The letter of a choice that the question lists: (B) is B."""
_PROBES = 60
"""Repeats of a letter in the texts for testing a pattern."""


def same_by(match: TextMatch, f1: float) -> Same:
    """The comparison of this name; `f1` is the least F1 of a right answer."""
    if match == "f1":
        return lambda gold, stated: same_text(gold, stated) or token_f1(gold, stated) >= f1
    ways: dict[TextMatch, Same] = {"exact": same_text, "contains": contains, "regex": fits, "math": same_mathematics}
    return ways[match]


def same_text(gold: str, stated: str) -> bool:
    """Whether two texts have the same `text_key`, or are equal numbers or equal expressions."""
    wanted, given = whole_number(gold), whole_number(stated)
    if wanted and given:
        return same_value(wanted, given)
    gold, stated = _LETTER.sub(r"\1", gold), _LETTER.sub(r"\1", stated)
    if len(stated) > 4 * len(gold) + 200:  # longer, whatever its punctuation
        return False
    key = text_key(gold)
    same = key == text_key(stated) if key else gold.strip() == stated.strip()
    return same or same_expression(gold, stated)


def contains(gold: str, stated: str) -> bool:
    """Whether the stated answer has the gold answer's words (by `text_key`) in sequence, and not after a "not"."""
    if same_text(gold, stated):
        return True
    key, said = text_key(gold), text_key(stated)
    if not key:
        return gold.strip() in stated
    if any(unicodedata.east_asian_width(char) in "WF" for char in key):  # written without spaces
        return key in said
    before, found, _ = f" {said} ".partition(f" {key} ")
    return bool(found) and before.split()[-1:] not in [[word] for word in _DENIED]


def token_f1(gold: str, stated: str) -> float:
    """The token F1 of SQuAD (Rajpurkar et al. 2016): the harmonic mean of precision and recall over words.

    Words are compared in lower case, without punctuation and the articles a, an, the; repeated words count repeatedly.
    """
    wanted, given = _squad_words(gold), _squad_words(stated)
    common = (Counter(wanted) & Counter(given)).total()
    return 2 * common / (len(wanted) + len(given)) if common else 0.0


def _squad_words(text: str) -> list[str]:
    bare = "".join(
        char for char in text.lower() if char not in string.punctuation and unicodedata.category(char)[0] != "P"
    )
    return [word for word in bare.split() if word not in _ARTICLES]


def fits(pattern: str, stated: str) -> bool:
    """Whether a pattern matches in the stated answer. Raises TimeoutError if it takes too long."""
    return _compiled(pattern).search(stated, timeout=SECONDS) is not None


def same_mathematics(gold: str, stated: str) -> bool:
    r"""Whether two answers are equal as text, as numbers or as mathematics, in LaTeX or in signs: 5√2 is 5\sqrt{2}."""
    if same_text(gold, stated) or equal_mathematics(gold, stated):
        return True
    return _in_signs(gold) == _in_signs(stated)


def _in_signs(text: str) -> str:
    r"""Mathematics as a teacher's rationale has it: √3/2 for \frac{\sqrt{3}}{2}, without spaces."""
    for _ in range(3):  # a fraction opens when the root in it is a sign
        text = readable(without_markup(text))
    return "".join(text.split()).rstrip(".")


def check_pattern(pattern: str) -> None:
    """Refuse a pattern that is invalid, matches every answer or may be too slow. Raises ValueError with the reason."""
    try:
        found = _compiled(pattern)
    except regex.error as error:
        raise ValueError(f"{pattern!r} is no regular expression: {error}") from None
    letters = dict.fromkeys([*filter(str.isalnum, pattern), "a", "0", " "])
    try:
        if found.search("", timeout=SECONDS):
            raise ValueError(f"the pattern {pattern!r} fits an empty text, so every answer would be right")
        for letter in [*letters][:20]:
            found.search(f"{letter * _PROBES}\n!", timeout=SECONDS)
    except TimeoutError:
        raise ValueError(
            f"the pattern {pattern!r} takes more than {SECONDS:g} s on a text of {_PROBES} letters; write it without"
            " repeats within repeats"
        ) from None


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> Any:  # noqa: ANN401 - the package has no types
    return regex.compile(pattern)
