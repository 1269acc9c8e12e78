"""Attention over a tree, both ways, against attention of each row alone."""

import math

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch._dynamo.testing import CompileCounter
from torch.nn.attention.flex_attention import create_block_mask, create_mask, flex_attention

from tests.student.architectures import CONFIGS, tiny
from tests.student.definition import FAMILIES, PREFIX, WEIGHT, apart, behind
from tests.student.doubles import EXACT
from tutelage.student.attention import AttentionArgs, attending
from tutelage.student.training.micro_batch import as_tree, last_hidden
from tutelage.student.training.packing import ExampleGroup, grow_tree
from tutelage.student.training.tree_attention import FlexTreeAttention, PathAttention, tree_attention

pytestmark = [
    pytest.mark.usefixtures("float64"),
    pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile"),  # a CPU has no need of it
]

CPU = torch.device("cpu")
SLOW = pytest.mark.slow
OTHERS = [name for name in CONFIGS if name not in ("llama", "gemma3", "gptj")]
WAYS = [PathAttention, FlexTreeAttention]
LONG = [ExampleGroup((2,) * 120 + group.prompt, group.anchor + (4,) * 40, group.pair) for group in FAMILIES]
"""Longer than a block of FlexAttention, which is 128 tokens."""
HOWS = [AttentionArgs(None, None, 0.0), AttentionArgs(0.3, 6, 0.0), AttentionArgs(1.0, 2, 0.0)]


def heads(tokens, queries, groups, width=8, *, trained=False):
    torch.manual_seed(tokens)
    return [torch.randn(1, count, tokens, width, requires_grad=trained) for count in (queries, groups, groups)]


