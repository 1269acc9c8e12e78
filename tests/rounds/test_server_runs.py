"""Whole runs whose student is sampled by a server, stopped in the midst of an exam."""

import json
from pathlib import Path

import pytest

from tests.rounds.conftest import two_rounds
from tests.student.engines.student_server import StudentHost, broken_off
from tutelage.api import run
from tutelage.errors import StudentError
from tutelage.student.engines.server import http
from tutelage.studies.arms import changed

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr(http, "WAITS", (0.0,))


def config_of(tiny: str, host: StudentHost):
    server = {"engine": "server", "server": host.url}
    return changed(two_rounds(tiny), student=server, exam={"batch_size": 2}, rounds={"max": 1})


def exam(root: Path) -> list[str]:
    return sorted((root / "round-01" / "exam.jsonl").read_text().splitlines())


def test_a_run_on_a_server_that_dies_in_an_exam_goes_on_with_the_same_attempts(tiny, tmp_path):
    with StudentHost(Path(tiny), ways={"reload"}) as host:
        whole = run(config_of(tiny, host), tmp_path / "whole")
        # Round 0 and round 1 bring one student each, the test the untrained one and the best.
        assert host.calls.count("POST /collective_rpc") == 4
    drawn = 0

    def dies(number, body):
        nonlocal drawn
        drawn += body["temperature"] == 1.0 and "logprobs" not in body
        return broken_off() if drawn > 7 else None

    broke = pytest.raises(StudentError, match=r"broke off \(tried 2 times\).*the same command then goes on")
    with StudentHost(Path(tiny), ways={"reload"}, fault=dies) as host, broke:
        run(config_of(tiny, host), tmp_path / "run")
    kept = exam(tmp_path / "run")
    assert 0 < len(kept) < 12
    with StudentHost(Path(tiny), ways={"reload"}) as host:
        again = run(config_of(tiny, host), tmp_path / "run")
        asked = [body for body in host.asked if body["temperature"] == 1.0 and "logprobs" not in body]
        assert len(asked) == 12 - len(kept)
    assert exam(tmp_path / "run") == exam(tmp_path / "whole")
    assert again.test == whole.test
    assert [row.validation for row in again.rounds] == [row.validation for row in whole.rounds]


def test_a_wrong_server_is_refused_before_anything_is_written(tiny, tmp_path):
    with StudentHost(Path(tiny)) as host:
        host.prompts = lambda prompt: prompt[::-1]
        host.model.model.embed_tokens.weight.data.mul_(20)
        with pytest.raises(StudentError, match="does not sample the untrained student"):
            run(config_of(tiny, host), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_it_may_change_between_two_starts(tiny, tmp_path):
    config = changed(two_rounds(tiny), rounds={"max": 0})
    run(config, tmp_path / "run")
    before = json.loads((tmp_path / "run" / "result.json").read_text())
    run(changed(config, student={"engine": "server", "server": "http://127.0.0.1:9/v1"}), tmp_path / "run")
    assert json.loads((tmp_path / "run" / "result.json").read_text()) == before
