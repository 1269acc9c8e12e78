"""The measuring of the ways of asking, against an endpoint whose teacher is drawn to mistakes."""

import sys

from benchmarks import ways
from tutelage.config.file import dump_config, parse_config
from tutelage.records import Attempt, Verdict
from tutelage.runs.files import write_rows
from tutelage.tasks.catalog import open_task
from tutelage.testing import TeacherEndpoint, answer_key_reply

CONFIG = parse_config({"task": {"name": "leg_counting", "train": 6, "validation": 1, "test": 1}})
PROBLEMS = open_task(CONFIG.task).problems("train")


def test_every_way_is_measured_once_and_the_table_written(tmp_path, monkeypatch):
    answer = answer_key_reply(PROBLEMS)

    def reply(body):
        return "3 + 4 = 7.\nThe answer is -7." if "<attempt>" in str(body["messages"]) else answer(body)

    round_1 = tmp_path / "run" / "round-01"
    round_1.mkdir(parents=True)
    (tmp_path / "run" / "config.yaml").write_text(dump_config(CONFIG))
    wrong = Verdict(False, "-7", "-7 is wrong")
    write_rows(round_1 / "exam.jsonl", [Attempt(p.id, 0, "The answer is -7.", wrong, "stop", 5) for p in PROBLEMS])
    page = tmp_path / "page.md"
    page.write_text(f"# Page\n\n{ways.BEGIN}\nold\n{ways.END}\n\nRest.\n")
    with TeacherEndpoint(reply) as endpoint:
        for _ in range(2):  # the second time out of the ledger
            arguments = ["ways", str(tmp_path / "run"), "--base-url", endpoint.base_url, "--name", "a/b"]
            monkeypatch.setattr(sys, "argv", [*arguments, "--page", str(page), "--out", str(tmp_path / "out")])
            ways.main()
        assert len(endpoint.requests) == 6 * len(ways.ASKED)
    text = page.read_text()
    assert text.startswith("# Page\n\n")
    assert text.endswith("\n\nRest.\n")
    assert "old" not in text
    assert "| a/b | the question alone | 6 | 6 | 6 |" in text
    assert "| a/b | the mistake in view | 6 | 0 | 0 |" in text
