"""The class book: one row a training problem, one cell an exam; filtered, sorted, searched, by pages."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import cast

from tutelage.money import PICO
from tutelage.view.facts import COURSES, BookPage, BookRow, Cell, Course, Filter, Sitting
from tutelage.view.index.index import RunIndex
from tutelage.view.index.words import as_query

_SORTS = {
    "order": "problem",
    "first": "first_share",
    "last": "last_share",
    "gain": "last_share - first_share",
    "replies": "taught + rejected",
    "cost": "pico",
}


def book_page(index: RunIndex, wanted: Filter, page: int = 1, size: int = 50) -> BookPage:
    """A page of the class book, from 1; a page beyond the last is the last.

    `kind` filters by the kinds of all mistakes of a problem. Rows without a value to sort by come last, equal ones by
    the task's order. An unknown sort is the task's order.
    """
    found = ordered(index, wanted)
    exams = [sitting for sitting in index.sittings() if sitting.split == "train"]
    pages = max(1, -(-len(found) // size))
    page = min(max(1, page), pages)
    rows = book_rows(index, found[(page - 1) * size : page * size], exams)
    return BookPage(rows, exams, len(found), page, pages, _counts(index))


def ordered(index: RunIndex, wanted: Filter) -> Sequence[int]:
    """The numbers of the problems that a filter finds, in its order."""
    return index.remembered(("ordered", wanted), lambda: _ordered(index, wanted))


def _ordered(index: RunIndex, wanted: Filter) -> Sequence[int]:
    terms, values = ["1"], list[object]()
    if wanted.course is not None:
        terms.append("course = ?")
        values.append(wanted.course)
    if wanted.kind is not None:
        terms.append("kinds & coalesce((SELECT 1 << bit FROM kinds WHERE name = ?), 0)")
        values.append(wanted.kind)
    for column, bound in (("taught", wanted.taught), ("rejected", wanted.rejected)):
        if bound is not None:
            terms.append(f"{column} > 0" if bound else f"{column} = 0")
    if query := as_query(wanted.search):
        terms.append("problem IN (SELECT rowid FROM words WHERE words MATCH ?)")
        values.append(query)
    key, down = wanted.sort.removeprefix("-"), " DESC" if wanted.sort.startswith("-") else ""
    query = f"SELECT problem FROM book WHERE {' AND '.join(terms)}"
    if key == "question":  # texts are sorted once, not for every filter
        found = {number for (number,) in index.rows(query, tuple(values))}
        return array("q", filter(found.__contains__, index.remembered(f"questions{down}", lambda: _asked(index, down))))
    column = _SORTS.get(key, "problem")
    rows = index.rows(f"{query} ORDER BY {column} IS NULL, {column}{down}, problem", tuple(values))
    return array("q", [number for (number,) in rows])


def _asked(index: RunIndex, down: str) -> Sequence[int]:
    """All problems by their questions, those without one last."""
    known = index.rows(f"SELECT id FROM problems WHERE sort_key IS NOT NULL ORDER BY sort_key{down}, id")
    unknown = index.rows("SELECT id FROM problems WHERE sort_key IS NULL ORDER BY id")
    return array("q", [number for (number,) in (*known, *unknown)])


def book_rows(index: RunIndex, numbers: Sequence[int], exams: Sequence[Sitting]) -> list[BookRow]:
    """The rows of some problems, in this order."""
    marks = ", ".join("?" * len(numbers))
    query = f"""SELECT problem, name, question, answer, course, taught, rejected, pico
        FROM book JOIN problems ON id = problem WHERE problem IN ({marks})"""
    found = {row[0]: row[1:] for row in index.rows(query, tuple(numbers))}
    query = f"""SELECT problem, name, correct, total, kinds FROM sittings JOIN cells ON sitting = id
        WHERE split = 'train' AND problem IN ({marks})"""
    cells = {(problem, name): cell for problem, name, *cell in index.rows(query, tuple(numbers))}
    kinds = index.rows("SELECT bit, name FROM kinds ORDER BY name")
    rows: list[BookRow] = []
    for number in numbers:
        if number not in found:
            continue
        name, question, answer, course, taught, rejected, pico = found[number]
        of_exams: list[Cell] = []
        for exam in exams:
            right, total, mask = cells.get((number, exam.name), (0, 0, 0))
            of_exams.append(Cell(right, total, tuple(kind for bit, kind in kinds if mask >> bit & 1)))
        usd, course = pico / PICO, cast(Course, course)
        rows.append(BookRow(name, question or "", answer or "", course, of_exams, taught, rejected, usd))
    return rows


def _counts(index: RunIndex) -> dict[str, int]:
    query = "SELECT course, count(*) FROM book GROUP BY course"
    found = index.remembered("courses", lambda: dict(index.rows(query)))
    return {course: found.get(course, 0) for course in COURSES}
