"""Sampling by an engine that loads the student from its folder: vLLM, or a server."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from transformers import AutoConfig

from tutelage.runs.files import remove
from tutelage.student.encoding import Tokens
from tutelage.student.fitness import positions_of
from tutelage.student.folder import UNTRUSTED
from tutelage.student.kept_adapters import holds_adapters
from tutelage.student.model import base_folder, model_folder, save_student, stored_as
from tutelage.student.sampler import Sampler, SamplingSettings, StopCriteria

if TYPE_CHECKING:
    from tutelage.student.student import Student

SERVED = ".served-"
"""How the folders begin that merged weights are written to, for vLLM or a server."""


def sampler_elsewhere(
    student: Student, prompts: Sequence[Tokens], seeds: Sequence[int], settings: SamplingSettings, ends: StopCriteria
) -> Sampler:
    """A sampler with this student's weights; a server is checked with some of the prompts. Raises StudentError."""
    if student.engine.is_vllm:
        folder = whole_folder(student)
        student.release()  # vLLM needs the memory
        return student.engine.vllm(folder, ends, settings.rows, student.dtype)
    from tutelage.student.engines.server.check import PROBED, PROBES, PROBING, fault_of_text, fault_of_weights
    from tutelage.student.engines.server.sampler import ServerSampler
    from tutelage.student.engines.server.server import Wanted

    server, some = student.engine.server, prompts[:PROBES]
    base, folder = base_folder(student.config.model), _folder(student)
    shape = AutoConfig.from_pretrained(base, **UNTRUSTED)
    vocabulary, positions = shape.get_text_config().vocab_size, positions_of(shape)
    room = PROBED if positions is None or not some else positions - max(map(len, some))
    probing = replace(PROBING, max_new_tokens=max(1, min(PROBED, room)))

    def verify(model: str) -> str | None:
        attempts = ServerSampler(server.http, model, ends, vocabulary).attempts(some, seeds[:PROBES], probing)
        if (fault := fault_of_text(attempts, ends)) is not None:
            return fault
        return fault_of_weights(student.loaded(student.dtype).model, some, attempts)

    beside = folder if holds_adapters(folder) else None
    wanted = Wanted(student.key, lambda: whole_folder(student), beside, untrained=student.folder is None)
    model = server.bring(wanted, verify) if some else ""
    return ServerSampler(server.http, model, ends, vocabulary)


def whole_folder(student: Student) -> Path:
    """The folder of its whole weights: its own, or that of `merged_folder`."""
    return merged_folder(student) or _folder(student)


def merged_folder(student: Student) -> Path | None:
    """Where it has adapters beside a base: the folder, beside the run's rounds, that they are merged in. Else None.

    It stays until the next one is written, or the engine is closed.
    """
    folder = _folder(student)
    if not holds_adapters(folder):
        return None
    above = folder.parent.parent if student.folder else folder.parent
    place = above / f"{SERVED}{student.key}"
    if student.engine.served != place:
        for old in above.glob(f"{SERVED}*"):
            remove(old)
        save_student(student.loaded(stored_as(student.config)), place)
        student.engine.served = place
    return place


def _folder(student: Student) -> Path:
    """Where it is saved, perhaps as adapters."""
    return student.folder or model_folder(student.config.model)
