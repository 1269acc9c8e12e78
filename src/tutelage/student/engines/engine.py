"""Chooses the sampling engine of a run: as configured, or the best one available."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import torch
from transformers import PreTrainedModel

from tutelage.config import StudentConfig
from tutelage.errors import StudentError
from tutelage.runs.files import remove
from tutelage.student.encoding import Tokens
from tutelage.student.engines import vllm
from tutelage.student.engines.compiled import decode_attention
from tutelage.student.engines.fit import fit_rows
from tutelage.student.engines.generate import GenerateSampler
from tutelage.student.engines.shared_prefix import SharedPrefixSampler
from tutelage.student.own import CheckedSampler
from tutelage.student.resources.available import available_memory
from tutelage.student.sampler import Sampler, SamplerFactory, SamplingSettings, Say, StopCriteria
from tutelage.student.training.micro_batch import has_plain_logits, packs_right

if TYPE_CHECKING:
    from tutelage.student.engines.server.server import StudentServer

EngineName = Literal["auto", "shared-prefix", "generate", "vllm", "server"]


class Engine:
    """The engine of a run, or the user's `own`. It serves all students of the run; vLLM is started only once.

    Of several processes each samples with its own copy of the student, or has its own vLLM. `config` names the server,
    where one samples.
    """

    def __init__(
        self,
        name: EngineName = "auto",
        say: Say = lambda text: None,
        own: SamplerFactory | None = None,
        config: StudentConfig | None = None,
    ) -> None:
        self.name, self.say, self.own, self.config = name, say, own, config
        self._vllm: vllm.VllmSampler | None = None
        self._server: StudentServer | None = None
        self._ours: dict[str, bool] = {}
        self.served: Path | None = None
        """The folder with weights that were merged for it; it goes when the engine is closed."""

    @property
    def is_vllm(self) -> bool:
        """Whether vLLM samples. It loads the student from its folder, so the model need not be loaded here."""
        if self.own is not None:
            return False
        on_gpu = self.name == "auto" and torch.cuda.is_available() and vllm.unavailable() is None
        return self.name == "vllm" or on_gpu

    @property
    def is_server(self) -> bool:
        """Whether a server samples, which loads the student from its folder."""
        return self.own is None and self.name == "server"

    @property
    def loads_folders(self) -> bool:
        """Whether vLLM or a server samples."""
        return self.is_vllm or self.is_server

    @property
    def server(self) -> StudentServer:
        """The server that samples. Raises StudentError if its key is not set."""
        if self._server is None:
            from tutelage.student.engines.server.server import StudentServer

            assert self.config is not None, "the configuration names the server"
            self._server = StudentServer(self.config, self.say)
        return self._server

    def vllm(self, folder: Path, ends: StopCriteria, rows: int, dtype: torch.dtype) -> Sampler:
        """vLLM with the student of this folder. Raises StudentError if vLLM is not available."""
        if self._vllm is None:
            options = vllm.VllmOptions(dtype="bfloat16" if dtype == torch.bfloat16 else "float32")
            self._vllm = vllm.VllmSampler(folder, ends, rows, options)
        elif self._vllm.folder != folder:
            self._vllm.load(folder)
        return self._vllm

    def torch(
        self, model: PreTrainedModel, ends: StopCriteria, prompts: Sequence[Tokens], settings: SamplingSettings
    ) -> Sampler:
        """An engine for this loaded model, with as many rows as fit in memory. Raises StudentError."""
        if self.own is not None:
            return CheckedSampler(self.own, model, ends)
        if self.name != "generate" and self._is_ours(model):
            rows = fit_rows(model, prompts, settings, self.say)
            return SharedPrefixSampler(model, ends, rows, decode_attention(model, self.say))
        kind = model.config.model_type
        if self.name == "shared-prefix":
            raise _not_ours(model)
        if self.name == "auto":
            self.say(f"a model of type {kind!r} is sampled by `generate`, slower than our own engine")
        return GenerateSampler(model, ends, fit_rows(model, prompts, settings, self.say, sharing=False))

    def check(self, model: PreTrainedModel) -> None:
        """Check early that the engine can sample this model, which is best in float32 then: see `_is_ours`.

        Raises StudentError.
        """
        if self.own is not None:
            return  # already tried (`try_engine`)
        if self.name == "vllm" and (reason := vllm.unavailable()) is not None:
            raise StudentError(f"student.engine is 'vllm': {reason}")
        ours = self.name != "generate" and not self.loads_folders and self._is_ours(model)
        if self.name == "shared-prefix" and not ours:
            raise _not_ours(model)

    def _is_ours(self, model: PreTrainedModel) -> bool:
        """Whether our own engine can sample it: tried once for an architecture, not before every exam.

        In bfloat16 the rounding hides small mistakes, so it is tried in float32 where there is memory for that.
        """
        kind = str({**model.config.to_dict(), "dtype": None})
        if kind not in self._ours:
            with _widened(model):
                self._ours[kind] = packs_right(model) and has_plain_logits(model)
        return self._ours[kind]

    def rest(self) -> None:
        """Free the memory of the device, for a training."""
        if self._vllm is not None:
            self._vllm.sleep()

    def close(self) -> None:
        """End what was started for sampling."""
        if self._vllm is not None:
            self._vllm.close()
        if self._server is not None:
            self._server.close()
        if self.served is not None:
            remove(self.served)
            self.served = None


@contextmanager
def _widened(model: PreTrainedModel) -> Generator[None]:
    """The model in float32, with its own weights again at the end; as it is where memory is short."""
    narrow = [(weight, weight.data) for weight in model.parameters() if weight.dtype == torch.bfloat16]
    if 4 * sum(weight.numel() for weight, _ in narrow) > available_memory(model.device):
        narrow = []
    try:
        for weight, data in narrow:
            weight.data = data.float()
        yield
    finally:
        for weight, data in narrow:
            weight.data = data


def _not_ours(model: PreTrainedModel) -> StudentError:
    kind = model.config.model_type
    return StudentError(
        f"student.engine is 'shared-prefix', which can't compute a model of type {kind!r}; set it to 'auto'"
    )
