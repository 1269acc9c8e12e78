"""Wraps a user's own self-reflection loss or engine; checks it before a run starts and at every use."""

from __future__ import annotations

import operator
import random
from collections.abc import Iterable, Sequence
from dataclasses import astuple
from typing import Any, cast

import torch
from transformers import PreTrainedModel

from tutelage.contracts import is_text, key_of, kind_of, need_methods, refuse, shown, takes, told
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
        except (Exception, SystemExit) as error:
            refuse(_LOSS, self.own, f"its draw fails: {told(error)}", error)
        texts = cast(tuple[object, ...], drawn)
        if not isinstance(drawn, tuple) or not all(is_text(text) for text in texts):
            refuse(_LOSS, self.own, f"its draw gives {shown(drawn)}; give a tuple of texts, the mistake last")
        if texts and len(texts) != (self._drawn or len(texts)):
            refuse(
                _LOSS, self.own, f"its draw gives {len(texts)} texts here and {self._drawn} there; give as many always"
            )
        self._drawn = self._drawn or len(texts)
        return cast(tuple[str, ...], texts)

    def compare(self, seen: Seen) -> Compared:
        """See Reflection."""
        return self._compared(seen)

    def _compared(self, seen: Seen, on: str = "") -> Compared:
        try:
            found = cast(object, self.own.compare(seen))
        except (TutelageError, torch.OutOfMemoryError):
            raise
        except (Exception, SystemExit) as error:
            refuse(_LOSS, self.own, f"its compare fails: {told(error)}", error)
        if not isinstance(found, Compared):
            refuse(_LOSS, self.own, f"its compare gives a {kind_of(found)}, not Compared(loss, near_S, far_S)")
        pairs = seen.end_SED.shape[:1]
        shapes = {"loss": (found.loss, torch.Size()), "near_S": (found.near_S, pairs), "far_S": (found.far_S, pairs)}
        for name, (tensor, shape) in shapes.items():
            if not isinstance(cast(object, tensor), torch.Tensor) or tensor.shape != shape:
                is_now = tuple(tensor.shape) if isinstance(cast(object, tensor), torch.Tensor) else shown(tensor)
                refuse(_LOSS, self.own, f"{name} of its Compared is {is_now}; make it a tensor of shape {tuple(shape)}")
            if not tensor.is_floating_point():
                refuse(_LOSS, self.own, f"{name} of its Compared is of {tensor.dtype}; make it of floating point")
            if not bool(tensor.isfinite().all()) and bool(seen.end_SED.isfinite().all()):
                refuse(_LOSS, self.own, f"{name} of its Compared is {shown(tensor.tolist())}{on}; it must be finite")
        return found

    def _try(self) -> None:
        """Try the loss on two pairs of random values, before a run starts."""
        drawn = len(self.draw(_EXAMPLE, random.Random(0)))
        self.draw(_EXAMPLE.without_reflection(), random.Random(0))
        noise = torch.Generator().manual_seed(0)
        end_SED = torch.randn(2, (drawn or 1) + 1, _WIDTH, generator=noise, requires_grad=True)
        gain_SE = torch.randn(2, (drawn or 1) + 1, generator=noise, requires_grad=True) if self.likelihoods else None
        found = self._compared(Seen(end_SED, gain_SE), " on random numbers")
        if not found.loss.requires_grad:
            refuse(_LOSS, self.own, "the loss of its Compared has no gradient, so nothing could be learnt from it")
        given = [tensor for tensor in (end_SED, gain_SE) if tensor is not None]
        gradients = [each for each in torch.autograd.grad(found.loss, given, allow_unused=True) if each is not None]
        if not gradients:
            refuse(_LOSS, self.own, "the loss of its Compared does not depend on what is seen; compute it from that")
        if not all(bool(each.isfinite().all()) for each in gradients):
            refuse(_LOSS, self.own, "the gradient of its loss is not finite on random numbers")


