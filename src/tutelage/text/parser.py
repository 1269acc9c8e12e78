"""A recursive-descent parser for arithmetic expressions over the tokens of a text. Pure.

"2 hens × (3 + 4) eggs"  ->  Operation("*", 2, Operation("+", 3, 4))

The length of texts, numbers and expressions is bounded.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction

from tutelage.text.expressions import Expression, Operation, Operator, evaluate
from tutelage.text.tokens import Token, tokens_of

MAX_TOKENS = 120
"""The most tokens of one expression."""
MAX_DEPTH = 20
"""The deepest nesting of brackets."""
MAX_UNIT_WORDS = 4
"""The most unit words between a number and the next sign."""
MAX_LABEL_WORDS = 8
"""The most words in brackets that say what a number is."""

_CURRENCIES = frozenset("€£¥₹")
"""Currency signs that may follow a number; `$` precedes one."""
_OPERATORS = {"×": "*", "x": "*", "X": "*", "·": "*", "∗": "*", "⋅": "*", "÷": "/"}


def parse_expression(text: str) -> Expression | None:
    """The parse of the whole text, such as `((32.0 + 42.0) - 35.0)`; None if it is no expression."""
    tokens = list(tokens_of(text))
    if len(tokens) > MAX_TOKENS:
        return None
    parser = Parser(tokens, 0, units=False)
    expression = parser.sum()
    return expression if expression is not None and parser.position == len(tokens) else None


def compute(text: str) -> Fraction:
    """The exact value of an expression of numbers, + - * / and brackets, such as `((32 + 42) - 35)`.

    Raises:
        ValueError: it is not such an expression, divides by zero or is too long.
    """
    expression = parse_expression(text)
    if expression is None:
        raise ValueError(f"{text[:80]!r} is not an arithmetic expression")
    value = evaluate(expression)
    if value is None:
        raise ValueError(f"{text[:80]!r} has no value: it divides by zero")
    return value


class Parser:
    """Recursive descent over tokens: sum := product ((+|-) product)*, product := atom ((*|/|of) atom)*.

    With `units`, unit words may follow a number. With `fractions`, a slash without spaces binds first, so `12 / 1/4` is
    48 and not 3. Without `scales`, words such as dozen and million are only units.
    """

    def __init__(
        self,
        tokens: Sequence[Token],
        position: int,
        *,
        units: bool = True,
        fractions: bool = False,
        scales: bool = True,
    ) -> None:
        self.tokens, self.position = tokens, position
        self._units, self._fractions, self._scales = units, fractions, scales
        self._stop = min(len(tokens), position + MAX_TOKENS)
        self._depth = 0
        self.last_value = position  # the last number or bracket read

    def at(self, kind: str) -> bool:
        """Whether the next token is of this kind."""
        return self.position < self._stop and self.tokens[self.position].kind == kind

    def sum(self) -> Expression | None:
        """The longest expression from here; None if there is none, or it ends with an operator."""
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
        if not (self.at("operator") and self.tokens[self.position].text == "-"):
            return self._bracket() if self.at("open") and self._depth < MAX_DEPTH else self._number()
        self.position += 1
        if self.at("open") and self._depth < MAX_DEPTH:
            inner = self._bracket()
            return None if inner is None else Operation("-", Fraction(0), inner)
        value = self._number()
        return None if value is None else -value

    def _number(self) -> Fraction | None:
        number = self.tokens[self.position].number if self.at("number") else None
        if number is None:
            return None
        self.last_value = self.position
        self.position += 1
        self._skip_units()
        value = number.value if self._scales else number.value / number.scale
        return value / 100 if number.percent else value

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
        """Skip unit words and a label before a sign or bracket; a word without a space before it is a variable."""
        first = self.tokens[self.position] if self._units and self.position < self._stop else None
        if first is None:
            return
        ahead = self.position
        glued = first.start == self.tokens[self.last_value].end and first.kind == "word"
        if _is_unit(first, capitals=True) and not glued and first.text.lower() != "of":
            limit = min(self._stop, self.position + MAX_UNIT_WORDS + 1)
            while ahead < limit and _is_unit(self.tokens[ahead]):
                ahead += 1
            if ahead == limit:
                return
        ahead = self._after_label(ahead)
        to = self.tokens[ahead - 1].text == "to"  # 7 degrees more, to -7
        if not to and ahead < self._stop and self.tokens[ahead].kind in ("operator", "equals", "close"):
            self.position = ahead

    def _after_label(self, place: int) -> int:
        """The place after words in brackets, as in `42 (sold) + 3`; the same place if there are none."""
        opening = self.tokens[place] if place < self._stop else None
        if opening is None or opening.kind != "open" or opening.start == self.tokens[place - 1].end:
            return place
        end = place + 1
        while end < self._stop and end <= place + MAX_LABEL_WORDS and self.tokens[end].kind == "word":
            end += 1
        words = self.tokens[place + 1 : end]
        closed = end < self._stop and self.tokens[end].kind == "close"
        return end + 1 if closed and words and len(words[0].text) > 1 else place


def _is_unit(token: Token, *, capitals: bool = False) -> bool:
    if token.kind == "word":
        return capitals or not token.text.isupper()
    return token.is_spelt or token.text in _CURRENCIES


def _is_part(left: Expression) -> bool:
    """Whether `left of x` is a product: left is a fraction, a decimal below 1 or a percentage."""
    if isinstance(left, Operation):
        return left.operator == "/" and isinstance(left.left, Fraction) and isinstance(left.right, Fraction)
    return 0 < left < 1
