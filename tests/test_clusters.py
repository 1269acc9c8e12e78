"""The files under examples/clusters, as far as they can be read without a cluster: their commands are ours, their files
are there. Linters and the systems' own checks are run by hand (docs/scaling.md).
"""

import re
import shlex
import subprocess
from pathlib import Path

import pytest
import typer.main
import yaml
from torch.distributed.run import get_args_parser

from tests.pages import ROOT
from tutelage.cli import app

FOLDER = ROOT / "examples" / "clusters"
SLURM, DOCKERFILE = FOLDER / "slurm.sh", FOLDER / "Dockerfile"
SKYPILOT, DSTACK = (yaml.safe_load((FOLDER / name).read_text()) for name in ("skypilot.yaml", "dstack.yml"))
SCRIPTS = {
    "slurm": SLURM.read_text(),
    "skypilot": SKYPILOT["run"],
    "dstack": "\n".join(DSTACK["commands"]),
    "docker": re.sub("^# *", "", DOCKERFILE.read_text(), flags=re.M),
}
GIVEN = {
    "slurm": {"SLURM_JOB_NODELIST", "SLURM_NNODES", "SLURM_GPUS_ON_NODE", "SLURM_JOB_ID", "SLURM_CPUS_PER_TASK"},
    "skypilot": {f"SKYPILOT_{name}" for name in ("NUM_NODES", "NODE_RANK", "NUM_GPUS_PER_NODE", "NODE_IPS")},
    "dstack": {f"DSTACK_{name}" for name in ("NODES_NUM", "NODE_RANK", "GPUS_PER_NODE", "MASTER_NODE_IP")},
    "docker": set(),
}
"""The variables that each system sets, by its documentation."""


@pytest.mark.parametrize("name", SCRIPTS)
def test_each_starts_a_run_by_torchrun(name):
    script = SCRIPTS[name].replace("\\\n", " ")
    assert set(re.findall(r"(?:SLURM|SKYPILOT|DSTACK)_\w+", script)) == GIVEN[name]
    (line,) = re.findall(r"torchrun .*", script)
    words = shlex.split(re.sub(r"\$\(.*?\)|\$\{?\w+(\[0\])?\}?", "1", line))
    arguments = get_args_parser().parse_args(words[1:])
    assert (arguments.module, arguments.training_script) == (True, "tutelage")
    command, *options = arguments.training_script_args
    context = typer.main.get_command(app).commands[command].make_context(command, options)
    assert context.params["out"]


def test_the_shell_reads_what_it_runs():
    for script in (SCRIPTS["slurm"], SCRIPTS["skypilot"], SKYPILOT["setup"], SCRIPTS["dstack"]):
        subprocess.run(["bash", "-n"], input=script, text=True, check=True)
    head, _, rest = SLURM.read_text().partition("set -euo pipefail")
    assert "#SBATCH" in head
    assert "#SBATCH" not in rest, "Slurm reads none behind the first command"


def test_the_image_has_what_is_copied_and_what_is_pinned():
    text = DOCKERFILE.read_text()
    copied = [name for line in re.findall(r"^COPY (.*)$", text, re.M) for name in line.split()[:-1]]
    let_in = {line[1:] for line in (FOLDER / "Dockerfile.dockerignore").read_text().splitlines() if line[0] == "!"}
    assert set(copied) == let_in
    assert all((ROOT / name).exists() for name in copied)
    (pin,) = re.findall(r"^torch==.*$", (ROOT / "requirements.lock").read_text(), re.M)
    assert set(re.findall(r"torch==[\d.]+", text)) == {pin}


def test_settings_that_are_named_are_there():
    assert (ROOT / SKYPILOT["envs"]["CONFIG"]).is_file()
    assert f"CONFIG={SKYPILOT['envs']['CONFIG']}" in DSTACK["env"]
    for name in Path(FOLDER).iterdir():
        for file in re.findall(r"examples/clusters/[\w.]+", name.read_text()):
            assert (ROOT / file).is_file(), f"{name.name} names {file}"
