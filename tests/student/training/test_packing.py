"""The tree of a pack: the drawn example to the letter, and for any questions what it must keep."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tutelage.student.encoding import shared_prefix
from tutelage.student.training.micro_batch import as_rows
from tutelage.student.training.packing import ExampleGroup, Segment, Tree, grow_tree, pack_groups

F, Q, A, P, N, R, B = 10, 20, 30, 40, 50, 60, 70
DRAWN = [
    ExampleGroup((F, F + 1, F + 2, Q, Q + 1), (A, A + 1, A + 2), ((P, P + 1), (N, N + 1))),
    ExampleGroup((F, F + 1, F + 2, R, R + 1), (B, B + 1), None),
]
"""The example of the module's docstring, its tokens told apart."""

TOKENS = st.lists(st.integers(1, 4), min_size=1, max_size=6).map(tuple)
FAMILIES = st.lists(
    st.builds(
        ExampleGroup,
        st.tuples(st.sampled_from([(), (5, 5, 6), (5, 5, 6, 7, 7, 7, 7)]), TOKENS).map(lambda parts: sum(parts, ())),
        TOKENS,
        st.none() | st.tuples(TOKENS, TOKENS),
    ),
    min_size=1,
    max_size=6,
)
"""Few different tokens, so that prompts begin alike by chance too, and one may be the beginning of another."""
bounded = settings(max_examples=60)


def test_the_drawn_example_to_the_letter():
    tree, loss_positions = grow_tree(DRAWN, 0.25)
    assert tree.tokens == [F, F + 1, F + 2, Q, Q + 1, A, A + 1, A + 2, P, P + 1, N, N + 1, R, R + 1, B, B + 1]
    assert tree.positions == [0, 1, 2, 3, 4, 5, 6, 7, 5, 6, 5, 6, 3, 4, 5, 6]
    assert tree.segments == [
        Segment(0, 3, None),
        Segment(3, 5, 0),
        Segment(5, 8, 1),
        Segment(8, 10, 1),
        Segment(10, 12, 1),
        Segment(12, 14, 0),
        Segment(14, 16, 5),
    ]
    prefix = [(0, F + 1, 0.5), (1, F + 2, 0.5)]  # it is there once and stands for two rows
    questions = [(2, Q, 0.25), (2, R, 0.25), (3, Q + 1, 0.25), (12, R + 1, 0.25)]
    anchors = [(4, A, 1.0), (5, A + 1, 1.0), (6, A + 2, 1.0), (13, B, 1.0), (14, B + 1, 1.0)]
    assert sorted(loss_positions.targets) == sorted(prefix + questions + anchors)
    assert loss_positions.ends == [(7, 9, 11)]


def test_the_path_goes_from_the_root():
    tree = Tree()
    root = tree.grow([1, 2])
    branch = tree.grow([3], root)
    leaf = tree.grow([4, 5], branch)
    assert tree.path(leaf) == [Segment(0, 2, None), Segment(2, 3, 0), Segment(3, 5, 1)]
    assert tree.path(None) == []
    assert [len(segment) for segment in tree.segments] == [2, 1, 2]


@pytest.mark.parametrize(
    ("rows", "shared"),
    [
        ([], 0),
        ([(1, 2, 3)], 0),
        ([(1, 2, 3), (1, 2, 4, 5)], 2),
        ([(1, 2), (1, 2, 3)], 1),  # a token of every row is left over: its question
        ([(1, 2), (1, 2)], 1),
        ([(1,), (1, 2)], 0),
        ([(1, 2, 3), (2, 2, 3)], 0),
    ],
)
def test_what_rows_share(rows, shared):
    assert shared_prefix(rows) == shared


@given(groups=FAMILIES)
@bounded
def test_every_row_reads_along_its_path_at_its_own_positions(groups):
    tree, loss_positions = grow_tree(groups, 0.5)
    inner = {segment.parent for segment in tree.segments}
    leaves = [tree.path(s) for s in range(len(tree.segments)) if s not in inner]
    read = [[n for step in path for n in range(step.start, step.end)] for path in leaves]
    assert all([tree.positions[n] for n in row] == list(range(len(row))) for row in read)
    rows = [group.prompt + branch for group in groups for branch in group.branches]
    assert Counter(tuple(tree.tokens[n] for n in row) for row in read) == Counter(rows)
    assert len(tree.tokens) == len(tree.positions) == sum(map(len, tree.segments))
    by_last_place = {row[-1]: tuple(tree.tokens[n] for n in row) for row in read}
    paired = [group for group in groups if group.pair]
    assert [tuple(by_last_place[end] for end in ends) for ends in loss_positions.ends] == [
        tuple(group.prompt + branch for branch in group.branches) for group in paired
    ]


def contexts(tree, loss_positions):
    """Each target as what stands before it and what it is, with the sum of its weights; of weight 0 there is none."""
    segment = {n: s for s, step in enumerate(tree.segments) for n in range(step.start, step.end)}
    found = Counter()
    for place, token, weight in loss_positions.targets:
        row = [n for step in tree.path(segment[place]) for n in range(step.start, step.end) if n <= place]
        found[(*(tree.tokens[n] for n in row), token)] += weight
    return +found


@given(groups=FAMILIES, weight=st.sampled_from([0.0, 0.25, 0.5, 1.0]))
@bounded
def test_targets_and_weights_are_those_of_the_padded_rows(groups, weight):
    micro_batch = as_rows(groups, weight)
    width, flat = micro_batch.input_RT.shape[1], micro_batch.input_RT.flatten().tolist()
    rows = Counter()
    for place, token, each in micro_batch.loss_positions.targets:
        rows[(*flat[place - place % width : place + 1], token)] += each
    assert contexts(*grow_tree(groups, weight)) == +rows
    assert len(micro_batch.loss_positions.targets) == sum(group.targets for group in groups)


@given(groups=FAMILIES, limit=st.integers(1, 80))
@bounded
def test_packs_keep_the_limit_and_lose_no_question(groups, limit):
    found = list(pack_groups(groups, limit))
    assert Counter(group for pack in found for group in pack) == Counter(groups)
    for pack in found:
        assert pack
        tree, _ = grow_tree(pack, 0.5)
        assert len(tree.tokens) <= limit or len(pack) == 1


def test_packs_are_filled_the_longest_question_first():
    groups = [ExampleGroup((n,), (1,) * (length - 1), None) for n, length in enumerate([3, 9, 4, 6, 1 + 1, 7])]
    assert [[group.tree_tokens for group in pack] for pack in pack_groups(groups, 10)] == [[9], [7, 3], [6, 4], [2]]
    assert len(list(pack_groups(groups, 10_000))) == 1


def test_what_is_shared_takes_room_once():
    groups = [ExampleGroup((5,) * 8 + (n,), (1, 2), None) for n in range(4)]  # 8 shared tokens and 3 of each question
    assert [len(pack) for pack in pack_groups(groups, 8 + 4 * 3)] == [4]
    assert [len(pack) for pack in pack_groups(groups, 8 + 4 * 3 - 1)] == [3, 1]


def test_the_tokens_of_a_question():
    first, second = DRAWN
    assert (first.targets, second.targets) == (7, 6)
    assert (first.tree_tokens, second.tree_tokens) == (12, 7)
    assert (len(first.branches), len(second.branches)) == (3, 1)
