"""A real ledger in which one cell or one object of the schema is another: it ends in one line, or nothing changes."""

import shutil
import sqlite3
from contextlib import closing, suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.command import tutelage
from tests.teacher.batch.sessions import Sessions, batches_made
from tests.teacher.batch.sessions import requests as lines
from tests.teacher.online.sessions import PROBLEMS, make_teacher, requests, teach
from tutelage.config import BudgetConfig
from tutelage.errors import RunError
from tutelage.records import Usage
from tutelage.teacher.ledger.ledger import Batch, Failed, Ledger, Sent
from tutelage.teacher.ledger.reader import LedgerReader
from tutelage.teacher.ledger.schema import MIGRATIONS, expected_of
from tutelage.teacher.ledger.values import is_sound
from tutelage.testing import answer_key_endpoint

TABLES = expected_of(len(MIGRATIONS))[0]
CELLS = [(table, column) for table, columns in TABLES.items() for column in columns]
FREE = {
    *(("replies", name) for name in TABLES["replies"] if name not in ("key", "endpoint", "request")),
    *(("sent", name) for name in TABLES["sent"] if name not in ("token", "batch")),
    *(("failures", name) for name in TABLES["failures"]),
    *(("batches", name) for name in ("created", "batch_id", "done")),
}
"""Where another value of the right kind is as good as the one that stood there."""
VALUES = st.one_of(
    st.none(),
    st.integers(-(2**63), 2**63 - 1),
    st.integers(-2, 100),
    st.floats(allow_nan=False),
    st.text(max_size=20),
    st.binary(max_size=8),
    st.sampled_from(["", "nan", "-1", "{}", b"\xff", 9e999, -9e999, 5e-324, 1e300, 10**13, "[red]\x1b[2J"]),
)
OBJECTS = [
    "CREATE TRIGGER x BEFORE INSERT ON {} BEGIN SELECT RAISE(ABORT, 'no'); END",
    "CREATE TRIGGER x AFTER INSERT ON {} BEGIN DELETE FROM replies; END",
    "CREATE TRIGGER x BEFORE DELETE ON {} BEGIN SELECT RAISE(IGNORE); END",
    "CREATE UNIQUE INDEX x ON {} (key)",
    "CREATE INDEX x ON {} (abs(prompt_tokens))",
    "CREATE VIEW x AS SELECT * FROM {}",
    "CREATE TABLE x AS SELECT * FROM {}",
    "ALTER TABLE {} ADD COLUMN x TEXT AS (run_id)",
    "ALTER TABLE {} ADD COLUMN x TEXT CHECK (x <> '')",
    "CREATE TEMP TABLE t AS SELECT * FROM {0}; DROP TABLE {0}; CREATE VIEW {0} AS SELECT * FROM x",
    "DROP INDEX {}_by_run",
    "DROP INDEX {0}_by_run; CREATE INDEX {0}_by_run ON {0} (run_id) WHERE 0",
]


@pytest.fixture(scope="module")
def endpoint():
    with answer_key_endpoint(PROBLEMS) as endpoint:
        yield endpoint


@pytest.fixture(scope="module")
def whole(endpoint, tmp_path_factory):
    """Three replies, a request that is lost, one that failed, and another run's batch with a line that is lost."""
    folder = tmp_path_factory.mktemp("whole")
    teach(folder, endpoint, requests(3))
    with LedgerReader(folder) as reader:
        row = next(reader.rows())
    line = Sent("b-0", row.key, "run-z", 1.0, Usage(1, 20, 30, 0.5), "b", row.request)
    with Ledger(folder / "ledger.sqlite") as ledger:
        ledger.write(Sent("t", "k", "run-a", 1.0, Usage(1, 20, 30, 0.5)), Batch("b", "run-z", 1.0, row.endpoint, "m"))
        ledger.write(line, Failed("k", "run-a", 1.0, "e", "m", "wrong answer", "13"))
    assert outcome("verify", folder)[0] == 0
    return folder


@pytest.fixture(scope="module")
def copy(whole, tmp_path_factory):
    """A folder for copies, of the same length as the name of the original: tables are as wide."""
    folder = tmp_path_factory.mktemp("other")

    def again():
        for path in folder.iterdir():
            path.unlink()
        shutil.copy(whole / "ledger.sqlite", folder)
        return folder

    return again


def execute(folder, statements):
    with closing(sqlite3.connect(folder / "ledger.sqlite")) as connection, connection:
        connection.executescript(statements)


def replace(folder, table, column, row, value):
    """Whether the cell is another now, and whether its value is one of the right kind."""
    text = " AS TEXT)" if value == b"\xff" else ""
    at = f"FROM {table} LIMIT 1 OFFSET {row}"
    with closing(sqlite3.connect(folder / "ledger.sqlite")) as connection:
        [before] = connection.execute(f"SELECT {column} {at}").fetchone()
        place = connection.execute(f"SELECT rowid {at}").fetchone()
        set_it = f"UPDATE {table} SET {column} = {'CAST(' if text else ''}?{text} WHERE rowid = ?"
        try:
            with connection:
                connection.execute(set_it, (value, *place))
        except (sqlite3.IntegrityError, UnicodeEncodeError):
            return False, True
        connection.text_factory = lambda data: data if b"\xff" in data else data.decode()
        after = [found for (found,) in connection.execute(f"SELECT {column} FROM {table}")]
    return before not in after or after.count(before) > 1, all(is_sound(column, found) for found in after)


