"""vLLM itself, on the embedded student: as an engine in its own environment, and as a server.

    TUTELAGE_TEST_VLLM=~/vllm/bin/python pytest tests/student/engines/test_real_vllm.py

names the python of an environment with vLLM and Tutelage's dependencies; its CPU build will do. Without it the tests
are skipped. Greedy answers are compared token by token: where they part, the two tokens must be as likely.
"""

import json
import os
import signal
import socket
import subprocess
from pathlib import Path

import pytest
import torch

from tests.processes import UNMEASURED
from tests.student.engines.sampled import answers
from tutelage.config import StudentConfig
from tutelage.errors import StudentError
from tutelage.student.elsewhere import sampler_elsewhere
from tutelage.student.engines.shared_prefix import SharedPrefixSampler
from tutelage.student.folder import read_tokenizer
from tutelage.student.kept_adapters import Adapter, Adapters, write_adapters
from tutelage.student.model import EMBEDDED, LoadedModel, embedded_student, load_student, save_student
from tutelage.student.prompts import PromptFormat
from tutelage.student.sampler import SamplingSettings, StopCriteria
from tutelage.student.student import Student

PYTHON = os.environ.get("TUTELAGE_TEST_VLLM", "")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(not PYTHON, reason="TUTELAGE_TEST_VLLM names no python with vLLM"),
]
ROOT = Path(__file__).parents[3]
QUESTIONS = ["2 + 3?", "How many legs do 3 cows and 2 hens have?", "Write a word that begins with a.", "What is ice?"]
SEEDS = [1, 2, 3, 4]
GREEDY = SamplingSettings(max_new_tokens=16)
DRAWN = SamplingSettings(samples=2, temperature=1.0, max_new_tokens=16)
TIE = 0.01
"""Nats between two tokens that float32 may take for each other."""


def settings_of_vllm() -> dict[str, str]:
    own = {"VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_NO_USAGE_STATS": "1", "HF_HUB_OFFLINE": "1"}
    own |= {"VLLM_SERVER_DEV_MODE": "1", "VLLM_ALLOW_RUNTIME_LORA_UPDATING": "1"}
    return own | {"PATH": f"{Path(PYTHON).parent}:{os.environ['PATH']}"}


def loaded(folder: Path | None = None) -> LoadedModel:
    """Loaded where it is needed alone: with vLLM beside it, memory may be short."""
    return load_student(StudentConfig(model=EMBEDDED, device="cpu"), folder)


@pytest.fixture(scope="module")
def later(tmp_path_factory) -> Path:
    """The student of another round: all of its weights have changed, those of the tied output layer, too."""
    student = loaded()
    torch.manual_seed(0)
    with torch.no_grad():
        for weight in student.model.parameters():
            if weight.ndim > 1:
                weight.add_(torch.randn_like(weight), alpha=0.1 * float(weight.std()))
    folder = tmp_path_factory.mktemp("later") / "model"
    student.adapters = None
    save_student(student, folder)
    return folder


@pytest.fixture(scope="module")
def never() -> StopCriteria:
    return StopCriteria(read_tokenizer(embedded_student()), frozenset())


@pytest.fixture(scope="module")
def prompts(never) -> list[tuple[int, ...]]:
    format = PromptFormat(never.tokenizer)
    return [tuple(ids) for ids in format.all_prompt_ids(QUESTIONS)]


def assert_same_but_for_ties(folder: Path | None, prompts, theirs: list[list[int]]) -> None:
    student = loaded(folder)
    ends = StopCriteria(student.tokenizer, frozenset())
    ours, _ = answers(SharedPrefixSampler(student.model, ends, 4), prompts, GREEDY)
    for prompt, (one,), other in zip(prompts, ours, theirs, strict=True):
        assert len(one) == len(other) == GREEDY.max_new_tokens
        parted = next((n for n in range(len(one)) if one[n] != other[n]), None)
        if parted is not None:
            with torch.inference_mode():
                logits_V = student.model(torch.tensor([[*prompt, *one[:parted]]])).logits[0, -1]
            assert logits_V[one[parted]] - logits_V[other[parted]] < TIE, (parted, one, other)


