"""The teacher of a run: what was asked, what came of it, what it cost; refused replies to read through."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from statistics import median
from typing import Any

from tutelage.money import PICO
from tutelage.teacher.ledger.ledger import LedgerRow
from tutelage.view.facts import RefusedPage, RefusedRow, TeacherFacts
from tutelage.view.fields import listed, mapping, number
from tutelage.view.index.index import RunIndex

POINTS = 60
"""Of the curve of replies over time."""
SIZE = 20
"""Refused replies on a page."""


def teacher_facts(index: RunIndex) -> TeacherFacts:
    """The teacher's figures, as far as the run is indexed."""
    return index.remembered("teacher", lambda: _teacher_facts(index))


def _teacher_facts(index: RunIndex) -> TeacherFacts:
    by_round = index.rows("SELECT round, requests, prompt, completion, pico, sound FROM teaching ORDER BY round")
    dearest = index.rows(
        """SELECT name, coalesce(question, ''), pico, tokens FROM dearest JOIN problems ON id = problem
            ORDER BY pico DESC, tokens DESC, problem LIMIT 10"""
    )
    paid = index.rows("SELECT created, model, seconds FROM paid ORDER BY created")
    spent = sum(row[4] for row in by_round) / PICO
    return TeacherFacts(
        by_round=[(*row[:4], row[4] / PICO, row[5]) for row in by_round],
        failures=dict(index.rows("SELECT kind, n FROM failures ORDER BY n DESC, kind")),
        ways={way: (asked, sound) for way, asked, sound in index.rows("SELECT * FROM ways ORDER BY asked DESC, way")},
        over_time=over_time([row[0] for row in paid]),
        latency=latency([(model, seconds) for _, model, seconds in paid if seconds]),
        dearest=[(name, question, pico / PICO, tokens) for name, question, pico, tokens in dearest],
        spent_usd=spent,
        cap_usd=index.about.cap_usd,
    )


def over_time(times: Sequence[float], points: int = POINTS) -> list[tuple[float, int]]:
    """Counts of sorted moments in steps of equal length: (end of the step, moments since the last end)."""
    if not times:
        return []
    first, span = times[0], times[-1] - times[0]
    if span <= 0:
        return [(first, len(times))]
    steps = Counter(min(points - 1, int((moment - first) / span * points)) for moment in times)
    return [(first + span * (step + 1) / points, steps[step]) for step in range(points)]


def latency(took: Sequence[tuple[str, float]]) -> list[tuple[str, float, float]]:
    """Median and 95th percentile of seconds by model."""
    found: list[tuple[str, float, float]] = []
    for model, group in groupby(sorted(took), itemgetter(0)):
        seconds = [each for _, each in group]
        found.append((model, median(seconds), seconds[math.ceil(0.95 * len(seconds)) - 1]))
    return found


def refused_page(index: RunIndex, kind: str | None = None, page: int = 1) -> RefusedPage:
    """A page of the refused replies of a kind (None: of all), from 1; a page beyond the last is the last."""
    query = "SELECT kind, count(*) FROM refused GROUP BY kind ORDER BY count(*) DESC, kind"
    kinds = index.remembered("refused", lambda: dict(index.rows(query)))
    found = sum(kinds.values()) if kind is None else kinds.get(kind, 0)
    pages = max(1, -(-found // SIZE))
    page = min(max(1, page), pages)
    return RefusedPage(_refused(index, kind, (page - 1) * SIZE), found, page, pages, kinds)


def _refused(index: RunIndex, kind: str | None, start: int) -> list[RefusedRow]:
    where, values = ("WHERE kind = ?", (kind,)) if kind is not None else ("", ())
    found = index.rows(
        f"""SELECT path, round, name, coalesce(question, ''), refused.kind, refused.offset, refused.length, asking
            FROM (SELECT * FROM refused {where} ORDER BY id LIMIT {SIZE} OFFSET {start}) AS refused
            JOIN problems ON problems.id = problem JOIN files ON files.id = refused.file ORDER BY refused.id""",
        values,
    )
    rows = [(row, index.read(row[0], *row[5:7])) for row in found]
    ledger = index.replies(str(key) for _, read in rows for each in read for key in listed(each.get("keys")))
    shown: list[RefusedRow] = []
    for (_, round, name, question, what, _, _, asking), read in rows:
        for each in read[:1]:
            if each.get("problem_id") == name:
                shown.append(RefusedRow(round, name, question, *_told(each, asking, ledger, what)))
    return shown


def _told(
    row: Mapping[str, Any], place: int, ledger: Mapping[str, LedgerRow], kind: str
) -> tuple[str, str, str, float]:
    """Text, kind, reason and cost of a refused reply: of the asking at this place, or of a request without one."""
    verdict, usage = mapping(row.get("verdict")), mapping(row.get("usage"))
    reason, text = str(verdict.get("reason") or ""), str(row.get("text") or "")
    keys, asked = [str(key) for key in listed(row.get("keys"))], [mapping(each) for each in listed(row.get("asked"))]
    if not 0 <= place < len(asked):
        return text, kind, reason, number(usage.get("cost_usd"))
    samples = max(1, len(keys) // len(asked))
    rows = [ledger[key] for key in keys[place * samples : (place + 1) * samples] if key in ledger]
    last = place == len(asked) - 1
    said = "\n\n".join(each.text for each in rows) or (text if last else "")
    told = str(asked[place].get("reason") or (reason if last else ""))
    return said, kind, told, sum(each.cost_usd for each in rows)
