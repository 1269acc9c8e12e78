"""The mistakes of a run: kinds, the flow of problems from exam to exam, what is answered wrong again and again."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import pairwise

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
    answers = index.rows(
        f"""SELECT name, coalesce(question, ''), often.answer, n FROM
            (SELECT * FROM answers ORDER BY n DESC, problem, answer LIMIT {MOST}) AS often
            JOIN problems ON id = problem ORDER BY n DESC, problem, often.answer"""
    )
    steps = index.rows(
        f"""SELECT step, instead, n, name FROM
            (SELECT * FROM steps ORDER BY n DESC, step, instead LIMIT {MOST}) JOIN problems ON id = problem
            ORDER BY n DESC, step, instead"""
    )
    return Mistakes(dict(kinds), _flows(index), [tuple(row) for row in answers], [tuple(row) for row in steps])


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
