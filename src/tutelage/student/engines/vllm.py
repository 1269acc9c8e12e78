"""The `vllm` engine: samples from a student's Hugging Face folder with vLLM, on a GPU or by its CPU build.

One engine serves a whole run. It starts at its first use, sleeps during training, and loads the weights of the next
round in place:

    sampler = VllmSampler(folder, ends, rows=256)
    sampler.sample(...)          # starts the engine
    sampler.sleep()              # the GPU's memory is free for training
    sampler.load(next_folder)    # wakes it, with the new weights
    sampler.sample(...)

Tested with the offline interface of vLLM 0.32 (its CPU build, which starts an engine anew for other weights), written
for that of 0.33. The same prompt, seed and settings give an attempt the same random numbers in any batch. The last bits
of the probabilities still depend on the batch unless `VLLM_BATCH_INVARIANT=1` is set, so a few attempts may differ from
an earlier run.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from tutelage.errors import StudentError
from tutelage.launched import on_this_machine
from tutelage.student.encoding import Tokens
from tutelage.student.engines.vllm_process import starting_vllm
from tutelage.student.sampler import Deliver, Sampled, SamplingSettings, StopCriteria

_LOOK = 1.0
"""Seconds between two looks at whether the engine's process is there."""
CPU_SHARE = 0.4
"""The most of a CPU's memory that all processes' vLLMs take: the student is loaded beside them, to be trained."""


@dataclass(frozen=True, slots=True)
class VllmOptions:
    """Options of the engine.

    `dtype` is explicit because vLLM would choose float16 for a float32 folder. `memory_share` is the share of the GPU's
    memory, between 0 and 1, for weights, cache and buffers together; of a CPU's all have CPU_SHARE at most. Without
    `sleep_mode` (CUDA and ROCm only) the engine ends at `sleep` and starts again afterwards. `compiled`: the model is
    compiled at every start, which takes minutes on a CPU, so that its build does without.
    """

    dtype: Literal["bfloat16", "float16", "float32"] = "bfloat16"
    seed: int = 0
    memory_share: float = 0.9
    sleep_mode: bool = True
    compiled: bool = True


def unavailable() -> str | None:
    """Why this engine can't be used here, with the remedy; None if it can."""
    if find_spec("vllm") is None:
        return 'vLLM is not installed; run `pip install "tutelage[vllm]"` or choose another engine'
    if not torch.cuda.is_available() and not is_cpu_build():
        return "vLLM needs a GPU and torch finds none; choose another engine, or install vLLM's CPU build"
    return None


def is_cpu_build() -> bool:
    """Whether the vLLM that is installed is for CPUs: its version says so, as vLLM itself finds out."""
    try:
        return "cpu" in version("vllm")
    except PackageNotFoundError:
        return False


def attempt_seed(seed: int, sample: int) -> int:
    """The seed of one attempt: 63 bits (vLLM keeps seeds as signed 64-bit numbers, and -1 means none)."""
    sequence = np.random.SeedSequence(seed % 2**64, spawn_key=(sample,))
    return int(sequence.generate_state(1, np.uint64)[0] >> np.uint64(1))


def engine_arguments(folder: Path, rows: int, options: VllmOptions) -> dict[str, Any]:
    """Keywords of `vllm.LLM` for the student in `folder`, at most `rows` completions at once."""
    return {
        "model": str(folder),
        "dtype": options.dtype,
        "seed": options.seed,
        "max_num_seqs": rows,
        "max_model_len": -1,  # the student's own limit, or less if the memory is short
        "gpu_memory_utilization": options.memory_share,
        "enable_prefix_caching": True,
        "enable_sleep_mode": options.sleep_mode,
        "use_tqdm_on_load": False,
        "enforce_eager": not options.compiled,
    }


def sampling_arguments(seed: int, sample: int, settings: SamplingSettings, ends: StopCriteria) -> dict[str, Any]:
    """Keywords of `vllm.SamplingParams` for one attempt; everything unnamed is off by default."""
    return {
        "n": 1,
        "temperature": settings.temperature,
        "seed": attempt_seed(seed, sample),
        "max_tokens": settings.max_new_tokens,
        "stop_token_ids": sorted(ends.tokens),
        "ignore_eos": True,  # only `stop_token_ids` end an answer: vLLM would add others
        "stop": list(ends.strings),
        "detokenize": bool(ends.strings),
        "skip_special_tokens": False,  # stop strings are matched in the full text
    }