def slow_attention(tree, q, k, v, args):
    """Each token by itself: a softmax over the places of its path."""
    share = q.shape[1] // k.shape[1]
    out = torch.empty_like(q)
    for s, segment in enumerate(tree.segments):
        before = [n for step in tree.path(s)[:-1] for n in range(step.start, step.end)]
        for place in range(segment.start, segment.end):
            path = [*before, *range(segment.start, place + 1)]
            first = max(0, len(path) - args.window) if args.window else 0
            for h in range(q.shape[1]):
                keys, values = (x[0, h // share, path[first:]] for x in (k, v))
                scores = keys @ q[0, h, place] * (1 / math.sqrt(q.shape[-1]) if args.scale is None else args.scale)
                out[0, h, place] = scores.softmax(0) @ values
    return out


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("args", HOWS)
@pytest.mark.parametrize("groups", [4, 2])
def test_every_token_sees_its_path_and_no_more(way, args, groups):
    tree, _ = grow_tree(behind(PREFIX)[:3], WEIGHT)
    with torch.no_grad():
        q, k, v = heads(len(tree.tokens), 4, groups)
        expected = slow_attention(tree, q, k, v, args)
        assert apart(way(tree, CPU)(0, q, k, v, args), expected) < EXACT


@pytest.mark.parametrize("way", WAYS)
def test_in_float32_it_is_as_near_as_its_sums_let_it(way):
    """A sum of n numbers is off by n * 2**-24 of their sizes: here over a head's width and twice over the tokens."""
    tree, _ = grow_tree(behind(PREFIX)[:3], WEIGHT)
    with torch.no_grad():
        inputs = heads(len(tree.tokens), 4, 2)
        exact = slow_attention(tree, *inputs, HOWS[0])
        found = way(tree, CPU)(0, *(x.float() for x in inputs), HOWS[0])
    assert found.dtype == torch.float32
    assert apart(found.double(), exact) < (inputs[0].shape[-1] + 2 * len(tree.tokens)) * 2.0**-24


@pytest.mark.parametrize("args", HOWS)
def test_gradients_by_paths_are_those_of_each_token_by_itself(args):
    tree, _ = grow_tree(behind(PREFIX), WEIGHT)
    inputs = heads(len(tree.tokens), 4, 2, trained=True)
    found, expected = (attention_fn(*inputs, args) for attention_fn in (_by_paths(tree), _slowly(tree)))
    weights = torch.randn(found.shape)
    for one, other in zip(
        torch.autograd.grad((found * weights).sum(), inputs),
        torch.autograd.grad((expected * weights).sum(), inputs),
        strict=True,
    ):
        assert apart(one, other) < EXACT


def _by_paths(tree):
    return lambda q, k, v, args: PathAttention(tree, CPU)(0, q, k, v, args)


def _slowly(tree):
    return lambda q, k, v, args: slow_attention(tree, q, k, v, args)


@pytest.mark.parametrize(("groups", "window"), [(FAMILIES, 6), (LONG, None), (LONG, 140)])
def test_both_ways_agree(groups, window):
    tree, _ = grow_tree(groups, WEIGHT)
    with torch.no_grad():
        q, k, v = heads(len(tree.tokens), 4, 2)
        paths, flex = (way(tree, CPU) for way in WAYS)
        for args in (
            AttentionArgs(None, window, 0.0),
            AttentionArgs(0.5, None, 0.0),
        ):  # one object serves layers with and without a window
            assert apart(flex(0, q, k, v, args), paths(0, q, k, v, args)) < EXACT


@pytest.mark.parametrize("name", ["llama", "gemma3", "gptj", *(pytest.param(n, marks=SLOW) for n in OTHERS)])
def test_both_ways_agree_in_whole_models(name):
    model, micro_batch = tiny(name), as_tree(behind(PREFIX), WEIGHT)
    assert micro_batch.tree is not None
    with torch.no_grad(), attending(model, FlexTreeAttention(micro_batch.tree, CPU)) as keywords:
        output = model.base_model(
            input_ids=micro_batch.input_RT,
            position_ids=torch.tensor([micro_batch.tree.positions]),
            use_cache=False,
            **keywords,
        )
    assert apart(output.last_hidden_state.flatten(0, 1), last_hidden(model, micro_batch).detach()) < EXACT


def dense_mask(tree, window):
    """Which places each token sees, from the paths."""
    seen = torch.zeros(len(tree.tokens), len(tree.tokens), dtype=torch.bool)
    for s, segment in enumerate(tree.segments):
        before = [n for step in tree.path(s)[:-1] for n in range(step.start, step.end)]
        for place in range(segment.start, segment.end):
            path = [*before, *range(segment.start, place + 1)]
            seen[place, path[max(0, len(path) - window) if window else 0 :]] = True
    return seen


@pytest.mark.parametrize("window", [None, 140])
def test_block_masks_are_those_of_the_dense_mask(window):
    """What the kernel of a GPU computes whole, in part, and not at all."""
    tree, _ = grow_tree(LONG, WEIGHT)
    mask = FlexTreeAttention(tree, CPU)._mask(window)
    tokens, keys = mask.seq_lengths
    seen = dense_mask(tree, window)
    assert torch.equal(create_mask(mask.mask_mod, None, None, tokens, keys, device="cpu")[0, 0], seen)
    size = mask.BLOCK_SIZE[0]
    blocks = F.pad(seen, (0, -keys % size, 0, -tokens % size)).unflatten(1, (-1, size)).unflatten(0, (-1, size))
    listed = {}
    for name, counts, indices in (
        ("partial", mask.kv_num_blocks, mask.kv_indices),
        ("full", mask.full_kv_num_blocks, mask.full_kv_indices),
    ):
        listed[name] = torch.zeros(len(blocks), blocks.shape[2], dtype=torch.bool)
        for row, (count, places) in enumerate(zip(counts[0, 0], indices[0, 0], strict=True)):
            listed[name][row, places[:count].long()] = True
    full, some = blocks.all(dim=3).all(dim=1), blocks.any(dim=3).any(dim=1)
    assert torch.equal(listed["full"], full)
    assert torch.equal(listed["partial"], some & ~full)
    assert 0 < int(some.sum()) < some.numel(), "some blocks are skipped"


@SLOW
@pytest.mark.filterwarnings("ignore:<class 'torch.autograd.function.Function'>:DeprecationWarning")  # of the compiler
def test_trees_of_other_sizes_are_not_compiled_anew():
    """As `_flex` and `_mask` compile them on a GPU, with the compiler's last part left out."""
    masks, kernels = CompileCounter(), CompileCounter()
    make_mask = torch.compile(create_block_mask, backend=masks)
    attend = torch.compile(flex_attention, dynamic=True, backend=kernels)
    seen, args = [], HOWS[0]
    for n in range(6):
        groups = [ExampleGroup((2,) * (3 + 40 * n) + g.prompt, g.anchor + (4,) * (n % 3), g.pair) for g in FAMILIES]
        tree, _ = grow_tree(groups[: 2 + n % 3], WEIGHT)
        tokens = len(tree.tokens)
        with torch.no_grad():
            q, k, v = heads(tokens, 4, 2)
            mask = make_mask(FlexTreeAttention(tree, CPU)._sees(None), None, None, tokens, tokens, device="cpu")
            found = attend(q, k, v, block_mask=mask, enable_gqa=True)
            assert apart(found, PathAttention(tree, CPU)(0, q, k, v, args)) < EXACT
        seen.append((masks.frame_count, kernels.frame_count))
    assert seen[3:] == seen[-1:] * 3, seen


def test_segments_of_any_lengths_side_by_side():
    lengths = [1, 90, 2, 45, 3, 44, 1]
    groups = [ExampleGroup((7, n), (n,) * length, None) for n, length in enumerate(lengths)]
    tree, _ = grow_tree(groups, WEIGHT)
    with torch.no_grad():
        q, k, v = heads(len(tree.tokens), 2, 1)
        args = AttentionArgs(None, 5, 0.0)
        expected = slow_attention(tree, q, k, v, args)
        assert apart(PathAttention(tree, CPU)(0, q, k, v, args), expected) < EXACT


def test_dropout_is_passed_on():
    tree, _ = grow_tree(FAMILIES, WEIGHT)
    q, k, v = heads(len(tree.tokens), 2, 2)
    attention_fn = PathAttention(tree, CPU)
    kept, dropped = (attention_fn(0, q, k, torch.ones_like(v), AttentionArgs(None, None, p)) for p in (0.0, 0.5))
    assert torch.allclose(kept, torch.ones_like(kept))
    assert dropped.std() > 0.1
    assert dropped.mean().item() == pytest.approx(1, abs=0.1)


def test_the_cpu_goes_by_paths():
    tree, _ = grow_tree(FAMILIES, WEIGHT)
    assert isinstance(tree_attention(tree, CPU), PathAttention)


@pytest.mark.parametrize("name", CONFIGS)
def test_attending_leaves_the_model_as_it_was(name):
    model, tokens = tiny(name), torch.tensor([[7, 8, 9, 10]])
    before, args = model(tokens).logits, model.config._attn_implementation
    micro_batch = as_tree(FAMILIES, WEIGHT)
    last_hidden(model, micro_batch)
    assert micro_batch.tree is not None
    with pytest.raises(RuntimeError, match="on the way"), attending(model, PathAttention(micro_batch.tree, CPU)):
        raise RuntimeError("on the way")
    assert model.config._attn_implementation == args
    assert torch.equal(model(tokens).logits, before)


def test_scaled_dot_product_of_a_single_row_is_the_usual_one():
    tree, _ = grow_tree([ExampleGroup((7, 8, 9), (1, 2, 3, 4), None)], WEIGHT)
    q, k, v = heads(7, 4, 4)
    expected = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    assert apart(PathAttention(tree, CPU)(0, q, k, v, AttentionArgs(None, None, 0.0)), expected) < EXACT
