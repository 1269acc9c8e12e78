"""One calculation worked out in smaller parts, each of them true. Pure.

"58 + 67 = 125"   ->  "58 + 67 = 58 + 60 + 7 = 118 + 7 = 125"
"47 × 6 = 282"    ->  "47 × 6 = 40 × 6 + 7 × 6 = 240 + 42 = 282"
"56 / 7 = 8"      ->  a check: "8 × 7 = 56"
"""

from __future__ import annotations

from fractions import Fraction

from tutelage.teacher.arithmetic import Calculation
from tutelage.teacher.expressions import Expression, Operation, evaluate

_BINDS = {"+": 1, "-": 1, "*": 2, "/": 2}
_MAX_REDUCTIONS = 4


def write_number(value: Fraction) -> str:
    """`12`, `-3`, `0.25`; a value without a short decimal as a fraction, `10/3`."""
    if value.denominator == 1:
        return str(value.numerator)
    for decimals in range(1, 7):
        scaled = value * 10**decimals
        if scaled.denominator == 1:
            digits = f"{abs(scaled.numerator):0{decimals + 1}d}"
            return f"{'-' if value < 0 else ''}{digits[:-decimals]}.{digits[-decimals:]}"
    return f"{value.numerator}/{value.denominator}"


def write_expression(expression: Expression, signs: dict[str, str] | None = None) -> str:
    """An expression with the fewest brackets, such as `(32 + 42) / 2`; `signs` says how `*` and `/` are written."""
    if isinstance(expression, Fraction):
        return write_number(expression)
    operator, binds = expression.operator, _BINDS[expression.operator]
    left = _operand(expression.left, binds, signs)
    right = _operand(expression.right, binds + (operator in "-/"), signs, right=True)
    return f"{left} {(signs or SIGNS)[operator]} {right}"


SIGNS = {"+": "+", "-": "-", "*": "×", "/": "/"}


def _operand(expression: Expression, binds: int, signs: dict[str, str] | None, *, right: bool = False) -> str:
    text = write_expression(expression, signs)
    if isinstance(expression, Operation):
        # A sum within a product, or to the right of a minus, needs its brackets.
        return f"({text})" if _BINDS[expression.operator] < binds else text
    fraction_or_negative = "/" in text or (right and expression < 0)
    return f"({text})" if fraction_or_negative else text


def smaller_parts(calculation: Calculation) -> str | None:
    """The calculation's text with smaller parts between its left side and its result; None if it has none."""
    if not calculation.holds or calculation.value is None or len(calculation.text) > 120:
        return None
    signs = _signs_of(calculation.expression)
    middle = _percent(calculation, signs) or _reduce(calculation.left, signs) or _split(calculation.left, signs)
    if not middle:
        return None
    return " = ".join([calculation.expression.strip(), *middle, calculation.stated.strip()])


def check_of(calculation: Calculation) -> str | None:
    """The calculation run backwards, such as `39 + 35 = 74` for `74 - 35 = 39`; None where it is not exact."""
    left, result = calculation.left, calculation.result
    if not (isinstance(left.left, Fraction) and isinstance(left.right, Fraction)) or "%" in calculation.text:
        return None
    a, b = left.left, left.right
    if calculation.value != result or (b == 0 and left.operator in "*/") or b < 0:
        return None
    signs = _signs_of(calculation.expression)
    back = Operation({"+": "-", "-": "+", "*": "/", "/": "*"}[left.operator], result, b)
    texts = [write_number(value) for value in (a, b, result)]
    if any("/" in text for text in texts):
        return None
    return f"{write_expression(back, signs)} = {texts[0]}"


def _signs_of(expression: str) -> dict[str, str]:
    """Write signs as the calculation does."""
    times = next((sign for sign in "×*·" if sign in expression), "x" if " x " in expression else "×")
    return SIGNS | {"*": times, "/": "÷" if "÷" in expression else "/"}


def _percent(calculation: Calculation, signs: dict[str, str]) -> list[str]:
    """`50% of 80` as `50/100 × 80`."""
    left = calculation.left
    if "%" not in calculation.expression or not isinstance(left.left, Fraction) or not isinstance(left.right, Fraction):
        return []
    if left.operator != "*" or "%" in calculation.expression.partition("%")[2] or left.left >= 10:
        return []
    return [f"{write_number(left.left * 100)}/100 {signs['*']} {write_number(left.right)}"]


