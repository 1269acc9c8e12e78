"""Whether a server samples the student that it should: its attempts are compared with our own log-probabilities.

    tokens that the server drew       216    34   284  …
    its log-probabilities            -0.31 -1.20 -0.02
    ours, for the same tokens        -0.30 -1.22 -0.02      they differ by 0.01 on average: the same weights

In bfloat16 two kernels differ by some hundredths of a nat. A round of training changes the log-probabilities of what
the student of before would have written by far more, and a wrong model or a shifted prompt by whole nats.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from difflib import SequenceMatcher
from statistics import fmean
from typing import Any

import torch
from transformers import PreTrainedModel

from tutelage.student.encoding import Tokens
from tutelage.student.engines.server.sampler import Attempted
from tutelage.student.sampler import SamplingSettings, StopCriteria
from tutelage.student.wide import widened

PROBES, PROBED = 4, 32
"""How many attempts are compared, and how long they may be."""
BOUND = 0.1
"""Nats by which the log-probability of a token may differ on average."""
PROBING = SamplingSettings(temperature=1.0, max_new_tokens=PROBED, rows=PROBES)
_ALIKE = 0.5
"""The least similarity of a text as the server and as our tokenizer decode it; they may differ in spaces."""


def fault_of_text(attempts: Sequence[Attempted], ends: StopCriteria) -> str | None:
    """What is wrong with the server's tokenizer, by the texts that it makes of tokens; None if nothing is."""
    for attempt in attempts:
        ours, theirs = _bare(str(ends.tokenizer.decode(attempt.tokens))), _bare(attempt.text)
        if ours and SequenceMatcher(None, ours, theirs, autojunk=False).ratio() < _ALIKE:
            return (
                f"has another tokenizer: tokens {attempt.tokens[:4]} begin with {theirs[:20]!r} there, and with"
                f" {ours[:20]!r} here"
            )
    return None


def fault_of_weights(model: PreTrainedModel, prompts: Sequence[Tokens], attempts: Sequence[Attempted]) -> str | None:
    """What is wrong with the weights that the server samples from, by our own log-probabilities; None if nothing is."""
    apart = [
        abs(theirs - ours)
        for prompt, attempt in zip(prompts, attempts, strict=True)
        for theirs, ours in zip(attempt.log_probs, log_probabilities(model, prompt, attempt.tokens), strict=False)
    ]
    mean = fmean(apart) if apart else 0.0
    if mean <= BOUND:
        return None
    return (
        f"samples from another student: its log-probabilities of {len(apart)} tokens differ from ours by {mean:.2g}"
        f" nats on average (at most {BOUND:g} is rounding)"
    )


@torch.inference_mode()
def log_probabilities(model: PreTrainedModel, prompt: Tokens, answer: Sequence[int]) -> list[float]:
    """The log-probability of each token of an answer after its prompt, in nats."""
    if not answer:
        return []
    forward: Any = model
    some = (
        {"logits_to_keep": len(answer) + 1} if "logits_to_keep" in inspect.signature(model.forward).parameters else {}
    )
    ids = torch.tensor([[*prompt, *answer]], device=model.device)
    model.eval()
    logits_TV = forward(input_ids=ids, use_cache=False, **some).logits[0, -len(answer) - 1 : -1]
    token_T1 = torch.tensor(answer, device=model.device)[:, None]
    return widened(logits_TV).log_softmax(-1).gather(1, token_T1)[:, 0].tolist()


def _bare(text: str) -> str:
    """A text without spaces and without what is left of torn characters."""
    return "".join(text.replace("\ufffd", "").split())
