"""Arithmetic expressions: tokens, a parser of the four operations and exact values. Pure.

    "2 hens × (3 + 4) eggs"  ->  Operation("*", 2, Operation("+", 3, 4))  ->  14

Text is never evaluated as code, and the length of texts, numbers and expressions is bounded.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

MAX_TEXT = 20_000
"""Characters of a text that are searched; no rationale is longer."""
MAX_DIGITS = 18
"""Digits of a number; a longer one is not read as a number."""
MAX_TOKENS = 120
"""Tokens of one expression."""
MAX_DEPTH = 20
"""Brackets within brackets."""
MAX_UNIT_WORDS = 4
"""Words that may stand between a number and the next sign."""

Operator = str  # one of + - * /


@dataclass(frozen=True, slots=True)
class Operation:
    """An operator between two expressions."""

    operator: Operator
    left: Expression
    right: Expression


Expression = Fraction | Operation


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of a text: `kind` is the group of the pattern that it matched."""

    kind: str
    text: str
    start: int
    end: int

    @property
    def is_value(self) -> bool:
        """Whether it is a number, plain or mixed such as `1 1/2`."""
        return self.kind in ("number", "mixed")

    @property
    def is_percent(self) -> bool:
        """Whether a percent sign, or the word, belongs to the number."""
        return self.text.endswith(("%", "percent"))

    @property
    def bare(self) -> str:
        """The number without its percent sign."""
        return self.text.rstrip("% percnt")

    @property
    def value(self) -> Fraction | None:
        """The number as written (20 for `20%`); None if it has too many digits."""
        text = self.bare.lstrip("$€£").replace(",", "")
        if sum(character.isdigit() for character in text) > MAX_DIGITS or not text.isascii():
            return None
        if text.isdigit():
            return Fraction(int(text))
        whole, _, part = text.rpartition(" ")
        try:
            return Fraction(whole or "0") + Fraction(part)
        except ZeroDivisionError:
            return None


_TOKEN = re.compile(
    r"""(?P<mixed>(?<![\d.,/])\d{1,4}[ ]\d{1,3}/\d{1,3}(?![\d.,]*\d))
    |(?P<number>[$€£]?(?:(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?|\.\d+)(?:[ ]?%|[ ]percent\b)?)
    |(?P<operator>[+*/×÷·∗⋅−–-]|[xX](?=[ ]*[$€£(.\d]))
    |(?P<equals>=)
    |(?P<open>\()|(?P<close>\))
    |(?P<word>[^\W\d_]+(?:['’][^\W\d_]+)?)
    |(?P<other>\S|\n)""",  # a calculation ends with its line
    re.VERBOSE,
)
_OPERATORS = {"×": "*", "x": "*", "X": "*", "·": "*", "∗": "*", "⋅": "*", "÷": "/", "−": "-", "–": "-"}


def tokens_of(text: str) -> Iterator[Token]:
    """The tokens of a text, in order; spaces are none."""
    for match in _TOKEN.finditer(text[:MAX_TEXT]):
        yield Token(match.lastgroup or "other", match.group(), match.start(), match.end())


def parse_expression(text: str) -> Expression | None:
    """The expression that the whole text is, such as `((32.0 + 42.0) - 35.0)`; None if it is not one."""
    tokens = list(tokens_of(text))
    if len(tokens) > MAX_TOKENS:
        return None
    parser = Parser(tokens, 0, units=False)
    expression = parser.sum()
    return expression if expression is not None and parser.position == len(tokens) else None


def evaluate(expression: Expression) -> Fraction | None:
    """The exact value; None where it divides by zero."""
    if isinstance(expression, Fraction):
        return expression
    left, right = evaluate(expression.left), evaluate(expression.right)
    if left is None or right is None or (expression.operator == "/" and right == 0):
        return None
    return _APPLY[expression.operator](left, right)


_APPLY: dict[Operator, Callable[[Fraction, Fraction], Fraction]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
}


def operands(expression: Expression) -> list[Fraction]:
    """The numbers of an expression, from left to right."""
    if isinstance(expression, Fraction):
        return [expression]
    return [*operands(expression.left), *operands(expression.right)]


