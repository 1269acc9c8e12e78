"""A self-reflection loss and an engine of the user's own: tried before a run, looked at in it."""

import random
import sys

import numpy as np
import pytest
import torch

from tests.student.tiny import tiny_student
from tutelage.errors import ConfigError
from tutelage.records import Problem, TrainingExample
from tutelage.student.own import CheckedReflection, CheckedSampler, check_engine, try_engine
from tutelage.student.sampler import Sampled, SamplingSettings, StopCriteria
from tutelage.student.training.reflection import Compared, Preference, Seen, Triplet

EXAMPLE = TrainingExample(Problem.of("2 + 3?", "5"), "2 + 3 = 5.", ("Five.",), ("2 + 3 = 6.", "4"))


class Push:
    key, likelihoods = "push 1", False

    def draw(self, example, rng):
        return (rng.choice(example.negatives),) if example.negatives else ()

    def compare(self, seen):
        far_S = seen.end_SED.sum(2)[:, 1]
        return Compared(far_S.sum(), far_S.detach(), far_S.detach())


def of(**changes):
    """Push with something else in it."""
    return type("Push", (Push,), changes)()


def comparing(loss=lambda seen: seen.end_SED.sum(), near=None):
    """A method that compares so."""
    return lambda self, seen: Compared(loss(seen), torch.ones(2) if near is None else near, torch.ones(2))


def test_a_loss_of_the_users_own_is_a_loss():
    own = CheckedReflection(Push())
    assert (own.key, own.likelihoods) == ("push 1", False)
    assert own.draw(EXAMPLE, random.Random(0))[0] in EXAMPLE.negatives
    assert own.draw(EXAMPLE.without_reflection(), random.Random(0)) == ()
    assert own.compare(Seen(torch.ones(3, 2, 4))).loss == 12


def test_a_loss_that_breaks_off_in_a_run_is_told():
    own = CheckedReflection(of(compare=lambda self, seen: Compared(seen.end_SED.sum().log(), *2 * [torch.ones(2)])))
    with pytest.raises(ConfigError, match="loss of its Compared is -inf; it must be finite"):
        own.compare(Seen(torch.zeros(2, 2, 4)))
    diverged = own.compare(Seen(torch.full((2, 2, 4), torch.nan)))
    assert diverged.loss.isnan(), "that is the student's fault, and told by the step"


@pytest.mark.parametrize("ours", [Triplet(1.0), Preference(0.1)])
def test_ours_fit_as_well(ours):
    assert CheckedReflection(ours).key == ours.key


@pytest.mark.parametrize(
    ("loss", "said"),
    [
        (object(), "has no method draw"),
        (of(key=None), "has no key"),
        (of(likelihoods="no"), "its likelihoods is 'no'; make it True or False"),
        (of(draw=lambda self, example: ()), "is called with 2 arguments"),
        (of(draw=lambda self, example, rng: ["a"]), "give a tuple of texts"),
        (of(draw=lambda self, example, rng: (3,)), "give a tuple of texts"),
        (of(draw=lambda self, example, rng: rng.no), "its draw fails: AttributeError"),
        (
            of(draw=lambda self, example, rng: example.negatives * 2 + example.positives or ("a",)),
            "1 texts here and 3 there",
        ),
        (of(compare=lambda self, seen: seen.end_SED.sum()), "gives a Tensor, not Compared"),
        (of(compare=lambda self, seen: seen.gain_SE.sum()), "its compare fails: AttributeError"),
        (of(compare=lambda self, seen: Compared(1.0, 1.0, 1.0)), "loss of its Compared is 1.0; make it a tensor"),
        (
            of(compare=lambda self, seen: Compared(seen.end_SED.sum(), torch.ones(5), torch.ones(2))),
            r"near_S of its Compared is \(5,\); make it a tensor of shape \(2,\)",
        ),
        (
            of(compare=lambda self, seen: Compared(torch.tensor(1.0), torch.ones(2), torch.ones(2))),
            "has no gradient",
        ),
        (
            of(compare=lambda self, seen: Compared(seen.end_SED.sum() / 0, torch.ones(2), torch.ones(2))),
            "on random numbers",
        ),
        (of(draw=lambda self, example, rng: ("\ud800",)), "give a tuple of texts"),
        (of(draw=lambda self, example, rng: sys.exit(3)), "its draw fails: SystemExit: 3"),
        (of(compare=comparing(lambda seen: torch.tensor(1.0, requires_grad=True))), "does not depend on what is seen"),
        (
            of(compare=comparing(lambda seen: (0 * seen.end_SED).norm(2).pow(0.5))),
            "the gradient of its loss is not finite",
        ),
        (of(compare=comparing(lambda seen: seen.end_SED.sum() * 1j)), "loss of its Compared is of torch.complex64"),
        (of(compare=comparing(near=torch.tensor([True, True]))), "near_S of its Compared is of torch.bool"),
        (
            of(compare=comparing(near=torch.tensor([1.0, torch.nan]))),
            r"near_S of its Compared is \[1.0, nan\] on random",
        ),
    ],
)
def test_what_is_wrong_with_a_loss_is_said(loss, said):
    with pytest.raises(ConfigError, match=said):
        CheckedReflection(loss)


class Nameless:
    """Keeps to the contract but for its key."""

    def __init__(self, model, ends) -> None:
        """It needs neither."""

    def sample(self, prompts, seeds, settings, deliver):
        return Sampled(0, 0)


