"""Wraps a user's own self-reflection loss or engine; checks it before a run starts and at every use."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any, cast

import torch
from transformers import PreTrainedModel

from tutelage.contracts import key_of, need_methods, refuse, takes, told
from tutelage.errors import TutelageError
from tutelage.records import Problem, TrainingExample
from tutelage.student.encoding import Tokens
from tutelage.student.sampler import Deliver, Sampled, Sampler, SamplerFactory, SamplingSettings, StopCriteria
from tutelage.student.training.reflection import Compared, Reflection, Seen

_LOSS, _ENGINE = "reflection", "engine"
_EXAMPLE = TrainingExample(
    Problem.of("2 boxes of 3 pens. How many?", "6"), "2 × 3 = 6.", ("3 + 3 = 6.",), ("2 + 3 = 5.",)
)
_WIDTH = 8


class CheckedReflection:
    """The user's loss, with its draws and results checked. Raises ConfigError if they break the protocol."""

    def __init__(self, own: Reflection) -> None:
        need_methods(_LOSS, own, {"draw": 2, "compare": 1})
        self.own, self.key, self._drawn = own, key_of(_LOSS, own), 0
        likelihoods = cast(object, getattr(own, "likelihoods", None))
        if not isinstance(likelihoods, bool):
            refuse(_LOSS, own, f"its likelihoods is {likelihoods!r}; make it True or False")
        self.likelihoods = likelihoods
        self._try()

    def draw(self, example: TrainingExample, rng: random.Random) -> tuple[str, ...]:
        """See Reflection."""
        try:
            drawn = cast(object, self.own.draw(example, rng))
        except TutelageError:
            raise
        except Exception as error:
            refuse(_LOSS, self.own, f"its draw fails: {told(error)}", error)
        texts = cast(tuple[object, ...], drawn)
        if not isinstance(drawn, tuple) or not all(isinstance(text, str) for text in texts):
            refuse(_LOSS, self.own, f"its draw gives {drawn!r}; give a tuple of texts, the mistake last")
        if texts and len(texts) != (self._drawn or len(texts)):
            refuse(
                _LOSS, self.own, f"its draw gives {len(texts)} texts here and {self._drawn} there; give as many always"
            )
        self._drawn = self._drawn or len(texts)
        return cast(tuple[str, ...], texts)

    def compare(self, seen: Seen) -> Compared:
        """See Reflection."""
        try:
            found = cast(object, self.own.compare(seen))
        except (TutelageError, torch.OutOfMemoryError):
            raise
        except Exception as error:
            refuse(_LOSS, self.own, f"its compare fails: {told(error)}", error)
        if not isinstance(found, Compared):
            refuse(_LOSS, self.own, f"its compare gives a {type(found).__name__}, not Compared(loss, near_S, far_S)")
        pairs = seen.end_SED.shape[:1]
        shapes = {"loss": (found.loss, torch.Size()), "near_S": (found.near_S, pairs), "far_S": (found.far_S, pairs)}
        for name, (tensor, shape) in shapes.items():
            if not isinstance(cast(object, tensor), torch.Tensor) or tensor.shape != shape:
                is_now = tuple(tensor.shape) if isinstance(cast(object, tensor), torch.Tensor) else repr(tensor)
                refuse(_LOSS, self.own, f"{name} of its Compared is {is_now}; make it a tensor of shape {tuple(shape)}")
        return found

    def _try(self) -> None:
        """Try the loss on two pairs of random values, before a run starts."""
        drawn = len(self.draw(_EXAMPLE, random.Random(0)))
        self.draw(_EXAMPLE.without_reflection(), random.Random(0))
        noise = torch.Generator().manual_seed(0)
        end_SED = torch.randn(2, (drawn or 1) + 1, _WIDTH, generator=noise, requires_grad=True)
        gain_SE = torch.randn(2, (drawn or 1) + 1, generator=noise, requires_grad=True) if self.likelihoods else None
        found = self.compare(Seen(end_SED, gain_SE))
        if not found.loss.requires_grad:
            refuse(_LOSS, self.own, "the loss of its Compared has no gradient, so nothing could be learnt from it")
        if not bool(torch.isfinite(found.loss)):
            refuse(_LOSS, self.own, f"the loss of its Compared is {found.loss.item()} on random numbers")