def test_the_engine_of_vllm(later, prompts, tmp_path):
    asked = {"folders": [str(embedded_student()), str(later)], "prompts": prompts, "seeds": SEEDS, "tokens": 16}
    (tmp_path / "asked").write_text(json.dumps(asked))
    place = {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
    command = [PYTHON, "-m", "tests.student.engines.in_vllm", str(tmp_path / "asked"), str(tmp_path / "told")]
    done = subprocess.run(
        command, env=UNMEASURED | settings_of_vllm() | place, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (tmp_path / "told").is_file(), done.stderr[-3000:]
    told = json.loads((tmp_path / "told").read_text())
    assert_same_but_for_ties(None, prompts, told["greedy"])
    assert told["alone"] == told["drawn"]
    assert len({tuple(row) for rows in told["drawn"] for row in rows}) == 8
    assert told["cut"] == told["greedy"][0][: told["greedy"][0].index(told["end"]) + 1]
    assert_same_but_for_ties(later, prompts, told["next"])
    assert told["died"].startswith("vLLM's engine has died")
    assert "\n" not in told["died"]


RUN = """
task: {name: leg_counting, train: 8, validation: 6, test: 6}
student: {model: smollm2-135m, dtype: float32, device: cpu, engine: vllm, weights: lora}
teacher: {kind: answer_key, seed_problems: 8, replies_per_round: 4}
exam: {samples: 2, max_new_tokens: 24}
evaluation: {max_new_tokens: 24}
training: {epochs: 1, batch_size: 4, reflection: none}
rounds: {max: %d}
"""


def run(folder: Path, rounds: int, *launcher: str) -> Path:
    """The folder of a run with vLLM in its own environment; adapters are merged for it."""
    folder.mkdir()
    (folder / "task.yaml").write_text(RUN % rounds)
    command = [PYTHON, *launcher, "-m", "tutelage", "run", "task.yaml", "--out", "run"]
    place = {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
    done = subprocess.run(
        command, env=UNMEASURED | settings_of_vllm() | place, cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert not list(folder.glob("run/.served-*"))
    return folder / "run"


def test_each_of_two_processes_has_a_vllm_of_its_own(tmp_path):
    one = run(tmp_path / "one", 0)
    two = run(tmp_path / "two", 1, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2")
    answered = {place: sorted((place / "test-before.jsonl").read_text().splitlines()) for place in (one, two)}
    assert len(answered[one]) == 6
    assert answered[one] == answered[two], "the untrained student's answers"
    taken = (two / "round-01" / "exam.jsonl").read_text().splitlines()
    assert len(taken) == 16, "rank 0 has the answers of both"


def free_port() -> int:
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        return place.getsockname()[1]


def adapted(folder: Path) -> Path:
    """A round's folder with adapters of two rounds."""
    torch.manual_seed(1)
    linear = {n: m for n, m in loaded().model.named_modules() if n.endswith(("q_proj", "v_proj", "down_proj"))}
    sizes = {path: (layer.in_features, layer.out_features) for path, layer in linear.items()}
    rounds = tuple(
        Adapter(8, 16.0, {path: (torch.randn(8, i) / 30, torch.randn(o, 8) / 30) for path, (i, o) in sizes.items()})
        for _ in range(2)
    )
    folder.mkdir(parents=True)
    write_adapters(Adapters(str(embedded_student()), rounds), folder)
    return folder


def test_a_server_of_vllm(later, prompts, never, tmp_path, monkeypatch):
    for name, value in settings_of_vllm().items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("PYTHONPATH", raising=False)
    port, said = free_port(), list[str]()
    command = (
        f"{PYTHON} -m vllm.entrypoints.openai.api_server --model {{model}} --host 127.0.0.1 --port {port}"
        " --dtype float32 --max-model-len 1024 --max-num-seqs 16 --generation-config vllm --enforce-eager"
        " --enable-lora --max-lora-rank 16"
    )
    config = StudentConfig(
        model=EMBEDDED,
        device="cpu",
        dtype="float32",
        engine="server",
        server=f"http://127.0.0.1:{port}/v1",
        server_command=command,
    )
    first = Student(config, ())
    first.engine.say = said.append

    def sampler_of(student: Student):
        return sampler_elsewhere(student, prompts, SEEDS, GREEDY, never)

    def greedy(student: Student) -> list[list[int]]:
        return [rows[0] for rows in answers(sampler_of(student), prompts, GREEDY)[0]]

    try:
        assert_same_but_for_ties(None, prompts, greedy(first))
        sampler = sampler_of(first)
        drawn, _ = answers(sampler, prompts, DRAWN)
        assert answers(sampler, prompts[2:3], DRAWN, SEEDS[2:3])[0] == drawn[2:3]
        assert len({tuple(row) for rows in drawn for row in rows}) == 8

        folder = adapted(tmp_path / "round-00" / "model")
        assert_same_but_for_ties(folder, prompts, greedy(first.at(folder, "adapted")))
        assert len(said) == 1  # loaded beside the base, by the server that runs
        assert not list(tmp_path.glob(".served-*"))

        second = first.at(later, "later")
        assert_same_but_for_ties(later, prompts, greedy(second))
        assert len(said) in (1, 2)  # reloaded, or, as its CPU build can't be, started anew

        process, given = first.engine.server.process._process, {}

        def deliver(number, rows):
            given[number] = rows
            os.killpg(process.pid, signal.SIGKILL)

        with pytest.raises(StudentError, match=r"has ended \(exit code -9\)|broke off") as caught:
            sampler_of(second).sample(prompts * 8, SEEDS * 8, DRAWN, deliver)
        assert "\n" not in str(caught.value)
        assert given
    finally:
        first.engine.close()
