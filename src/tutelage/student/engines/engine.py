"""Which engine samples a run's answers: chosen by what is there, or as the configuration says."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import torch
from transformers import PreTrainedModel

from tutelage.errors import StudentError
from tutelage.student.encoding import Tokens
from tutelage.student.engines import vllm
from tutelage.student.engines.fit import fit_rows
from tutelage.student.engines.generate import GenerateSampler
from tutelage.student.engines.shared_prefix import SharedPrefixSampler
from tutelage.student.sampler import Sampler, SamplingSettings, Say, StopCriteria
from tutelage.student.training.micro_batch import has_plain_logits, packs_right

EngineName = Literal["auto", "shared-prefix", "generate", "vllm"]


class Engine:
    """The engine of a run. Each student is sampled by it in turn; vLLM is started once for all of them."""

    def __init__(self, name: EngineName = "auto", say: Say = lambda text: None) -> None:
        self.name, self.say = name, say
        self._vllm: vllm.VllmSampler | None = None

    @property
    def is_vllm(self) -> bool:
        """Whether vLLM samples: it loads the student from its folder, so nobody else need."""
        return self.name == "vllm" or (self.name == "auto" and vllm.unavailable() is None)

    def vllm(self, folder: Path, ends: StopCriteria, rows: int, dtype: torch.dtype) -> Sampler:
        """vLLM, with the student of this folder. Raises StudentError if it isn't there."""
        if self._vllm is None:
            options = vllm.VllmOptions(dtype="bfloat16" if dtype == torch.bfloat16 else "float32")
            self._vllm = vllm.VllmSampler(folder, ends, rows, options)
        elif self._vllm.folder != folder:
            self._vllm.load(folder)
        return self._vllm

    def torch(
        self, model: PreTrainedModel, ends: StopCriteria, prompts: Sequence[Tokens], settings: SamplingSettings
    ) -> Sampler:
        """An engine that computes with this model, as many rows at once as memory allows. Raises StudentError."""
        if self.name != "generate" and _is_ours(model):
            return SharedPrefixSampler(model, ends, fit_rows(model, prompts, settings, self.say))
        kind = model.config.model_type
        if self.name == "shared-prefix":
            raise _not_ours(model)
        if self.name == "auto":
            self.say(f"a model of type {kind!r} is sampled by `generate`, slower than our own engine")
        return GenerateSampler(model, ends, fit_rows(model, prompts, settings, self.say, sharing=False))

    def check(self, model: PreTrainedModel) -> None:
        """Refuse now what could not sample this model later. Raises StudentError."""
        if self.name == "vllm" and (reason := vllm.unavailable()) is not None:
            raise StudentError(f"student.engine is 'vllm': {reason}")
        if self.name == "shared-prefix" and not _is_ours(model):
            raise _not_ours(model)

    def rest(self) -> None:
        """Leave the memory of the device to somebody else, such as a training."""
        if self._vllm is not None:
            self._vllm.sleep()


def _is_ours(model: PreTrainedModel) -> bool:
    return packs_right(model) and has_plain_logits(model)


def _not_ours(model: PreTrainedModel) -> StudentError:
    kind = model.config.model_type
    return StudentError(
        f"student.engine is 'shared-prefix', which can't compute a model of type {kind!r}; set it to 'auto'"
    )