class CheckedSampler:
    """The user's sampler, with every delivery checked. Raises ConfigError if one breaks the protocol."""

    def __init__(self, make: SamplerFactory, model: PreTrainedModel, ends: StopCriteria) -> None:
        self._make, self._words = make, cast(Any, model.get_input_embeddings()).num_embeddings
        try:
            self._own: Sampler = make(model, ends)
        except (TutelageError, torch.OutOfMemoryError):
            raise
        except Exception as error:
            refuse(_ENGINE, make, f"it makes no sampler: {told(error)}", error)
        need_methods(_ENGINE, self._own, {"sample": 4})

    def sample(
        self, prompts: Sequence[Tokens], seeds: Sequence[int], settings: SamplingSettings, deliver: Deliver
    ) -> Sampled:
        """See Sampler."""
        given, faults = set[int](), list[TutelageError]()

        def checked(place: int, rows: list[list[int]]) -> None:
            try:
                self._check(place, rows, len(prompts), settings, given)
                deliver(place, [list(map(int, row)) for row in rows])
            except TutelageError as error:
                faults.append(error)  # raised again below, even if the sampler swallows it
                raise

        try:
            cost = cast(object, self._own.sample(prompts, seeds, settings, checked))
        except (TutelageError, torch.OutOfMemoryError):
            raise
        except Exception as error:
            refuse(_ENGINE, self._own, f"its sample fails: {told(error)}", error)
        if faults:
            raise faults[0]
        if len(given) < len(prompts):
            refuse(_ENGINE, self._own, f"it has delivered {len(given)} of {len(prompts)} prompts")
        if not isinstance(cost, Sampled):
            refuse(_ENGINE, self._own, f"its sample returns a {type(cost).__name__}, not Sampled(computed, padded)")
        return cost

    def _check(self, place: object, rows: object, asked: int, settings: SamplingSettings, given: set[int]) -> None:
        if not isinstance(place, int) or not 0 <= place < asked or place in given:
            refuse(
                _ENGINE,
                self._own,
                f"it delivers prompt {place!r} of {asked}, which was not asked or is delivered twice",
            )
        answers = cast(Sequence[Sequence[int]], rows)
        if not isinstance(rows, Sequence) or len(answers) != settings.samples:
            refuse(
                _ENGINE, self._own, f"it delivers {rows!r:.80} for a prompt; give {settings.samples} lists of tokens"
            )
        for row in answers:
            if len(row) > settings.max_new_tokens or not all(0 <= token < self._words for token in row):
                most = f"at most {settings.max_new_tokens} tokens below {self._words}"
                refuse(_ENGINE, self._own, f"it delivers the answer {row!r:.80}; give {most}")
        given.add(place)


def check_engine(own: SamplerFactory) -> None:
    """Check that it has a key and can be called with a model and stop criteria. Raises ConfigError."""
    if not callable(own):
        refuse(_ENGINE, own, "it is an object; give its class, or a function that makes it of (model, ends)")
    if (fault := takes(own, 2)) is not None:
        refuse(_ENGINE, own, f"it {fault}: a model, and what ends an answer")
    key_of(_ENGINE, own)


def try_engine(own: SamplerFactory, model: PreTrainedModel, ends: StopCriteria, prompt: Tokens) -> None:
    """Sample a few tokens after a prompt, twice; both results must be the same. Raises ConfigError."""
    told_of: list[list[list[int]]] = []
    settings = SamplingSettings(samples=2, temperature=1.0, max_new_tokens=2)
    for _ in range(2):
        CheckedSampler(own, model, ends).sample([prompt], [1], settings, lambda _, rows: told_of.append(rows))
    if told_of[0] != told_of[1]:
        refuse(_ENGINE, own, "the same prompt and seed give other tokens the second time")
