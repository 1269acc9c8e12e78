r"""Reduces an answer to the plain text that is graded and searched for mistakes. Pure, linear.

"<think>20?</think>\n$3 \times 4 = 12$\n\nI hope this helps!\n\nQuestion: Ann has 5."   ->   "3 × 4 = 12"
"""

from __future__ import annotations

from tutelage.text.markup import without_markup
from tutelage.text.run_on import cut, without_courtesy
from tutelage.text.thoughts import without_thoughts


def said(text: str) -> str:
    """The text without thoughts and run-on text after the answer, with its markup."""
    return cut(without_thoughts(text))


def plain(text: str) -> str:
    """The text without thoughts, run-on text, markup and courtesy."""
    return without_courtesy(without_markup(said(text)))
