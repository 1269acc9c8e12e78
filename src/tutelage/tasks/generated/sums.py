"""Generated arithmetic with our own worked solutions: animal legs, chains of sums, common divisors, shopping.

Ann draws 3 cows, 2 ducks and 1 spider. How many legs does she draw in total?
3 cows: 3 × 4 = 12. 2 ducks: 2 × 2 = 4. 1 spider: 1 × 8 = 8. 12 + 4 = 16. 16 + 8 = 24.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from tutelage.records import Problem
from tutelage.tasks.generated.generator import Options
from tutelage.tasks.generated.gym import animal_legs, gym_rows

LEGS: Options = {"min_animals": 2, "max_animals": 4, "min_instances": 1, "max_instances": 15}
CHAIN: Options = {"min_terms": 2, "max_terms": 5, "min_digits": 1, "max_digits": 2}
DIVISOR: Options = {"min_value": 10, "max_value": 500}
SHOPPING: Options = {"min_items": 1, "max_items": 3, "max_count": 9, "max_price": 12}

_PLURALS = {
    "butterfly": "butterflies", "cockroach": "cockroaches", "deer": "deer", "firefly": "fireflies",
    "jellyfish": "jellyfish", "leech": "leeches", "praying mantis": "praying mantises", "sheep": "sheep",
    "starfish": "starfish", "woodlouse": "woodlice",
}  # fmt: skip
_NAMES = ("Aisha", "Ben", "Chloe", "David", "Elif", "Felix", "Grace", "Hugo", "Ines", "Jonas", "Kira", "Liam")
_GOODS = (
    "apple",
    "ball",
    "book",
    "cake",
    "candle",
    "cup",
    "kite",
    "lamp",
    "notebook",
    "pen",
    "plant",
    "puzzle",
    "scarf",
)


def leg_counting(seed: int, options: Options) -> Iterator[Problem]:
    """The total number of legs of several kinds of animals; the animals are from reasoning-gym."""
    for row in gym_rows("leg_counting", seed, options):
        legs = animal_legs()
        herd = [(count, _animals(name, count), legs[name]) for name, count in row["metadata"]["animals"].items()]
        yield Problem.of(
            f"Ann draws {in_words([f'{count} {name}' for count, name, _ in herd])}. "
            "How many legs does she draw in total?",
            row["answer"],
            rationale=" ".join(
                [f"{count} {name}: {count} × {each} = {count * each}." for count, name, each in herd]
                + running_total([count * each for count, _, each in herd])
            ),
            equation=" + ".join(f"{count} * {each}" for count, _, each in herd),
        )


def chain_sum(seed: int, options: Options) -> Iterator[Problem]:
    """Sums and differences of several numbers, one step at a time; the chains are from reasoning-gym."""
    for row in gym_rows("chain_sum", seed, options):
        expression: str = row["metadata"]["expression"]
        first, *rest = expression.split()
        terms = [
            int(number) if sign == "+" else -int(number) for sign, number in zip(rest[::2], rest[1::2], strict=True)
        ]
        yield Problem.of(
            f"What is {expression}?",
            row["answer"],
            rationale=" ".join(running_total([int(first), *terms])),
            equation=expression,
        )


def common_divisor(seed: int, options: Options) -> Iterator[Problem]:
    """The greatest common divisor of two numbers, by Euclid's algorithm; the numbers are from reasoning-gym."""
    for row in gym_rows("gcd", seed, options):
        larger, smaller = sorted(row["metadata"]["numbers"], reverse=True)
        yield Problem.of(
            f"What is the greatest common divisor of {larger} and {smaller}?",
            row["answer"],
            rationale=" ".join(_euclid(larger, smaller)),
        )


def shopping(seed: int, options: Options) -> Iterator[Problem]:
    """The price of a purchase, or the change from a banknote."""
    draw = random.Random(f"shopping {seed}")
    while True:
        name = draw.choice(_NAMES)
        kinds = draw.sample(_GOODS, min(draw.randint(options["min_items"], options["max_items"]), len(_GOODS)))
        basket = [
            (draw.randint(1, options["max_count"]), kind, draw.randint(1, options["max_price"])) for kind in kinds
        ]
        yield _purchase(name, basket, change=draw.random() < 0.5)


def running_total(terms: Sequence[int]) -> list[str]:
    """One sum per step: [12, 4, -8] gives "12 + 4 = 16." and "16 - 8 = 8."."""
    steps: list[str] = []
    total = terms[0]
    for term in terms[1:]:
        steps.append(f"{total} {'-' if term < 0 else '+'} {abs(term)} = {total + term}.")
        total += term
    return steps


def in_words(words: Sequence[str]) -> str:
    """Words as a list in a sentence: "a, b and c"."""
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else words[0]


def _purchase(name: str, basket: Sequence[tuple[int, str, int]], *, change: bool) -> Problem:
    lines = [f"{count} {kind}{'s' * (count > 1)}" for count, kind, _ in basket]
    bought = in_words([f"{line} at ${price} each" for line, (_, _, price) in zip(lines, basket, strict=True)])
    costs = [count * price for count, _, price in basket]
    total = sum(costs)
    steps = [
        f"{line}: {count} × {price} = {count * price}." for line, (count, _, price) in zip(lines, basket, strict=True)
    ]
    steps += running_total(costs)
    equation = " + ".join(f"{count} * {price}" for count, _, price in basket)
    if not change:
        return Problem.of(
            f"{name} buys {bought}. How many dollars does {name} pay?",
            str(total),
            rationale=" ".join(steps),
            equation=equation,
        )
    note = next(size for size in _notes() if size > total)
    return Problem.of(
        f"{name} buys {bought} and pays with a ${note} note. How many dollars does {name} get back?",
        str(note - total),
        rationale=" ".join([*steps, f"{note} - {total} = {note - total}."]),
        equation=f"{note} - ({equation})",
    )


def _notes() -> Iterator[int]:
    size = 10
    while True:
        yield from (size, 2 * size, 5 * size)
        size *= 10


def _euclid(larger: int, smaller: int) -> Iterator[str]:
    while smaller:
        quotient, remainder = divmod(larger, smaller)
        yield f"{larger} = {quotient} × {smaller} + {remainder}."
        larger, smaller = smaller, remainder
    yield f"The last divisor is {larger}."


def _animals(name: str, count: int) -> str:
    return name if count == 1 else _PLURALS.get(name, f"{name}s")
