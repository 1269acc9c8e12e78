"""The losses straight from the definition: one row at a time, no padding, token by token."""

from collections.abc import Sequence

import torch

from tutelage.student.training.packing import ExampleGroup

WEIGHT, MARGIN = 0.1, 2.0
"""Of the prompt; a margin of 2 keeps every triplet in force, whatever the cosines are."""

FAMILIES = [
    ExampleGroup((7, 8, 9, 10, 11), (20, 21, 22, 1), ((23, 24, 1), (25, 26, 27, 28, 29, 1))),
    ExampleGroup((12, 13), (30, 31, 1), None),
    ExampleGroup((14, 15, 16, 17, 18, 19, 6, 5), (32, 1), ((33, 34, 35, 36, 1), (37, 1))),
    ExampleGroup((9, 8), (38, 39, 40, 41, 42, 43, 44, 1), None),
    ExampleGroup((46, 7), (47, 1), ((48, 49, 1), (50, 1))),
]
"""Questions of different lengths that share no token at their beginning; two have no pair."""
PROMPT_ONLY = 19
"""A token that stands in the prompt of a question with a pair, and nowhere else."""
PREFIX = (51, 52, 53, 54, 55, 56, 57, 58, 59, 2, 3)
"""A few-shot prefix, longer than Gemma's window."""


def behind(prefix: tuple[int, ...], groups: Sequence[ExampleGroup] = FAMILIES) -> list[ExampleGroup]:
    """The questions behind a prefix."""
    return [ExampleGroup(prefix + group.prompt, group.anchor, group.pair) for group in groups]


def slow_losses(model, groups, margin=MARGIN):
    """Sums of L_LM and L_SR over the questions."""

    def run(prompt, rationale):
        output = model(torch.tensor([prompt + rationale]), output_hidden_states=True)
        return output.logits[0].log_softmax(-1), output.hidden_states[-1][0, -1]

    lm_loss = reflection_loss = torch.zeros(())
    for group in groups:
        logp, end = run(group.prompt, group.anchor)
        for place, token in enumerate(group.prompt + group.anchor):
            if place > 0:
                weight = WEIGHT if place < len(group.prompt) else 1.0
                lm_loss = lm_loss - weight * logp[place - 1, token]
        if group.pair:
            positive, negative = (run(group.prompt, branch)[1] for branch in group.pair)
            reflection_loss = reflection_loss + triplet(end, positive, negative, margin)
    return lm_loss, reflection_loss


def against_mistakes(groups: Sequence[ExampleGroup]) -> list[ExampleGroup]:
    """The questions as a preference sees them: the anchor against the mistake, with some reference or other."""
    numbers = iter(range(1, 99))
    return [
        ExampleGroup(f.prompt, f.anchor, f.pair and f.pair[-1:], (-3.0 * next(numbers), -4.0) if f.pair else ())
        for f in groups
    ]


def slow_preference(model, groups, beta):
    """The sum of DPO's loss over the questions with a mistake, and of what anchors and mistakes have gained."""
    loss = near = far = torch.zeros(())
    for group in groups:
        if group.pair:
            chosen, rejected = (
                slow_log_likelihood(model, group.prompt, branch) - before
                for branch, before in zip(group.branches, group.reference, strict=True)
            )
            loss = loss - torch.log(torch.sigmoid(beta * (chosen - rejected)))
            near, far = near + chosen, far + rejected
    return loss, near.item(), far.item()


def slow_log_likelihood(model, prompt, rationale):
    """Of all tokens of a rationale behind its prompt."""
    logp = model(torch.tensor([prompt + rationale])).logits[0].log_softmax(-1)
    return torch.stack([logp[len(prompt) + n - 1, token] for n, token in enumerate(rationale)]).sum()


def triplet(anchor, positive, negative, margin):
    """max(0, margin - cos(anchor, positive) + cos(anchor, negative))."""
    near, far = (torch.cosine_similarity(anchor, other, dim=0) for other in (positive, negative))
    return torch.clamp(margin - near + far, min=0)


def gradient(model, loss):
    """The gradient of every trained weight, one behind the other; zeros where a loss does not reach."""
    trained = [weight for weight in model.parameters() if weight.requires_grad]
    found = torch.autograd.grad(loss, trained, allow_unused=True, retain_graph=True)
    return torch.cat([(torch.zeros_like(w) if g is None else g).flatten() for w, g in zip(trained, found, strict=True)])


def apart(found, expected):
    """How far two tensors are apart, relative to the expected one."""
    return ((found - expected).norm() / expected.norm()).item()
