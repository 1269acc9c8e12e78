"""Writes the tickets: train.jsonl, validation.jsonl and test.jsonl beside this file. All of them are invented.

    python examples/tickets/make_data.py

A ticket is one of 22 situations in one of its wordings, with other things, times and sums each time, between a greeting
and a close; about half have an aside that belongs to another queue and is settled. The reason is the worked solution.
"""

import json
import random
import re
from collections.abc import Iterator
from pathlib import Path

from situations import SITUATIONS, Situation

EACH = {"train": (12, range(3)), "validation": (3, range(3, 4)), "test": (6, range(4, 5))}
"""Tickets of each situation, and the wordings that they are in."""

WORDS = {
    "thing": """blender, coffee machine, food processor, kettle, toaster, rice cooker, stand mixer, ice cream maker,
 bread maker, soup maker, waffle iron, juicer, deep fryer, egg cooker""",
    "part": "lid, switch, motor, seal, display, handle, drum, timer, knob",
    "colour": "red, cream, black, green, blue, white",
    "city": "Leeds, Cork, Malmö, Ghent, Porto, Graz, Lyon, Turin, Bergen, Utrecht, Basel, Gdańsk",
    "name": "Ada, Ben, Chiara, Dmitri, Elif, Femi, Greta, Hugo, Ines, Jonas, Kaya, Leo, Mina, Noor, Olga, Pavel",
}
GREETINGS = ("", "", "Hello,", "Hi!", "Good morning,", "Dear team,", "Hello again,", "To whom it may concern:")
CLOSES = ("", "", "Thanks, {name}", "{name}", "Regards, {name}", "Please help.", "What now?", "Best wishes, {name}")
ASIDES = {
    "orders": ("My next purchase can wait until this is settled.", "I had thought of buying a second one, by the way."),
    "delivery": ("My last parcel from you came quickly, that was fine.", "Your driver in {city} is always friendly."),
    "returns": ("I don't want to send anything back.",),
    "warranty": (
        "The booklet on your guarantee says nothing about this.",
        "The other machines that I have from you run well.",
    ),
    "repair": ("My uncle mends such machines, but he is on holiday.",),
    "billing": ("I paid {amount} by card, and that went well.", "The invoice is all right."),
    "account": ("Logging in works.", "My customer number is {number}."),
    "app": ("I like your app.", "I don't use the app."),
    "privacy": ("I enjoy your newsletter, too.",),
}


def tickets(situation: Situation, wordings: range, rng: random.Random) -> Iterator[dict[str, str]]:
    """Endless tickets of a situation, in its wordings by turns."""
    while True:
        for wording in wordings:
            parts = [situation.wordings[wording]]
            if rng.random() < 0.5:
                others = [text for queue, texts in ASIDES.items() if queue != situation.queue for text in texts]
                parts.insert(rng.randrange(2), rng.choice(others))
            values = _values(rng)
            text = " ".join([rng.choice(GREETINGS), *parts, rng.choice(CLOSES)]).strip().format(**values)
            question, reason = _with_articles(text), _with_articles(situation.reason.format(**values))
            question = question.lower() if rng.random() < 0.1 else question
            yield {"question": question, "answer": situation.queue, "rationale": reason}


def _values(rng: random.Random) -> dict[str, str]:
    """What stands in the braces of a ticket."""
    return {
        **{name: rng.choice(words.replace("\n", "").split(", ")) for name, words in WORDS.items()},
        "order": f"KC-{rng.randrange(10_000, 100_000)}",
        "number": str(rng.randrange(100_000, 1_000_000)),
        "amount": f"{rng.randrange(19, 400)} euros",
        "days": str(rng.randrange(3, 29)),
        "months": str(rng.randrange(3, 23)),
        "years": str(rng.randrange(3, 13)),
    }


def _with_articles(text: str) -> str:
    return re.sub(r"\b([Aa]) (?=(ice|egg)\b)", r"\1n ", text)


def rows(seed: int = 0) -> dict[str, list[dict[str, str]]]:
    """The tickets of each split, shuffled; no question comes twice."""
    rng, seen = random.Random(seed), set[str]()
    found: dict[str, list[dict[str, str]]] = {}
    for split, (each, wordings) in EACH.items():
        found[split] = []
        for situation in SITUATIONS:
            new = (row for row in tickets(situation, wordings, rng) if row["question"] not in seen)
            for row in (next(new) for _ in range(each)):
                seen.add(row["question"])
                found[split].append(row)
        rng.shuffle(found[split])
    return found


if __name__ == "__main__":
    for name, part in rows().items():
        lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in part]
        (Path(__file__).parent / f"{name}.jsonl").write_text("".join(lines), encoding="utf-8")
        print(f"{name}.jsonl: {len(part)} tickets")