class CheckedSampler:
    """The user's sampler, with every delivery checked. Raises ConfigError if one breaks the protocol."""

    def __init__(self, make: SamplerFactory, model: PreTrainedModel, ends: StopCriteria) -> None:
        self._make, self._words = make, cast(Any, model.get_input_embeddings()).num_embeddings
        try:
            self._own: Sampler = make(model, ends)
        except (TutelageError, torch.OutOfMemoryError):
            raise
        except (Exception, SystemExit) as error:
            refuse(_ENGINE, make, f"it makes no sampler: {told(error)}", error)
        need_methods(_ENGINE, self._own, {"sample": 4})

    def sample(
        self, prompts: Sequence[Tokens], seeds: Sequence[int], settings: SamplingSettings, deliver: Deliver
    ) -> Sampled:
        """See Sampler."""
        given, faults = set[int](), list[TutelageError]()

        def checked(place: object, rows: object) -> None:
            try:
                deliver(*self._check(place, rows, len(prompts), settings, given))
            except TutelageError as error:
                faults.append(error)  # raised again below, even if the sampler swallows it
                raise

        try:
            cost = cast(object, self._own.sample(prompts, seeds, settings, checked))
        except (TutelageError, torch.OutOfMemoryError):
            raise
        except (Exception, SystemExit) as error:
            refuse(_ENGINE, self._own, f"its sample fails: {told(error)}", error)
        if faults:
            raise faults[0]
        if len(given) < len(prompts):
            refuse(_ENGINE, self._own, f"it has delivered {len(given)} of {len(prompts)} prompts")
        if not isinstance(cost, Sampled):
            refuse(_ENGINE, self._own, f"its sample returns a {kind_of(cost)}, not Sampled(computed, padded)")
        if any((_integer(count) or 0) < 0 or _integer(count) is None for count in astuple(cost)):
            refuse(_ENGINE, self._own, f"its sample returns {shown(cost)}; give counts of tokens")
        return cost

    def _check(
        self, place: object, rows: object, asked: int, settings: SamplingSettings, given: set[int]
    ) -> tuple[int, list[list[int]]]:
        """The number of the prompt and its answers, as integers."""
        number = _integer(place)
        if number is None or not 0 <= number < asked or number in given:
            fault = f"it delivers prompt {shown(place)} of {asked}, which was not asked or is delivered twice"
            refuse(_ENGINE, self._own, fault)
        if not isinstance(rows, Sequence) or len(cast(Sequence[object], rows)) != settings.samples:
            fault = f"it delivers {shown(rows)} for a prompt; give {settings.samples} lists of tokens"
            refuse(_ENGINE, self._own, fault)
        given.add(number)
        return number, [self._answer(row, settings.max_new_tokens) for row in cast(Sequence[object], rows)]

    def _answer(self, row: object, most: int) -> list[int]:
        tokens = [_integer(token) for token in cast(Iterable[object], row)] if isinstance(row, Iterable) else [None]
        answer = [token for token in tokens if token is not None and 0 <= token < self._words]
        if len(tokens) > most or len(answer) < len(tokens):
            fault = f"it delivers the answer {shown(row)}; give at most {most} tokens below {self._words}"
            refuse(_ENGINE, self._own, fault)
        return answer


def _integer(found: object) -> int | None:
    """Python's own int of one, of numpy's or of a tensor's; None for anything else."""
    try:
        return operator.index(cast(Any, found))
    except (TypeError, ValueError, RuntimeError):
        return None


def check_engine(own: SamplerFactory) -> None:
    """Check that it has a key and can be called with a model and stop criteria. Raises ConfigError."""
    if not callable(own):
        refuse(_ENGINE, own, "it is an object; give its class, or a function that makes it of (model, ends)")
    if (fault := takes(own, 2)) is not None:
        refuse(_ENGINE, own, f"it {fault}: a model, and what ends an answer")
    key_of(_ENGINE, own)


def try_engine(own: SamplerFactory, model: PreTrainedModel, ends: StopCriteria, prompt: Tokens) -> None:
    """Sample a few tokens after a prompt, twice; both results must be the same, and the model as it was.

    Raises ConfigError.
    """
    told_of: list[list[list[int]]] = []
    settings, before = SamplingSettings(samples=2, temperature=1.0, max_new_tokens=2), _state(model)
    for _ in range(2):
        CheckedSampler(own, model, ends).sample([prompt], [1], settings, lambda _, rows: told_of.append(rows))
    if told_of[0] != told_of[1]:
        refuse(_ENGINE, own, "the same prompt and seed give other tokens the second time")
    if not torch.is_grad_enabled():
        torch.set_grad_enabled(True)
        refuse(_ENGINE, own, "it turns gradients off for the whole process; write `with torch.no_grad():` in it")
    if _state(model) != before:
        refuse(_ENGINE, own, "it changes the model's weights or their requires_grad; leave the model as it is given")


def _state(model: PreTrainedModel) -> list[tuple[bool, float]]:
    """What training needs unchanged: which weights have gradients, and the sum of each."""
    return [(weight.requires_grad, float(weight.detach().sum())) for weight in model.parameters()]