def _reduce(expression: Operation, signs: dict[str, str]) -> list[str]:
    """One operation after another: `2 + 3 + 4` as `5 + 4`."""
    written: list[str] = []
    current: Expression = expression
    for _ in range(_MAX_REDUCTIONS):
        current = _reduce_once(current)
        if isinstance(current, Fraction):
            return written
        written.append(write_expression(current, signs))
    return []


def _reduce_once(expression: Expression) -> Expression:
    if isinstance(expression, Fraction):
        return expression
    for side in ("left", "right"):
        inner = expression.left if side == "left" else expression.right
        if isinstance(inner, Operation):
            reduced = _reduce_once(inner)
            if side == "left":
                return Operation(expression.operator, reduced, expression.right)
            return Operation(expression.operator, expression.left, reduced)
    value = evaluate(expression)
    return expression if value is None else value


def _split(expression: Operation, signs: dict[str, str]) -> list[str]:
    """Two numbers: one of them is taken apart."""
    a, b = expression.left, expression.right
    if isinstance(a, Operation) or isinstance(b, Operation) or a <= 0 or b <= 0:
        return []
    parts = {"+": _split_sum, "-": _split_difference, "*": _split_product, "/": _split_quotient}[expression.operator](
        a, b
    )
    return [write_expression(part, signs) for part in parts]


def _split_sum(a: Fraction, b: Fraction) -> list[Expression]:
    head, tail = _head_and_tail(b) if b >= 10 or b.denominator > 1 else _to_ten(a, b)
    if not head or not tail:
        return []
    return [Operation("+", Operation("+", a, head), tail), Operation("+", a + head, tail)]


def _split_difference(a: Fraction, b: Fraction) -> list[Expression]:
    ones = a.numerator % 10 if a.denominator == 1 else 0
    down_to_ten = (Fraction(ones), b - ones) if 0 < ones < b < 10 else (Fraction(0), b)
    head, tail = _head_and_tail(b) if b >= 10 or b.denominator > 1 else down_to_ten
    if not head or not tail:
        return []
    return [Operation("-", Operation("-", a, head), tail), Operation("-", a - head, tail)]


def _split_product(a: Fraction, b: Fraction) -> list[Expression]:
    if a.denominator == b.denominator == 1 and max(a, b) <= 10:
        return _repeat(a, b)
    (head, tail), (other_head, other_tail) = _head_and_tail(a), _head_and_tail(b)
    if tail and (a >= b or not other_tail):
        terms = Operation("*", head, b), Operation("*", tail, b)
    elif other_tail:
        terms = Operation("*", a, other_head), Operation("*", a, other_tail)
    else:
        return []
    values = [Fraction(0) if (value := evaluate(term)) is None else value for term in terms]
    return [Operation("+", *terms), Operation("+", *values)]


def _repeat(a: Fraction, b: Fraction) -> list[Expression]:
    """`3 × 4` as `4 + 4 + 4`, `7 × 8` as `6 × 8 + 8`."""
    if min(a, b) < 2:
        return []
    if a > 4:
        return [Operation("+", Operation("*", a - 1, b), b), Operation("+", (a - 1) * b, b)]
    total: Expression = b
    for _ in range(int(a) - 1):
        total = Operation("+", total, b)
    return [total]


def _split_quotient(a: Fraction, b: Fraction) -> list[Expression]:
    quotient = a / b
    if b.denominator != 1 or quotient.denominator != 1 or quotient < 11 or b == 1:
        return []
    head, tail = _head_and_tail(quotient)
    if not head or not tail:
        return []
    return [Operation("/", Operation("+", head * b, tail * b), b), Operation("+", head, tail)]


def _head_and_tail(value: Fraction) -> tuple[Fraction, Fraction]:
    """The leading digit with its zeros, and the rest; of a number below 10 the whole part, and the rest."""
    whole = value.numerator // value.denominator
    if len(write_number(value)) > 9 or "/" in write_number(value):
        return value, Fraction(0)
    power = 10 ** (len(str(whole)) - 1)
    head = Fraction(whole // power * power)
    return head, value - head


def _to_ten(a: Fraction, b: Fraction) -> tuple[Fraction, Fraction]:
    """`8 + 7` over the next ten: 2 and 5."""
    if a.denominator != 1:
        return b, Fraction(0)
    gap = Fraction(-a.numerator % 10)
    return (gap, b - gap) if 0 < gap < b else (b, Fraction(0))
