"""The tables of an index. They hold places in the run's files, and figures; texts are read from the files.

    files      what is followed, and how far it has been read
    problems   a number for every problem id; question and answer, shortened
    spans      where rows of a problem stand: (file, problem, offset, length), one for rows that follow one another
    cells      a problem in a sitting: right attempts of all, the kinds of its mistakes as bits
    book       one row a training problem: all that filters and sorts need
    words      full text: which words stand in what was said about a problem

`words` is a table of FTS5 without contents, whose row ids are problems' numbers. Words that come later are inserted
under the same number: FTS5 then finds the problem by the earlier and by the later ones, since it looks up words alone
(`detail=none`) and merges equal numbers (tests/view/index/test_words.py).
"""

from __future__ import annotations

VERSION = 1
"""Of the tables. An index of another version is another file."""

TABLES = """
CREATE TABLE state (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE files (
    id INTEGER PRIMARY KEY, path TEXT NOT NULL, role TEXT NOT NULL, round INTEGER,
    inode INTEGER NOT NULL, size INTEGER NOT NULL, mtime INTEGER NOT NULL,
    offset INTEGER NOT NULL, rows INTEGER NOT NULL, broken INTEGER NOT NULL, crc INTEGER NOT NULL, tail BLOB NOT NULL,
    UNIQUE (path, role)
);
CREATE TABLE problems (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, split TEXT NOT NULL, kind TEXT,
    question TEXT, answer TEXT, sort_key TEXT, file INTEGER, offset INTEGER, length INTEGER
);
CREATE INDEX by_question ON problems (sort_key, id);
CREATE TABLE spans (
    file INTEGER, problem INTEGER, offset INTEGER, length INTEGER, PRIMARY KEY (file, problem, offset)
) WITHOUT ROWID;
CREATE TABLE sittings (id INTEGER PRIMARY KEY, name TEXT NOT NULL, round INTEGER, split TEXT NOT NULL, file INTEGER);
CREATE TABLE cells (
    sitting INTEGER, problem INTEGER, correct INTEGER NOT NULL, total INTEGER NOT NULL, kinds INTEGER NOT NULL,
    PRIMARY KEY (sitting, problem)
) WITHOUT ROWID;
CREATE TABLE book (
    problem INTEGER PRIMARY KEY, course TEXT NOT NULL DEFAULT 'unseen', states TEXT NOT NULL DEFAULT '',
    first_share REAL, last_share REAL, taught INTEGER NOT NULL DEFAULT 0, rejected INTEGER NOT NULL DEFAULT 0,
    pico INTEGER NOT NULL DEFAULT 0, kinds INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE kinds (bit INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE kind_counts (sitting INTEGER, kind TEXT, n INTEGER NOT NULL, PRIMARY KEY (sitting, kind)) WITHOUT ROWID;
CREATE TABLE answers (
    problem INTEGER, answer TEXT, n INTEGER NOT NULL, PRIMARY KEY (problem, answer)
) WITHOUT ROWID;
CREATE INDEX often_answered ON answers (n) WHERE n > 2;
CREATE TABLE steps (
    step TEXT, instead TEXT, n INTEGER NOT NULL, problem INTEGER NOT NULL, PRIMARY KEY (step, instead)
) WITHOUT ROWID;
CREATE INDEX often_stepped ON steps (n) WHERE n > 2;
CREATE TABLE teaching (
    round INTEGER PRIMARY KEY, requests INTEGER NOT NULL, prompt INTEGER NOT NULL, completion INTEGER NOT NULL,
    pico INTEGER NOT NULL, sound INTEGER NOT NULL
);
CREATE TABLE failures (kind TEXT PRIMARY KEY, n INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE ways (way TEXT PRIMARY KEY, asked INTEGER NOT NULL, sound INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE refused (
    id INTEGER PRIMARY KEY, kind TEXT NOT NULL, problem INTEGER NOT NULL, file INTEGER NOT NULL,
    offset INTEGER NOT NULL, length INTEGER NOT NULL, asking INTEGER NOT NULL
);
CREATE INDEX refused_by_kind ON refused (kind, id);
CREATE TABLE dearest (pico INTEGER NOT NULL, tokens INTEGER NOT NULL, problem INTEGER NOT NULL);
CREATE TABLE paid (
    id INTEGER PRIMARY KEY, created REAL NOT NULL, model TEXT NOT NULL, seconds REAL NOT NULL
);
CREATE VIRTUAL TABLE words USING fts5 (said, content='', columnsize=0, detail=none, tokenize='ascii');
"""
