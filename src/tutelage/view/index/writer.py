"""Writes batches into an index: one transaction each, the book kept up to date."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from tutelage.records import Split
from tutelage.view.courses import course_of, shares, state_of
from tutelage.view.index.followed import Followed
from tutelage.view.index.gather import LONG, SHORT, Batch
from tutelage.view.index.words import words_of

TEST = 2**40
"""Sittings are numbered in the order of a run: two a round, exam and evaluation; then those of test."""
_MOST_KINDS = 60
_AT_ONCE = 500


class Writer:
    """What is known of an index while it is written: the numbers of problems and of kinds."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.sql = connection
        self._numbers: dict[str, int] = {}
        self._asked: set[int] = set()
        self._bits: dict[str, int] = dict(connection.execute("SELECT name, bit FROM kinds").fetchall())

    def number(self, name: str, split: Split) -> int:
        """The number of a problem; a new one gets one, and a row in the book if it is trained on."""
        number = self._numbers.get(name)
        return self._look_up(name, split) if number is None else number

    def known(self, name: bytes) -> int | None:
        """The number of a problem whose question is known."""
        number = self._numbers.get(name.decode(errors="replace"))
        return number if number in self._asked else None

    def _look_up(self, name: str, split: Split) -> int:
        found = self.sql.execute("SELECT id, question IS NOT NULL FROM problems WHERE name = ?", (name,)).fetchone()
        if found is None:
            number = self.sql.execute("INSERT INTO problems (name, split) VALUES (?, ?)", (name, split)).lastrowid or 0
            if split == "train":
                self.sql.execute("INSERT INTO book (problem) VALUES (?)", (number,))
        else:
            number = int(found[0])
            if found[1]:
                self._asked.add(number)
        self._numbers[name] = number
        return number

    def write(self, file: Followed, batch: Batch) -> None:
        """Write a batch of a file; to be called in a transaction."""
        self._problems(file, batch)
        self.sql.executemany(
            "INSERT OR REPLACE INTO spans VALUES (?, ?, ?, ?)",
            [(file.id, problem, offset, length) for problem, offset, length in batch.spans],
        )
        self._cells(file, batch)
        self._mistakes(file, batch)
        self._teaching(file, batch)
        words = [(problem, " ".join(words_of(texts))) for problem, texts in sorted(batch.texts.items())]
        self.sql.executemany("INSERT INTO words (rowid, said) VALUES (?, ?)", words)

    def _problems(self, file: Followed, batch: Batch) -> None:
        rows: list[tuple[object, ...]] = []
        for number, split, kind, question, answer, offset, length in batch.problems:
            if number in self._asked and file.role == "examples":
                continue
            self._asked.add(number)
            batch.texts.setdefault(number, []).append(question)
            key = question.casefold()[:SHORT]
            rows.append((split, kind, _cut(question, LONG), _cut(answer, LONG), key, file.id, offset, length, number))
        columns = "split = ?, kind = coalesce(?, kind), question = ?, answer = ?, sort_key = ?, file = ?"
        self.sql.executemany(f"UPDATE problems SET {columns}, offset = ?, length = ? WHERE id = ?", rows)

    def _cells(self, file: Followed, batch: Batch) -> None:
        if not (batch.cells or batch.kinds):
            return
        sitting = sitting_of(file)
        if batch.cells:
            name = f"exam-{file.round}" if file.role == "exam" else _evaluation(file)
            split = "train" if file.role == "exam" else "test" if file.round is None else "validation"
            row = sitting, name, file.round, split, file.id
            self.sql.execute("INSERT OR IGNORE INTO sittings VALUES (?, ?, ?, ?, ?)", row)
        rows = [(sitting, problem, *cell, 0) for problem, cell in sorted(batch.cells.items())]
        rows += [(sitting, problem, 0, 0, self._mask(kinds)) for problem, kinds in sorted(batch.kinds.items())]
        self.sql.executemany(
            """INSERT INTO cells VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET correct = correct + excluded.correct,
                total = total + excluded.total, kinds = kinds | excluded.kinds""",
            rows,
        )
        if file.role != "evaluation":
            self._courses(sorted(batch.cells.keys() | batch.kinds.keys()))

    def _courses(self, problems: list[int]) -> None:
        """The book's rows of problems whose cells have changed."""
        exams = [number for (number,) in self.sql.execute("SELECT id FROM sittings WHERE split = 'train' ORDER BY id")]
        of_exam = "SELECT problem, correct, total, kinds FROM cells WHERE sitting = ? AND problem IN ({})"
        for start in range(0, len(problems), _AT_ONCE):
            some = problems[start : start + _AT_ONCE]
            query = of_exam.format(", ".join("?" * len(some)))
            cells: dict[int, list[tuple[int, int]]] = {problem: [] for problem in some}
            masks = dict.fromkeys(some, 0)
            for sat, exam in enumerate(exams, start=1):
                for problem, correct, total, kinds in self.sql.execute(query, (exam, *some)):
                    cells[problem].append((correct, total))
                    masks[problem] |= kinds
                for of_problem in cells.values():
                    if len(of_problem) < sat:
                        of_problem.append((0, 0))
            self.sql.executemany(
                """UPDATE book SET course = ?, states = ?, first_share = ?, last_share = ?, kinds = ?
                    WHERE problem = ?""",
                [
                    (course_of(each), "".join(state_of(*cell) for cell in each), *shares(each), masks[problem], problem)
                    for problem, each in cells.items()
                ],
            )

    def _mask(self, kinds: Iterable[str]) -> int:
        mask = 0
        for kind in kinds:
            if kind not in self._bits:
                if len(self._bits) >= _MOST_KINDS:  # ours are five
                    continue
                self._bits[kind] = len(self._bits)
                self.sql.execute("INSERT INTO kinds (bit, name) VALUES (?, ?)", (self._bits[kind], kind))
            mask |= 1 << self._bits[kind]
        return mask

    def _mistakes(self, file: Followed, batch: Batch) -> None:
        add = "ON CONFLICT DO UPDATE SET n = n + excluded.n"
        if file.role == "exam":
            rows = sorted((problem, answer, n) for (problem, answer), n in batch.answers.items())
            self.sql.executemany(f"INSERT INTO answers VALUES (?, ?, ?) {add}", rows)
        counts = [(sitting_of(file), kind, n) for kind, n in batch.kind_counts.items()]
        self.sql.executemany(f"INSERT INTO kind_counts VALUES (?, ?, ?) {add}", counts)
        steps = sorted((*key, n, problem) for key, (n, problem) in batch.steps.items())
        self.sql.executemany(f"INSERT INTO steps VALUES (?, ?, ?, ?) {add}", steps)

    def _teaching(self, file: Followed, batch: Batch) -> None:
        if not batch.replies:
            return
        self.sql.execute(
            """INSERT INTO teaching VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
                requests = requests + excluded.requests, prompt = prompt + excluded.prompt,
                completion = completion + excluded.completion, pico = pico + excluded.pico,
                sound = sound + excluded.sound""",
            (file.round, *batch.usage),
        )
        self.sql.executemany(
            "UPDATE book SET taught = taught + ?, rejected = rejected + ?, pico = pico + ? WHERE problem = ?",
            [
                (each.answered and each.sound, each.answered and not each.sound, each.pico, each.problem)
                for each in batch.replies
            ],
        )
        add = "ON CONFLICT DO UPDATE SET"
        self.sql.executemany(f"INSERT INTO failures VALUES (?, ?) {add} n = n + excluded.n", batch.failures.items())
        self.sql.executemany(
            f"INSERT INTO ways VALUES (?, ?, ?) {add} asked = asked + excluded.asked, sound = sound + excluded.sound",
            [(way, *counts) for way, counts in batch.ways.items()],
        )
        self.sql.executemany(
            "INSERT INTO refused (kind, problem, file, offset, length, asking) VALUES (?, ?, ?, ?, ?, ?)",
            [(kind, problem, file.id, *place) for kind, problem, *place in batch.refused],
        )
        dear = [(each.pico, each.tokens, each.problem) for each in batch.replies]
        self.sql.executemany("INSERT INTO dearest VALUES (?, ?, ?)", dear)
        self.sql.execute(
            """DELETE FROM dearest WHERE rowid NOT IN
                (SELECT rowid FROM dearest ORDER BY pico DESC, tokens DESC, problem LIMIT 20)"""
        )


def sitting_of(file: Followed) -> int:
    """The number of the sitting whose answers, or mistakes, a file holds."""
    if file.round is None:
        return TEST + (file.path != "test-before.jsonl")
    return 2 * file.round + (file.role == "evaluation")


def _evaluation(file: Followed) -> str:
    return file.path.removesuffix(".jsonl") if file.round is None else f"evaluation-{file.round}"


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[:longest] + "…"