def substitute(expression: Expression, values: Mapping[Fraction, Fraction]) -> Expression:
    """The expression with its numbers replaced by what they stand for in `values`."""
    if isinstance(expression, Fraction):
        return values.get(expression, expression)
    return Operation(expression.operator, substitute(expression.left, values), substitute(expression.right, values))


class Parser:
    """Recursive descent over tokens: sum := product ((+|-) product)*, product := atom ((*|/|of) atom)*.

    With `units`, words may stand between a number and the sign after it. With `fractions`, a slash without spaces binds
    first: `12 / 1/4` is 48, as its writer means it, not 3.
    """

    def __init__(self, tokens: Sequence[Token], position: int, *, units: bool = True, fractions: bool = False) -> None:
        self.tokens, self.position, self._units, self._fractions = tokens, position, units, fractions
        self._stop = min(len(tokens), position + MAX_TOKENS)
        self._depth = 0
        self.last_value = position  # the last number or bracket read

    def at(self, kind: str) -> bool:
        """Whether the next token is of this kind."""
        return self.position < self._stop and self.tokens[self.position].kind == kind

    def sum(self) -> Expression | None:
        """The longest expression from here; None if there is none, or it breaks off after an operator."""
        return self._chain(self._product, "+-")

    def _product(self) -> Expression | None:
        return self._chain(self._fraction if self._fractions else self._atom, "*/")

    def _fraction(self) -> Expression | None:
        above, number = self._atom(), self.last_value
        if above is None or self.position != number + 1 or not self._at_narrow_slash():
            return above
        self.position += 1
        below = self._number()
        return None if below is None else Operation("/", above, below)

    def _at_narrow_slash(self) -> bool:
        if not self.at("operator") or self.position + 1 >= self._stop:
            return False
        before, slash, after = self.tokens[self.position - 1 : self.position + 2]
        return slash.text == "/" and after.is_value and before.end == slash.start and slash.end == after.start

    def _chain(self, operand: Callable[[], Expression | None], operators: str) -> Expression | None:
        left = operand()
        while left is not None and (operator := self._operator(left)) and operator in operators:
            self.position += 1
            right = operand()
            if right is None:
                return None
            left = Operation(operator, left, right)
        return left

    def _operator(self, left: Expression) -> Operator | None:
        if self.at("operator"):
            text = self.tokens[self.position].text
            return _OPERATORS.get(text, text)
        of = self.at("word") and self.tokens[self.position].text.lower() == "of"
        return "*" if of and _is_part(left) else None

    def _atom(self) -> Expression | None:
        if self.at("operator") and self.tokens[self.position].text in "-−–":
            self.position += 1
            value = self._number()
            return None if value is None else -value
        return self._bracket() if self.at("open") and self._depth < MAX_DEPTH else self._number()

    def _number(self) -> Fraction | None:
        if not (self.at("number") or self.at("mixed")):
            return None
        token = self.tokens[self.position]
        value = token.value
        if value is None:
            return None
        self.last_value = self.position
        self.position += 1
        self._skip_units()
        return value / 100 if token.is_percent else value

    def _bracket(self) -> Expression | None:
        self.position += 1
        self._depth += 1
        inner = self.sum()
        self._depth -= 1
        if inner is None or not self.at("close"):
            return None
        self.last_value = self.position
        self.position += 1
        self._skip_units()
        return inner

    def _skip_units(self) -> None:
        """Step over words that a sign or bracket follows; a word glued to its number is a variable."""
        if not (self._units and self.at("word")):
            return
        first = self.tokens[self.position]
        if first.start == self.tokens[self.last_value].end or first.text.lower() == "of":
            return
        limit = min(self._stop, self.position + MAX_UNIT_WORDS + 1)
        ahead = self.position
        while ahead < limit and self.tokens[ahead].kind == "word" and not self.tokens[ahead].text.isupper():
            ahead += 1
        if ahead < limit and self.tokens[ahead].kind in ("operator", "equals", "close"):
            self.position = ahead


def _is_part(left: Expression) -> bool:
    """Whether `left of x` is a product: left is a fraction, a decimal below 1 or a percentage."""
    if isinstance(left, Operation):
        return left.operator == "/" and isinstance(left.left, Fraction) and isinstance(left.right, Fraction)
    return 0 < left < 1