class VllmSampler:
    """A Sampler that uses vLLM; see the module's docstring for its life cycle.

    At most `rows` completions are written at once, whatever the settings say: vLLM fixes its batch size at its start.
    vLLM matches stop strings itself; a completion ends with the token that completes one.
    """

    def __init__(self, folder: Path, ends: StopCriteria, rows: int, options: VllmOptions | None = None) -> None:
        """`folder` holds the student. Raises StudentError if vLLM or the GPU is missing."""
        reason = unavailable()
        if reason is not None:
            raise StudentError(reason)
        self.folder, self.ends, self.rows = folder, ends, rows
        self.options = options or VllmOptions()
        if is_cpu_build():
            share = min(self.options.memory_share, CPU_SHARE / on_this_machine())
            self.options = replace(self.options, sleep_mode=False, memory_share=share, compiled=False)
        self._engine: Any = None
        self._asleep = False

    def sample(
        self, prompts: Sequence[Tokens], seeds: Sequence[int], settings: SamplingSettings, deliver: Deliver
    ) -> Sampled:
        """See Sampler. Raises StudentError if vLLM refuses a prompt (longer than the student's context) or dies."""
        self._start()
        self.wake()
        drawn = settings.samples if settings.temperature > 0 else 1  # greedy: all attempts are the same
        attempts: dict[str, tuple[int, int]] = {}
        try:
            for index, (prompt, seed) in enumerate(zip(prompts, seeds, strict=True)):
                for sample in range(drawn):
                    attempts[f"{index}/{sample}"] = index, sample
                    self._ask(f"{index}/{sample}", prompt, seed, sample, settings)
            with _woken_by_death(self._engine.llm_engine.engine_core):
                return self._collect(attempts, drawn, settings.samples, deliver)
        except BaseException:
            self.close()  # pending requests must not show up as answers to the next call
            raise

    def load(self, folder: Path) -> None:
        """Switch to the student in `folder`: the same architecture with other weights.

        A running engine loads the weights in place; if vLLM can't, a new engine starts at the next use. The CPU build
        can't: it keeps a packed copy of a tied output layer and would go on using the old one.
        """
        self.folder = folder
        if self._engine is None:
            return
        if is_cpu_build():
            self.close()
            return
        try:
            self.wake()
            self._engine.collective_rpc("reload_weights", kwargs={"weights_path": str(folder)})
            fresh = self._engine.reset_prefix_cache()  # the cached keys and values are from the old student
        except Exception:  # vLLM raises errors of its workers as plain Exception
            fresh = False
        if not fresh:
            self.close()

    def sleep(self) -> None:
        """Free the GPU's memory for training: the cache is dropped, the weights move to host memory."""
        if self._engine is None or self._asleep:
            return
        if not self.options.sleep_mode:
            self.close()
            return
        # Level 2 also drops the weights, but has restored broken models (vLLM's issue 29341).
        self._engine.sleep(level=1)
        self._asleep = True

    def wake(self) -> None:
        """Take the GPU's memory again; does nothing if the engine is awake or not started."""
        if self._asleep:
            with _told_by_vllm("cannot wake up; is the GPU's memory still in use?"):
                self._engine.wake_up()
            self._asleep = False

    def close(self) -> None:
        """End the engine and its process; the next use starts a new one."""
        engine, self._engine, self._asleep = self._engine, None, False
        if engine is not None:
            engine.llm_engine.engine_core.shutdown()

    def _start(self) -> None:
        if self._engine is not None:
            return
        with starting_vllm(is_cpu_build()):
            try:
                from vllm import LLM  # pyright: ignore
            except (ImportError, OSError, RuntimeError) as error:  # built for another torch, or without a driver
                raise StudentError(f"vLLM is installed but can't be imported: {_first_line(error)}") from error
            with _told_by_vllm(f"cannot start with the student {str(self.folder)!r}; if memory is short, free some"):
                self._engine = LLM(**engine_arguments(self.folder, self.rows, self.options))

    def _ask(self, name: str, prompt: Tokens, seed: int, sample: int, settings: SamplingSettings) -> None:
        from vllm import SamplingParams  # pyright: ignore
        from vllm.inputs import tokens_input  # pyright: ignore
        from vllm.sampling_params import RequestOutputKind  # pyright: ignore

        arguments = sampling_arguments(seed, sample, settings, self.ends)
        with _told_by_vllm(f"refuses a prompt of {len(prompt)} tokens"):
            parameters = SamplingParams(**arguments, output_kind=RequestOutputKind.FINAL_ONLY)
            self._engine.llm_engine.add_request(name, tokens_input(list(prompt)), parameters)

    def _collect(self, attempts: dict[str, tuple[int, int]], drawn: int, samples: int, deliver: Deliver) -> Sampled:
        """Deliver a prompt's completions once all `drawn` ones are complete; a greedy one counts `samples` times."""
        written: dict[int, dict[int, list[int]]] = {}
        engine, computed = self._engine.llm_engine, 0
        while attempts:
            with _told_by_vllm("stopped while it wrote"):
                outputs = engine.step()
            for output in outputs:
                completion = output.outputs[0]
                if completion.finish_reason not in {"stop", "length"}:
                    raise StudentError(f"vLLM aborted a completion: {completion.finish_reason}; start the run again")
                index, sample = attempts.pop(output.request_id)
                done = written.setdefault(index, {})
                done[sample] = list(completion.token_ids)
                computed += len(output.prompt_token_ids) - (output.num_cached_tokens or 0) + len(done[sample])
                if len(done) == drawn:
                    deliver(index, [list(done[i % drawn]) for i in range(samples)])
                    del written[index]
        return Sampled(computed, 0)  # vLLM packs its rows


@contextmanager
def _woken_by_death(core: Any) -> Iterator[None]:
    """Let a step inside the block fail when the engine's process dies: vLLM's client would wait for it for ever.

    vLLM notes the death, and raises what stands in the queue of outputs.
    """
    over = threading.Event()

    def watch() -> None:
        while not over.wait(_LOOK):
            if getattr(getattr(core, "resources", None), "engine_dead", False):
                core.outputs_queue.put(RuntimeError("its process has died"))
                return

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()


@contextmanager
def _told_by_vllm(what: str) -> Iterator[None]:
    """Turn vLLM's own and user errors into StudentError; others, such as a TypeError, are bugs of ours."""
    from vllm.exceptions import VLLMError  # pyright: ignore
    from vllm.v1.engine.exceptions import EngineDeadError  # pyright: ignore

    try:
        yield
    except EngineDeadError as error:
        raise StudentError(
            f"vLLM's engine has died ({_first_line(error)}); start the same command again, with less memory taken by"
            " other programs if the system has killed it"
        ) from error
    except (VLLMError, OSError, ValueError, RuntimeError) as error:
        raise StudentError(f"vLLM {what}: {_first_line(error)}") from error


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
