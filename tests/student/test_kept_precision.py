"""A run computes in one precision from its first stage to its last."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from tests.rounds.conftest import two_rounds
from tests.student.tiny import tiny_folder
from tutelage.api import run
from tutelage.config import RunConfig
from tutelage.config.file import parse_config
from tutelage.errors import RunError
from tutelage.report.progress import Show
from tutelage.rounds import ending, outside
from tutelage.run_records import Precision, RunResult
from tutelage.runs.files import write_json
from tutelage.runs.seals import sealed
from tutelage.student import kept_precision
from tutelage.student.kept_precision import precision_of_run, precision_outside
from tutelage.student.model import precision_of
from tutelage.student.resources import probe
from tutelage.student.resources.probe import Speeds

SLOW, FAST = (Speeds(float32=100.0, rounded=100.0, bfloat16=speed) for speed in (50.0, 200.0))


@pytest.fixture
def config(tiny, tmp_path, monkeypatch) -> RunConfig:
    """A run of one round whose precision is left to us."""
    monkeypatch.setenv("TUTELAGE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(probe, "SMALL", 0)
    plan = two_rounds(tiny).model_dump()
    return parse_config(plan | {"student": plan["student"] | {"dtype": "auto"}, "rounds": {"max": 0}})


def more(config: RunConfig) -> RunConfig:
    return config.model_copy(update={"rounds": config.rounds.model_copy(update={"max": 1})})


@pytest.fixture
def machine(monkeypatch):
    """Let the run find itself on a machine of such speeds."""

    def set_up(speeds: Speeds, name: str) -> None:
        monkeypatch.setattr(probe, "measure", lambda shapes, device: speeds)
        for module in (probe, kept_precision, ending):
            monkeypatch.setattr(module, "hardware", lambda: name)

    return set_up


def test_a_run_goes_on_in_the_precision_it_began_with_and_says_where_it_has_moved_to(config, tmp_path, machine, capfd):
    machine(FAST, "the first machine")
    began: RunResult = run(config, tmp_path / "run")
    assert began.precision.startswith("bfloat16: 2.0 times as fast as float32 (")
    machine(SLOW, "the second machine")
    went_on = run(more(config), tmp_path / "run", show=Show())
    assert went_on.machine == "the second machine"
    assert went_on.precision == f"{began.precision}, on the first machine"
    said = capfd.readouterr().err
    slow = "float32: bfloat16 is 0.5 times as fast ("
    assert f"begun on the first machine: goes on in bfloat16, as it began; begun here, it would be {slow}" in said
    assert run(config, tmp_path / "other").precision.startswith(slow)


def test_a_student_of_a_run_is_asked_in_its_precision_on_its_machine(config, tmp_path, machine):
    machine(FAST, "the first machine")
    run(config, tmp_path / "run")
    for name, expected in [("the first machine", "bfloat16"), ("the second machine", "float32")]:
        machine(SLOW, name)
        for asked in outside.of_run(tmp_path / "run", tmp_path / "run" / "student"):
            assert asked.student.precision.dtype == expected


def test_so_it_is_where_its_folder_or_that_of_a_round_is_named(config, tmp_path, machine):
    machine(FAST, "the first machine")
    run(more(config), tmp_path / "run")
    for name, expected in [("the first machine", "bfloat16"), ("the second machine", "float32")]:
        machine(SLOW, name)
        (tmp_path / "cache" / "tutelage" / "precision.json").unlink(missing_ok=True)  # what is fast is measured anew
        for folder in ("student", "round-01/model"):
            named = config.student.model_copy(update={"model": str(tmp_path / "run" / folder)})
            assert outside.as_taught(named).student.precision.dtype == expected
            configured = named.model_copy(update={"dtype": "float32"})
            assert outside.as_taught(configured).student.precision.dtype == "float32"
        copied = config.student.model_copy(update={"model": str(tiny_folder(tmp_path / "student"))})
        assert outside.as_taught(copied).student.precision.dtype == "float32", "of no run"


def test_so_it_is_not_on_another_device_and_not_of_a_broken_run(config, tmp_path, machine):
    machine(FAST, "a machine")
    run(config, tmp_path / "run")
    begun = json.loads((tmp_path / "run" / "run.json").read_text())
    kept = Precision(**begun["precision"])
    assert precision_outside(config.student, tmp_path / "run") == kept
    assert precision_outside(config.student, None) is None
    del begun["seal"]
    begun["precision"]["device"] = "cuda"
    write_json(tmp_path / "run" / "run.json", sealed(begun))
    assert precision_outside(config.student, tmp_path / "run") is None
    (tmp_path / "run" / "run.json").write_text("{")
    assert precision_outside(config.student, tmp_path / "run") is None


def test_a_ratio_stays_with_the_device_that_it_was_measured_on():
    kept = Precision("bfloat16", "9.0 times as fast", "a model", "a machine", "cuda")
    assert kept.told("a machine", "cuda") == str(kept)
    assert kept.told("a machine", "cpu") == f"{kept}, on cuda"
    assert kept.told("another", "cpu") == f"{kept}, on a machine"
    assert replace(kept, device="").told("a machine", "cpu") == str(kept), "of version 0.2"


def test_moved_to_a_machine_that_it_suits_too_a_run_names_no_other_precision(config, tmp_path, machine, capfd):
    machine(FAST, "two threads")
    run(config, tmp_path / "run")
    machine(FAST, "one thread")
    run(more(config), tmp_path / "run", show=Show())
    said = " ".join(capfd.readouterr().err.split())
    assert "begun on two threads: goes on in bfloat16, as it began; that suits this machine, too" in said


def test_a_run_of_an_earlier_version_goes_on_as_it_began(config, tmp_path, machine):
    machine(SLOW, "a machine")
    run(config, tmp_path / "run")
    mark = json.loads((tmp_path / "run" / "run.json").read_text())
    write_json(tmp_path / "run" / "run.json", {name: mark[name] for name in mark if name not in ("precision", "seal")})
    machine(FAST, "a machine")
    before = probe.chosen_unmeasured(config.student, probe.torch.device("cpu")).dtype
    assert run(more(config), tmp_path / "run").precision == f"{before}: as it began"


def test_what_was_configured_before_is_not_kept_for_auto(config, tmp_path, machine):
    machine(FAST, "a machine")
    told = config.student.model_copy(update={"dtype": "float32"})
    run(config.model_copy(update={"student": told}), tmp_path / "run")
    with pytest.raises(RunError, match=r"student\.dtype"):
        run(config, tmp_path / "run")
    assert precision_of_run(config.student, tmp_path / "run", None, print).dtype == "bfloat16"


def test_the_runs_of_a_study_compute_alike(config, tmp_path, machine):
    cache = tmp_path / "shared"
    machine(FAST, "the first machine")
    first = precision_of_run(config.student, tmp_path / "one", cache, print)
    machine(SLOW, "the second machine")
    said = []
    assert precision_of_run(config.student, tmp_path / "two", cache, said.append) == first
    assert len(said) == 1
    other = config.student.model_copy(update={"dtype": "float32"})
    assert precision_of_run(other, tmp_path / "two", cache, print) == replace(
        precision_of(other), dtype="float32", why="as configured"
    )


def test_the_runs_of_a_study_compute_alike_with_each_of_its_models(config, tmp_path, machine):
    cache, other = (
        tmp_path / "shared",
        config.student.model_copy(update={"model": str(tiny_folder(tmp_path / "other"))}),
    )
    machine(FAST, "a machine")
    assert precision_of_run(config.student, tmp_path / "one", cache, print).dtype == "bfloat16"
    assert precision_of_run(other, tmp_path / "two", cache, print).dtype == "bfloat16"
    machine(SLOW, "a machine")
    (tmp_path / "cache" / "tutelage" / "precision.json").unlink()
    for student in (config.student, other):
        assert precision_of_run(student, tmp_path / "three", cache, print).dtype == "bfloat16"


def test_a_study_of_version_0_2_goes_on_in_what_it_has_kept(config, tmp_path, machine):
    machine(SLOW, "a machine")
    kept = Precision("bfloat16", "fast", config.student.model, "a machine")
    write_json(tmp_path / "shared" / kept_precision.SHARED, sealed(kept))
    assert precision_of_run(config.student, tmp_path / "run", tmp_path / "shared", print) == kept


def test_on_another_device_of_the_same_machine_it_says_so_too(config, tmp_path, machine):
    machine(SLOW, "a machine")
    kept = Precision("bfloat16", "fast", config.student.model, "a machine", "cuda")
    write_json(tmp_path / "shared" / kept_precision.SHARED, sealed(kept))
    said = list[str]()
    assert precision_of_run(config.student, tmp_path / "run", tmp_path / "shared", said.append) == kept
    (line,) = said
    assert line.startswith(
        "begun on cuda: goes on in bfloat16, as it began; begun here, it would be float32: bfloat16 is"
    )


def test_runs_of_a_study_that_begin_at_once_compute_alike(config, tmp_path, monkeypatch):
    speeds = [SLOW, FAST]

    def measure(shapes, device):
        found = speeds.pop()
        time.sleep(0.2)
        return found

    monkeypatch.setattr(probe, "measure", measure)
    cache, runs = tmp_path / "shared", [tmp_path / "one", tmp_path / "two"]
    with ThreadPoolExecutor() as pool:
        one, two = pool.map(lambda root: precision_of_run(config.student, root, cache, print), runs)
    assert one == two
    assert len(speeds) == 1, "the second has waited for the first"
