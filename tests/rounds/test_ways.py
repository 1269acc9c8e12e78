"""Which way of asking comes first, by what each has brought."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutelage.records import Asked, Feedback, FeedbackRequest, Problem, Verdict
from tutelage.rounds.ways import (
    FIRST_BLOCK,
    OPEN_EVERY,
    TOLD_EVERY,
    Order,
    blocks,
    counted,
    in_order,
    order_of_ways,
    told,
)

PROBLEM = Problem.of("How many legs has a cow?", "4")
WAYS = ("mistake", "question")


def replies(way, sound, asked, start=0, tokens=(200, 100), mistake="five"):
    """So many requests that began in one way, of which so many were sound at once."""
    return [
        Feedback(
            f"{way}{start + n}", 0, mistake, "", Verdict(True, "4", ""), asked=(Asked(way, False, n < sound, *tokens),)
        )
        for n in range(asked)
    ]


def begin(order, count, before=()):
    requests = [FeedbackRequest(PROBLEM, f"mistake {n}", n) for n in range(count)]
    return [request.ways[0] for request in in_order(requests, order, before)]


@given(st.integers(0, 5000))
def test_blocks_double_and_cover_all(count):
    found = blocks(count)
    assert [place for block in found for place in block] == list(range(count))
    assert [len(block) for block in found[:-1]] == [FIRST_BLOCK * 2**n for n in range(len(found) - 1)]


@pytest.mark.parametrize(
    ("mistake", "question", "first"),
    [
        ((0, 0), (0, 0), "mistake"),  # nothing is known
        ((9, 24), (7, 8), "question"),
        ((43, 100), (68, 100), "question"),
        ((68, 100), (43, 100), "mistake"),
        ((0, 24), (8, 8), "question"),
        ((60, 100), (22, 33), "mistake"),  # that may be chance
        ((97, 100), (97, 100), "mistake"),  # as good: then with the mistake in view, though it takes more tokens
    ],
)
def test_the_way_that_works_comes_first_once_the_counts_tell(mistake, question, first):
    before = replies("mistake", *mistake, tokens=(320, 120)) + replies("question", *question)
    assert order_of_ways(0, WAYS, before).ways[0] == first


def test_tokens_count_where_the_shares_differ():
    before = replies("mistake", 95, 100, tokens=(900, 900)) + replies("question", 80, 100)
    assert order_of_ways(0, WAYS, before).ways[0] == "question"


@given(st.lists(st.tuples(st.sampled_from(WAYS), st.booleans()), max_size=80), st.randoms(use_true_random=False))
def test_the_order_of_arrival_does_not_matter(outcomes, rng: random.Random):
    before = [reply for n, (way, sound) in enumerate(outcomes) for reply in replies(way, int(sound), 1, n)]
    order = order_of_ways(0, WAYS, before)
    rng.shuffle(before)
    assert order_of_ways(0, WAYS, before) == order


def test_others_are_tried_now_and_then():
    open_, decided = Order(0, WAYS, OPEN_EVERY), Order(0, ("question", "mistake"), TOLD_EVERY)
    assert begin(open_, 8) == ["mistake"] * 3 + ["question"] + ["mistake"] * 3 + ["question"]
    assert begin(decided, 160).count("mistake") == 10
    assert begin(Order(2, WAYS, OPEN_EVERY), 2) == ["mistake", "question"]  # by the place in the whole stage
    assert all(set(request.ways) == set(WAYS) for request in in_order([FeedbackRequest(PROBLEM, "m")] * 9, open_))


def test_what_was_asked_before_is_asked_in_the_same_way_and_counts_once():
    request = FeedbackRequest(PROBLEM, "mistake 0", 0)
    earlier = Feedback(
        PROBLEM.id, 0, "mistake 0", "", Verdict(True, "4", ""), asked=(Asked("question", False, True, 1, 1),)
    )
    [again] = in_order([request], Order(0, WAYS, OPEN_EVERY), [earlier])
    assert again.ways == ("question", "mistake")
    assert told([earlier, earlier]) == "this teacher: 1 of 1 sound on the question alone"


def test_without_a_mistake_there_is_one_way():
    [request] = in_order([FeedbackRequest(PROBLEM)], Order(3, WAYS, OPEN_EVERY))
    assert request.ways == ()
    assert order_of_ways(0, WAYS, replies("question", 90, 90, mistake=None)).every == OPEN_EVERY
    assert told(replies("question", 90, 90, mistake=None)) == ""


def test_it_is_told_in_words_the_best_first():
    before = replies("mistake", 43, 100) + replies("question", 68, 100)
    assert (
        told(before) == "this teacher: 68 of 100 sound on the question alone, 43 of 100 sound with the mistake in view"
    )
    assert told([]) == ""


def test_all_askings_are_counted_by_way_and_hint():
    askings = [Asked("mistake", False, False, 300, 100), Asked("question", True, True, 200, 50)]
    counts = counted([*askings, askings[0]])
    assert (counts["mistake"].asked, counts["mistake"].sound, counts["mistake"].prompt_tokens) == (2, 0, 600)
    assert (counts["question, hint"].asked, counts["question, hint"].completion_tokens) == (1, 50)
