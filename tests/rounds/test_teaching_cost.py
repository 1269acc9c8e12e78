from tutelage.records import Feedback, Usage, Verdict
from tutelage.rounds.asking import Teaching
from tutelage.rounds.teaching_cost import teaching_cost


def test_a_reply_that_is_found_again_is_counted_once():
    """In the same round, for a question that two problems share, and in a later one, for the mistake of then."""

    def reply(*keys: str) -> Feedback:
        usage = Usage(len(keys), 100 * len(keys), 10 * len(keys), 0.5 * len(keys))
        return Feedback("p", 0, None, "Text.", Verdict(True, "1", ""), usage, keys)

    counted = set[object]()
    first = teaching_cost(Teaching((reply("a", "b"), reply("c"), reply("c")), (), False), counted)
    assert (first.requests, first.prompt_tokens, first.cost_usd, first.replies_used) == (3, 300, 1.5, 3)
    second = teaching_cost(Teaching((reply("a", "b"),), (reply("d"),), False), counted)
    assert (second.requests, second.completion_tokens, second.cost_usd) == (1, 10, 0.5)


def test_offline_too_a_question_asked_again_is_no_new_reply():
    def reply(mistake: str | None) -> Feedback:
        return Feedback("p", 0, mistake, "Text.", Verdict(True, "1", ""), Usage(1))

    counted = set[object]()
    assert teaching_cost(Teaching((reply(None),), (), False), counted).replies == 1
    assert teaching_cost(Teaching((reply("2."), reply(None)), (), False), counted).replies == 1
    assert teaching_cost(Teaching((reply("2."),), (), False), counted).replies == 0
