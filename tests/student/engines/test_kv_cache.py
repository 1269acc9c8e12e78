"""The slots' attention against a plain softmax over everything that a row has said."""

import pytest
import torch

from tests.student.definition import apart
from tests.student.doubles import EXACT
from tutelage.student.attention import AttentionArgs
from tutelage.student.engines.kv_cache import KVCache

pytestmark = pytest.mark.usefixtures("float64")
HEADS, WIDTH = 4, 8
CPU = torch.device("cpu")
HOWS = pytest.mark.parametrize(
    "args", [AttentionArgs(None, None, 0.0), AttentionArgs(0.4, 5, 0.0)], ids=["whole", "window"]
)


class History:
    """Keys and values of each row, appended one behind the other, and attention over them as it is defined."""

    def __init__(self, args: AttentionArgs, groups: int, bound: float = EXACT) -> None:
        self.args, self.groups, self.bound = args, groups, bound
        self.rows: list[list[tuple[torch.Tensor, torch.Tensor]]] = []

    def see(self, row: int, q_Hd: torch.Tensor) -> torch.Tensor:
        keys, values = (torch.stack(each) for each in zip(*self.rows[row], strict=True))  # K G d
        if self.args.window:
            keys, values = keys[-self.args.window :], values[-self.args.window :]
        share = HEADS // self.groups
        scale = self.args.scale if self.args.scale is not None else WIDTH**-0.5
        return torch.stack(
            [
                (keys[:, h // share] @ q_Hd[h] * scale).softmax(0) @ values[:, h // share] for h in range(HEADS)
            ]
        )  # fmt: skip


def heads(rows: int, tokens: int, groups: int) -> list[torch.Tensor]:
    return [torch.randn(rows, count, tokens, WIDTH) for count in (HEADS, groups, groups)]


def enter(cache: KVCache, history: History, lengths, question, prefix):
    """Questions enter behind the prefix; every one of their tokens is checked."""
    positions = cache.begin_questions(lengths, question, len(history.rows))
    assert positions.tolist() == [list(range(len(prefix), len(prefix) + max(lengths)))]
    q, k, v = heads(len(lengths), max(lengths), history.groups)
    out = cache(0, q, k, v, history.args)
    for n, length in enumerate(lengths):
        history.rows.append(list(prefix))
        for t in range(length):
            history.rows[-1].append((k[n, :, t], v[n, :, t]))
            assert apart(out[n, :, t], history.see(-1, q[n, :, t])) < history.bound
        history.rows += [list(history.rows[-1]) for _ in range(cache.samples - 1)]
    assert torch.isfinite(out).all()


def step(cache: KVCache, history: History, questions: int):
    """Every row says a token more."""
    rows = len(history.rows)
    positions = cache.begin_step(rows, questions)
    assert positions.flatten().tolist() == [len(row) for row in history.rows]
    q, k, v = heads(rows, 1, history.groups)
    out = cache(0, q, k, v, history.args)
    for row in range(rows):
        history.rows[row].append((k[row, :, 0], v[row, :, 0]))
        assert apart(out[row, :, 0], history.see(row, q[row, :, 0])) < history.bound


def begin(cache: KVCache, history: History, length: int):
    """The prefix, as what every row begins with."""
    if not length:
        return []
    assert cache.begin_prefix(length).tolist() == [list(range(length))]
    q, k, v = heads(1, length, history.groups)
    out, prefix = cache(0, q, k, v, history.args), []
    history.rows.append(prefix)
    for t in range(length):
        prefix.append((k[0, :, t], v[0, :, t]))
        assert apart(out[0, :, t], history.see(0, q[0, :, t])) < history.bound
    history.rows.clear()
    return prefix


def caches(rows, samples):
    return KVCache(rows, samples, question_tokens=6, answer_tokens=9, device=CPU)


@HOWS
@pytest.mark.parametrize("groups", [4, 2])
@pytest.mark.parametrize("prefix", [0, 7])
def test_rows_see_the_prefix_their_question_and_themselves_through_all_that_happens(args, groups, prefix):
    torch.manual_seed(0)
    cache, history = caches(8, 2), History(args, groups)
    shared = begin(cache, history, prefix)
    enter(cache, history, [3, 1, 6], 0, shared)
    for _ in range(3):
        step(cache, history, 3)
    cache.move_rows([5], [0])  # row 0 is done: the last row takes its place
    history.rows = [history.rows[n] for n in (5, 1, 2, 3, 4)]
    step(cache, history, 3)
    cache.move_rows([4], [1])  # row 1, too, and with it the first question: the last one takes its place
    history.rows = [history.rows[n] for n in (0, 4, 2, 3)]
    cache.move_question(2, 0)
    step(cache, history, 2)
    enter(cache, history, [4, 2], 2, shared)  # others enter beside rows that are on their way
    for _ in range(3):  # the first ones by now have left the window's length behind
        step(cache, history, 4)


@HOWS
def test_in_float32_they_see_as_much_as_their_sums_let_them(args):
    """A sum of n numbers is off by n * 2**-24 of their sizes: over a head's width and twice over 17 tokens."""
    torch.set_default_dtype(torch.float32)
    torch.manual_seed(0)
    cache, history = caches(8, 2), History(args, 2, (WIDTH + 2 * 17) * 2.0**-24)
    enter(cache, history, [3, 1, 6], 0, begin(cache, history, 7))
    for _ in range(4):
        step(cache, history, 3)


def test_layers_are_kept_apart():
    torch.manual_seed(1)
    cache, args = caches(1, 1), AttentionArgs(None, None, 0.0)
    cache.begin_questions([2], 0, 0)
    inputs = [heads(1, 2, 4) for _ in range(2)]
    for layer, (q, k, v) in enumerate(inputs):
        cache(layer, q, k, v, args)
    cache.begin_step(1, 1)
    for layer in (1, 0):
        q, k, v = heads(1, 1, 4)
        history = History(args, 4)
        kept = inputs[layer]
        history.rows = [[(kept[1][0, :, t], kept[2][0, :, t]) for t in range(2)] + [(k[0, :, 0], v[0, :, 0])]]
        assert apart(cache(layer, q, k, v, args)[0, :, 0], history.see(0, q[0, :, 0])) < EXACT
