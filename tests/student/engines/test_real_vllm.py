"""vLLM itself, on the embedded student: as an engine in its own environment, and as a server.

    TUTELAGE_TEST_VLLM=~/vllm/bin/python pytest tests/student/engines/test_real_vllm.py

names the python of an environment with vLLM and Tutelage's dependencies but PEFT; its CPU build will do. Without it the
tests are skipped. Greedy answers are compared token by token: where they part, the two tokens must be as likely.
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
from tutelage.student.kept_adapters import Adapter, Adapters, write_adapters
from tutelage.student.model import EMBEDDED, LoadedModel, embedded_student, load_student, save_student
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


@pytest.fixture(scope="module")
def untrained() -> LoadedModel:
    return load_student(StudentConfig(model=EMBEDDED, device="cpu"))


@pytest.fixture(scope="module")
def later(tmp_path_factory) -> tuple[LoadedModel, Path]:
    """The student of another round: all of its weights have changed, those of the tied output layer, too."""
    student = load_student(StudentConfig(model=EMBEDDED, device="cpu"))
    torch.manual_seed(0)
    with torch.no_grad():
        for weight in student.model.parameters():
            if weight.ndim > 1:
                weight.add_(torch.randn_like(weight), alpha=0.1 * float(weight.std()))
    folder = tmp_path_factory.mktemp("later") / "model"
    student.adapters = None
    save_student(student, folder)
    return student, folder


@pytest.fixture(scope="module")
def prompts(untrained) -> list[tuple[int, ...]]:
    format = Student(StudentConfig(model=EMBEDDED, device="cpu"), ()).format_of(untrained)
    return [tuple(ids) for ids in format.all_prompt_ids(QUESTIONS)]


def ends_of(student: LoadedModel) -> StopCriteria:
    return StopCriteria(student.tokenizer, frozenset())


def ours(student: LoadedModel, prompts) -> list[list[int]]:
    return [rows[0] for rows in answers(SharedPrefixSampler(student.model, ends_of(student), 4), prompts, GREEDY)[0]]


def assert_same_but_for_ties(student: LoadedModel, prompts, theirs: list[list[int]]) -> None:
    for prompt, one, other in zip(prompts, ours(student, prompts), theirs, strict=True):
        assert len(one) == len(other) == GREEDY.max_new_tokens
        parted = next((n for n in range(len(one)) if one[n] != other[n]), None)
        if parted is not None:
            with torch.inference_mode():
                logits_V = student.model(torch.tensor([[*prompt, *one[:parted]]])).logits[0, -1]
            assert logits_V[one[parted]] - logits_V[other[parted]] < TIE, (parted, one, other)


def test_the_engine_of_vllm(untrained, later, prompts, tmp_path):
    asked = {"folders": [str(embedded_student()), str(later[1])], "prompts": prompts, "seeds": SEEDS, "tokens": 16}
    (tmp_path / "asked").write_text(json.dumps(asked))
    place = {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
    command = [PYTHON, "-m", "tests.student.engines.in_vllm", str(tmp_path / "asked"), str(tmp_path / "told")]
    done = subprocess.run(
        command, env=UNMEASURED | settings_of_vllm() | place, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (tmp_path / "told").is_file(), done.stderr[-3000:]
    told = json.loads((tmp_path / "told").read_text())
    assert_same_but_for_ties(untrained, prompts, told["greedy"])
    assert told["alone"] == told["drawn"]
    assert len({tuple(row) for rows in told["drawn"] for row in rows}) == 8
    assert told["cut"] == told["greedy"][0][: told["greedy"][0].index(told["end"]) + 1]
    assert_same_but_for_ties(later[0], prompts, told["next"])
    assert told["died"].startswith("vLLM stopped while it wrote")
    assert "\n" not in told["died"]


def free_port() -> int:
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        return place.getsockname()[1]


def adapted(folder: Path) -> tuple[LoadedModel, Path]:
    """The student with adapters of two rounds, in float32 and in a round's folder."""
    student = load_student(StudentConfig(model=EMBEDDED, device="cpu"))
    torch.manual_seed(1)
    linear = {n: m for n, m in student.model.named_modules() if n.endswith(("q_proj", "v_proj", "down_proj"))}
    sizes = {path: (layer.in_features, layer.out_features) for path, layer in linear.items()}
    rounds = tuple(
        Adapter(8, 16.0, {path: (torch.randn(8, i) / 30, torch.randn(o, 8) / 30) for path, (i, o) in sizes.items()})
        for _ in range(2)
    )
    folder.mkdir(parents=True)
    write_adapters(Adapters(str(embedded_student()), rounds), folder)
    return load_student(StudentConfig(model=EMBEDDED, device="cpu"), folder), folder


def test_a_server_of_vllm(untrained, later, prompts, tmp_path, monkeypatch):
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
        return sampler_elsewhere(student, prompts, SEEDS, GREEDY, ends_of(untrained))

    def greedy(student: Student) -> list[list[int]]:
        return [rows[0] for rows in answers(sampler_of(student), prompts, GREEDY)[0]]

    try:
        assert_same_but_for_ties(untrained, prompts, greedy(first))
        sampler = sampler_of(first)
        drawn, _ = answers(sampler, prompts, DRAWN)
        assert answers(sampler, prompts[2:3], DRAWN, SEEDS[2:3])[0] == drawn[2:3]
        assert len({tuple(row) for rows in drawn for row in rows}) == 8

        student, folder = adapted(tmp_path / "round-00" / "model")
        assert_same_but_for_ties(student, prompts, greedy(first.at(folder, "adapted")))
        assert len(said) == 1  # loaded beside the base, by the server that runs
        assert not list(tmp_path.glob(".served-*"))

        second = first.at(later[1], "later")
        assert_same_but_for_ties(later[0], prompts, greedy(second))
        print(said)

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
