"""The mistakes of a run: kinds, the flow of problems from exam to exam, what is answered wrong again and again."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import pairwise
from typing import Any

from tutelage.view.courses import ABSENT, STATES
from tutelage.view.facts import Flow, Mistakes
from tutelage.view.index.index import RunIndex

MOST = 20
"""The wrong answers and the wrong steps that are listed."""


def mistakes(index: RunIndex) -> Mistakes:
    """The mistakes of a run, as far as it is indexed."""
    return index.remembered("mistakes", lambda: _mistakes(index))


def _mistakes(index: RunIndex) -> Mistakes:
    kinds: dict[str, dict[str, int]] = defaultdict(dict)
    query = "SELECT name, kind, n FROM kind_counts JOIN sittings ON id = sitting ORDER BY id, n DESC, kind"
    for name, kind, n in index.rows(query):
        kinds[name][kind] = n
    answers = _most(index, "answers", "name, coalesce(question, ''), often.answer, n")
    steps = _most(index, "steps", "step, instead, n, name")
    return Mistakes(dict(kinds), _flows(index), [tuple(row) for row in answers], [tuple(row) for row in steps])


def _most(index: RunIndex, table: str, columns: str) -> list[tuple[Any, ...]]:
    """The most frequent rows of a table. Only those that come more than twice are in an index of SQLite's."""
    key = ("problem", "answer") if table == "answers" else ("step", "instead")
    query = f"""SELECT {columns} FROM
        (SELECT * FROM {table} {{}} ORDER BY n DESC, {", ".join(key)} LIMIT {MOST}) AS often
        JOIN problems ON id = problem ORDER BY n DESC, {", ".join(f"often.{name}" for name in key)}"""
    found = index.rows(query.format("WHERE n > 2"))
    return found if len(found) == MOST else index.rows(query.format(""))


def _flows(index: RunIndex) -> dict[str, list[Flow]]:
    exams = [sitting.name for sitting in index.sittings() if sitting.split == "train"]
    states = index.rows("SELECT states, count(*) FROM book GROUP BY states")
    flows: dict[str, list[Flow]] = {}
    for place, (name, _) in enumerate(pairwise(exams)):
        moved = Counter[tuple[str, str]]()
        for letters, n in states:
            pair = letters[place : place + 2]
            if len(pair) == 2 and ABSENT not in pair:
                moved[STATES[pair[0]], STATES[pair[1]]] += n
        pairs = [(before, after) for before in STATES.values() for after in STATES.values()]
        flows[name] = [Flow(*pair, moved[pair]) for pair in pairs if moved[pair]]
    return flows