class Words:
    """The same tokens to whoever asks."""

    key = "words 1"

    def __init__(self, model, ends) -> None:
        self.rows = [[5, 6]]

    def sample(self, prompts, seeds, settings, deliver):
        for place in range(len(prompts)):
            deliver(place, self.rows * settings.samples)
        return Sampled(1, 0)


def words(**changes):
    return type("Words", (Words,), changes)


def at_random(self, prompts, seeds, settings, deliver):
    deliver(0, [[random.randrange(200) for _ in range(2)] for _ in range(settings.samples)])
    return Sampled(1, 0)


def delivering(*deliveries):
    def sample(self, prompts, seeds, settings, deliver):
        for place, rows in deliveries:
            deliver(place, rows)
        return Sampled(1, 0)

    return words(sample=sample)


def returning(cost):
    def sample(self, prompts, seeds, settings, deliver):
        deliver(0, [[5]] * settings.samples)
        return cost

    return sample


def freezes(self, model, ends) -> None:
    model.requires_grad_(False)
    self.rows = [[5]]


def overwrites(self, model, ends) -> None:
    model.lm_head.weight.data.mul_(2)
    self.rows = [[5]]


def without_gradients(self, model, ends) -> None:
    torch.set_grad_enabled(False)
    self.rows = [[5]]


def trial(engine) -> None:
    student = tiny_student()
    try_engine(engine, student.model, StopCriteria(student.tokenizer, student.end_tokens), (3, 4))


def test_an_engine_of_the_users_own_is_an_engine():
    check_engine(Words)
    trial(Words)
    student, heard = tiny_student(), []
    sampler = CheckedSampler(Words, student.model, StopCriteria(student.tokenizer, student.end_tokens))
    cost = sampler.sample([(3,), (4,)], [0, 0], SamplingSettings(2), lambda place, rows: heard.append((place, rows)))
    assert heard == [(0, [[5, 6], [5, 6]]), (1, [[5, 6], [5, 6]])]
    assert cost == Sampled(1, 0)


def test_what_numpy_and_torch_count_with_is_delivered_as_integers():
    student, heard = tiny_student(), []
    engine = delivering((np.int64(0), [np.array([5]), torch.tensor([6])]))
    sampler = CheckedSampler(engine, student.model, StopCriteria(student.tokenizer, student.end_tokens))
    sampler.sample([(3,)], [0], SamplingSettings(2), lambda place, rows: heard.append((place, rows)))
    assert heard == [(0, [[5], [6]])]
    assert all(type(token) is int for token in (heard[0][0], *heard[0][1][0], *heard[0][1][1]))


@pytest.mark.parametrize(
    ("engine", "said"),
    [
        (Words(None, None), "it is an object; give its class"),
        (words(key=3), "its key is 3"),
        (lambda model: Words(model, None), "is called with 2 arguments"),
        (Nameless, "has no key"),
    ],
)
def test_what_is_no_engine_is_refused(engine, said):
    with pytest.raises(ConfigError, match=said):
        check_engine(engine)


@pytest.mark.parametrize(
    ("engine", "said"),
    [
        (words(__init__=lambda self, model, ends: model.no), "it makes no sampler: AttributeError"),
        (words(sample=None), "has no method sample"),
        (words(sample=lambda self, prompts: None), "is called with 4 arguments"),
        (words(sample=lambda self, prompts, seeds, settings, deliver: None), "delivered 0 of 1 prompts"),
        (words(sample=at_random), "other tokens the second time"),
        (delivering((1, [[5], [5]])), "it delivers prompt 1 of 1"),
        (delivering((0, [[5], [5]]), (0, [[5], [5]])), "which was not asked or is delivered twice"),
        (delivering((0, [[5]])), "give 2 lists of tokens"),
        (delivering((0, [[5, 5, 5], [5]])), "give at most 2 tokens below 258"),
        (delivering((0, [[999], [5]])), "give at most 2 tokens below 258"),
        (delivering((0, None)), "give 2 lists of tokens"),
        (delivering((0, torch.ones(2, 1))), r"delivers tensor.* for a prompt; give 2 lists of tokens"),
        (delivering((0, [[5.5], [5]])), r"delivers the answer \[5.5\]; give at most 2 tokens"),
        (delivering((0, [None, [5]])), "delivers the answer None; give at most 2 tokens"),
        (delivering((0, ["ab", [5]])), "delivers the answer 'ab'; give at most 2 tokens"),
        (words(sample=returning(Sampled("a", 0))), "counts of tokens"),
        (words(sample=returning(Sampled(1, -1))), "counts of tokens"),
        (words(sample=returning(Sampled(1, float("nan")))), "counts of tokens"),
        (words(sample=lambda *parts: sys.exit(0)), "its sample fails: SystemExit: 0"),
        (words(__init__=lambda *parts: sys.exit(0)), "it makes no sampler: SystemExit: 0"),
        (words(__init__=freezes), "it changes the model's weights or their requires_grad"),
        (words(__init__=overwrites), "it changes the model's weights"),
        (words(__init__=without_gradients), "it turns gradients off for the whole process"),
    ],
)
def test_what_is_wrong_with_an_engine_is_said(engine, said):
    with pytest.raises(ConfigError, match=said):
        trial(engine)
