"""The task `custom`: the user's own problems, from files or the hub.

    {"question": "Tom has 3 boxes of 4 pens. How many?", "answer": "12", "rationale": "3 × 4 = 12.", "equation": "3*4"}
    {"question": "Where are books lent?", "choices": ["bank", "library"], "answer": "B"}

`path` is one file, of which validation and test are drawn by content; or a folder with `train.jsonl` and, if you have
them, `validation.jsonl`, `test.jsonl` and `examples.jsonl`: worked examples for few-shot prompts, which are problems
with a rationale; or a data set of the hub. Other formats are in `data/files.py`, other forms in `data/columns.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from tutelage.config import TaskConfig
from tutelage.config.places import DATA_SUFFIXES, is_hub_name
from tutelage.errors import ConfigError, DataError
from tutelage.grading.grade import grade
from tutelage.records import AnswerKind, Problem, WorkedExample, state_answer
from tutelage.tasks.data.columns import OURS
from tutelage.tasks.data.drafts import read_drafts
from tutelage.tasks.data.fields import check_fields
from tutelage.tasks.data.files import read_rows
from tutelage.tasks.data.hub import is_hub, read_hub
from tutelage.tasks.data.kinds import check_match, count_from_0, labelled, tell_kind, to_problem
from tutelage.tasks.data.notes import notes_on
from tutelage.tasks.data.places import files_of
from tutelage.tasks.published.load import sound
from tutelage.tasks.rows import Row
from tutelage.tasks.splits import LoadedTask, Source, build_task, divide

TEST_SHARE = 0.2
"""Share of a single file's questions that are its test split."""


@dataclass(frozen=True, slots=True)
class CustomData:
    """The user's problems by part (train, validation, test, examples), as their rows have them.

    `notes` are what the user should know of the reading, `commit` is that of a data set of the hub.
    """

    kind: AnswerKind
    problems: Mapping[str, Sequence[Problem]]
    notes: tuple[str, ...]
    commit: str | None


def load_custom(config: TaskConfig) -> LoadedTask:
    """The user's problems in splits. Raises as `read_custom` does, and DataError for problems that are too few."""
    data = read_custom(config)
    source, origin = _source(config, data.problems, data.notes), str(config.path)
    task = build_task(config, data.kind, _examples(data.problems), source, origin=origin)
    task = replace(task, commit=data.commit)
    if config.match in (None, "exact"):
        return task
    way = f"{config.match} {config.match_f1:g}" if config.match == "f1" else config.match
    grader = partial(grade, data.kind, match=config.match, f1=config.match_f1)
    return replace(task, grader=grader, way=way, own=config.match in ("regex", "json", "code"))


def read_custom(config: TaskConfig) -> CustomData:
    """The user's problems, as they stand in their files or on the hub: nothing is divided, drawn or left out.

    Raises:
        DataError: a file or the data set is missing, empty or broken, or a row is broken, incomplete or unlike the
            others.
        ConfigError: `path` is missing, `field` names a field that we don't have, or an optional package is missing.
    """
    if config.path is None:
        raise ConfigError(
            "task.path is missing: the task `custom` reads a file, a folder with train.jsonl, or hf://OWNER/NAME"
        )
    check_fields(config.field)
    parts, told, commit = _rows(config, config.path)
    read = {name: read_drafts(rows, config.field, json=config.match == "json") for name, rows in parts.items()}
    drafts = {name: part.drafts for name, part in read.items()}
    told = (*told, *dict.fromkeys(note for part in read.values() for note in part.notes))
    forms = dict.fromkeys(part.form for part in read.values())
    if set(forms) - {OURS}:
        told = (*told, f"the rows are read as {', '.join(forms)}")
    given = [draft for name, part in drafts.items() if name != "examples" for draft in part]
    kind = config.kind or tell_kind(given)
    check_match(config, kind, given)
    if kind == "choice" and count_from_0([draft for part in drafts.values() for draft in part]):
        told = (*told, "the answers count the choices from 0, so that 0 is the first")
        drafts = {name: [labelled(draft) for draft in part] for name, part in drafts.items()}
    problems = {name: [to_problem(draft, kind, config.system) for draft in part] for name, part in drafts.items()}
    return CustomData(kind, problems, (*told, *notes_on(config, kind, given)), commit)


def _rows(config: TaskConfig, path: str) -> tuple[Mapping[str, Sequence[Row]], tuple[str, ...], str | None]:
    """The rows of each part, what the user should know of them, and the commit of a data set of the hub."""
    if is_hub(path):
        parts, commit = read_hub(config, path)
        return parts, (), commit
    for setting in ("config", "split", "revision"):
        if getattr(config, setting) is not None:
            raise ConfigError(
                f"task.{setting} ({getattr(config, setting)!r}) is for data sets of the hub, such as hf://OWNER/NAME, "
                f"but task.path is {path!r}; leave it out"
            )
    if "://" in path:
        raise DataError("no address is read; download the file, or name a data set as hf://OWNER/NAME", path=path)
    place = Path(path)
    if is_hub_name(path) and place.suffix not in DATA_SUFFIXES and not place.exists():
        raise DataError(f"there is no such file or folder; a data set of the hub is written hf://{path}", path=path)
    files, notes = files_of(place)
    return {name: [row for file in part for row in read_rows(file)] for name, part in files.items()}, notes, None


def _source(config: TaskConfig, problems: Mapping[str, Sequence[Problem]], told: Sequence[str]) -> Source:
    train, left_out = sound(problems["train"])
    notes = (*told, *left_out)
    validation = problems.get("validation")
    if "test" in problems:
        return Source(train, problems["test"], validation, notes)
    distinct = len({problem.id for problem in train})
    if distinct < 3:
        raise DataError(
            f"{distinct} problems are too few to draw validation and test from; give at least 3", path=config.path
        )
    rest, test = divide(train, max(1, round(TEST_SHARE * distinct)), f"split {config.seed}")
    note = f"there is no test file: {TEST_SHARE:.0%} of the questions are drawn as test by seed {config.seed}"
    return Source(rest, test, validation, (*notes, note))


def _examples(problems: Mapping[str, Sequence[Problem]]) -> tuple[WorkedExample, ...]:
    asked = {problem.id for name, part in problems.items() if name != "examples" for problem in part}
    return tuple(
        WorkedExample(problem.text, state_answer(problem.rationale, problem.answer))
        for problem in problems.get("examples", ())
        if problem.rationale is not None and problem.id not in asked
    )