def outcome(command, folder):
    """Exit code and output of a command, which ends well or in one line."""
    result = tutelage("ledger", command, folder)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code in (0, 2)
    if result.exit_code == 2:
        assert result.stderr.startswith("error: ")
        assert result.stderr.count("\n") == 1
    return result.exit_code, result.output.replace(str(folder), "")


def unfit_for_a_run(folder, endpoint):
    with pytest.raises(RunError, match=r"is (damaged|broken)") as error:
        make_teacher(folder, endpoint)
    return "\n" not in str(error.value)


@settings(max_examples=60)
@given(cell=st.sampled_from(CELLS), row=st.integers(0, 2), value=VALUES)
def test_one_cell(whole, copy, endpoint, cell, row, value):
    folder, (table, column) = copy(), cell
    row = row if table == "replies" else 0
    changed, sound = replace(folder, table, column, row, value)
    free = column == "id" or (sound and cell in FREE)
    ended = {command: outcome(command, folder) for command in ("show", "export", "verify")}
    if changed and not free:
        assert ended["verify"][0] == 2
        assert unfit_for_a_run(folder, endpoint)
        for command in ("show", "export"):
            assert ended[command][0] == 2 or ended[command] == outcome(command, whole)


@settings(max_examples=25)
@given(cell=st.sampled_from(CELLS), row=st.integers(0, 2), value=VALUES)
def test_a_run_with_one_cell_changed_pays_nothing_twice(copy, endpoint, cell, row, value):
    """Of five requests three are answered and one is lost, so one more may be asked."""
    folder, before = copy(), len(endpoint.requests)
    known = [request["messages"] for request in endpoint.requests[:3]]
    replace(folder, *cell, row if cell[0] == "replies" else 0, value)
    with suppress(RunError):
        teach(folder, endpoint, requests(6), budget=BudgetConfig(requests=5))
    asked = [request["messages"] for request in endpoint.requests[before:]]
    assert not any(messages in known for messages in asked)
    assert len(asked) <= (2 if cell[1] == "run_id" else 1)  # of another run


@pytest.mark.parametrize("table", ["replies", "sent"])
@pytest.mark.parametrize("made", OBJECTS)
def test_one_object(whole, copy, endpoint, table, made):
    folder, before = copy(), len(endpoint.requests)
    execute(folder, made.format(table))
    assert outcome("verify", folder)[0] == 2
    assert unfit_for_a_run(folder, endpoint)
    with pytest.raises(RunError, match="is damaged"):
        Ledger(folder / "ledger.sqlite")
    for command in ("show", "export"):
        code, output = outcome(command, folder)
        assert code == 2 or output == outcome(command, whole)[1]
    assert len(endpoint.requests) == before


@pytest.mark.parametrize("column", ["prompt_tokens", "completion_tokens", "cost_usd"])
@settings(max_examples=40)
@given(value=VALUES)
def test_a_wrong_figure_is_never_summed(copy, column, value):
    for table in ("replies", "sent"):
        folder = copy()
        _, sound = replace(folder, table, column, 0, value)
        with Ledger(folder / "ledger.sqlite") as ledger:
            if sound:
                ledger.spent("run-a")
                continue
            with pytest.raises(RunError, match="is damaged"):
                ledger.spent("run-a")


class Stopped(Exception):
    """The process ends when a batch is handed in."""


@settings(max_examples=25)
@given(
    cell=st.sampled_from(
        [cell for cell in CELLS if cell[0] in ("sent", "batches") and cell[1] not in ("done", "batch_id")]
    ),
    row=st.integers(0, 2),
    value=VALUES,
)
def test_a_batch_on_its_way_is_never_handed_in_again(handed_in, cell, row, value):
    sessions, endpoint = handed_in()
    replace(sessions.folder, *cell, row if cell[0] == "sent" else 0, value)
    with suppress(RunError):
        sessions.hold(endpoint, lines(3))
    assert batches_made(endpoint) == 1


@pytest.fixture(scope="module")
def handed_in(tmp_path_factory):
    """A ledger with a batch of three lines whose answers are waiting at the endpoint."""
    folder, used = tmp_path_factory.mktemp("batch"), tmp_path_factory.mktemp("used")

    def stop(said):
        raise Stopped(said)

    with answer_key_endpoint(PROBLEMS) as endpoint:
        with pytest.raises(Stopped):
            Sessions(folder).hold(endpoint, lines(3), say=stop)

        def again():
            for path in used.iterdir():
                path.unlink()
            shutil.copy(folder / "ledger.sqlite", used)
            return Sessions(used), endpoint

        yield again
