"""Chat templates of several kinds: prompts with thoughts and without, end tokens, system messages, dates."""

import pytest

from tests.student.steps import CONFIG, EXAMPLES
from tests.student.templates import (
    CHANNEL,
    DATED,
    GEMMA,
    QWEN3,
    QWEN25,
    R1,
    R1_BEFORE,
    WORDS,
    student_with,
    tokenizer_with,
)
from tutelage.errors import StudentError
from tutelage.records import Completion, Problem
from tutelage.student.chat_template import ChatTemplate
from tutelage.student.prompts import PromptFormat
from tutelage.student.sampler import StopCriteria
from tutelage.student.training.micro_batch import as_rows, as_tree
from tutelage.student.training.steps import StepDataset

QWEN3_TURN = "<|im_start|>user\n2 + 3?<|im_end|>\n<|im_start|>assistant\n"
R1_TURN = "<s><｜User｜>2 + 3?<｜Assistant｜>"
GEMMA_TURN = "<s><start_of_turn>user\n2 + 3?<end_of_turn>\n<start_of_turn>model\n"
CHANNEL_TURN = "<|turn>user\n2 + 3?<turn|>\n<|turn>model\n"
EMPTY = "<think>\n\n</think>\n\n"
EMPTY_CHANNEL = "<|channel>thought\n<channel|>"


def format_of(template: str, thinking="off") -> PromptFormat:
    return PromptFormat(tokenizer_with(template), chat=True, thinking=thinking)


@pytest.mark.parametrize(
    ("template", "off", "keep", "opening"),
    [
        (QWEN3, QWEN3_TURN + EMPTY, QWEN3_TURN, ""),
        (R1, R1_TURN + EMPTY, R1_TURN + "<think>\n", "<think>\n"),
        (R1_BEFORE, R1_TURN + EMPTY, R1_TURN, ""),
        (CHANNEL, CHANNEL_TURN + EMPTY_CHANNEL, CHANNEL_TURN, ""),
        (GEMMA, GEMMA_TURN, GEMMA_TURN, None),
    ],
)
def test_thoughts_are_off_or_kept_and_never_before_what_is_taught(template, off, keep, opening):
    without, with_them = format_of(template), format_of(template, "keep")
    assert without.prompt("2 + 3?") == without.taught_prompt("2 + 3?") == with_them.taught_prompt("2 + 3?") == off
    assert with_them.prompt("2 + 3?") == keep
    assert (with_them.opening, without.opening) == (opening, None if opening is None else "")


@pytest.mark.parametrize(
    ("template", "end"),
    [
        (QWEN3, "<|im_end|>"),
        (QWEN25, "<|im_end|>"),
        (R1, "<|end|>"),
        (GEMMA, "<end_of_turn>"),
        (CHANNEL, "<turn|>"),
        (WORDS, "</s>"),
        ("{{ messages[-1].content }}", "</s>"),  # none of its own: the tokenizer's
        ("{% if messages|length > 1 %}{{ raise_exception('one') }}{% endif %}{{ messages[0].content }}", "</s>"),
        ("{% for m in messages %}{{ m.content }}\n### {% endfor %}", "</s>"),
    ],
)
def test_a_rationale_is_taught_with_the_token_that_ends_turns(template, end):
    format = format_of(template)
    assert format.tokenizer.decode(format.completion_ids("It is 5.")) == f"It is 5.{end}"
    plain = PromptFormat(format.tokenizer)
    assert plain.tokenizer.decode(plain.completion_ids("It is 5.")) == " It is 5.</s>"


def test_the_system_message_goes_where_the_card_wants_it():
    asked = Problem.of("2 + 3?", "5", system="Be brief.").text
    assert format_of(QWEN25).prompt(asked).startswith("<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\n2")
    assert format_of(QWEN25).prompt("2 + 3?").startswith("<|im_start|>system\nYou help.<|im_end|>\n")
    assert format_of(GEMMA).prompt(asked).startswith("<s><start_of_turn>user\nBe brief.\n\n2 + 3?<end_of_turn>")
    assert format_of(R1).prompt(asked).startswith("<s><｜User｜>Be brief.\n\n2 + 3?<｜Assistant｜>")


def test_a_template_that_writes_the_date_writes_the_same_on_every_day():
    assert format_of(DATED).prompt("2 + 3?").startswith("26 Jul 2024\n")


def test_a_switch_is_a_variable_and_no_word():
    assert ChatTemplate(tokenizer_with(QWEN3)).switches == ("enable_thinking",)
    assert ChatTemplate(tokenizer_with("{{ '<thinking>' }}{{ messages[0].content }} enable_thinking")).switches == ()
    granite = "{% if thinking %}Think.{% endif %}{% generation %}{{ messages[0].content }}{% endgeneration %}"
    assert ChatTemplate(tokenizer_with(granite)).switches == ("thinking",)
    assert ChatTemplate(tokenizer_with("{% for")).switches == ()
    smollm3 = "{% if enable_thinking is not defined %}{% set enable_thinking = true %}{% endif %}"
    assert ChatTemplate(tokenizer_with(smollm3 + "{{ enable_thinking }}")).switches == ("enable_thinking",)
    assert ChatTemplate(tokenizer_with("{% set thinking = messages[0].thinking %}{{ thinking }}")).switches == ()


def test_bounds_hold_for_what_the_switch_brings():
    loop = "{% for a in range(99999) %}{% for b in range(99999) %}x{% endfor %}{% endfor %}"
    wild = "{{ messages[0].content }}{% if enable_thinking %}" + loop + "{% endif %}"
    format_of(wild).check()
    with pytest.raises(StudentError, match="writes more than"):
        format_of(wild, "keep").check()


def written(format: PromptFormat, text: str) -> Completion:
    ids = format.tokenizer(text, add_special_tokens=False).input_ids
    return StopCriteria(format.tokenizer, frozenset([format.end]), format.stop_strings, format.opening).completion(ids)


@pytest.mark.parametrize(
    ("template", "text", "thoughts", "answer", "finish"),
    [
        (QWEN3, "<think>\n6?\n</think>\n\nIt is 5.<|im_end|>", "<think>\n6?\n</think>", "It is 5.", "stop"),
        (QWEN3, "It is 5.<|im_end|>", "", "It is 5.", "stop"),
        (QWEN3, "<think>\nThe answer is 6.", "<think>\nThe answer is 6.", "", "length"),
        (R1, "2 + 3 = 6?\n</think>\n\nIt is 5.<|end|>", "<think>\n2 + 3 = 6?\n</think>", "It is 5.", "stop"),
        (R1, "The answer is 6. No,", "<think>\nThe answer is 6. No,", "", "length"),
        (CHANNEL, "<|channel>thought\n6?<channel|>5.<turn|>", "<|channel>thought\n6?<channel|>", "5.", "stop"),
        (GEMMA, "<think>6?</think> 5.<end_of_turn>", "", "<think>6?</think> 5.", "stop"),
    ],
)  # fmt: skip
def test_thoughts_are_set_apart_from_the_answer(template, text, thoughts, answer, finish):
    found = written(format_of(template, "keep"), text)
    assert (found.thoughts, found.text, found.finish) == (thoughts, answer, finish)


def test_a_student_whose_thoughts_are_off_and_that_thinks_is_read_in_the_same_way():
    found = written(format_of(R1), "<think>6?</think>\nIt is 5.<|end|>")
    assert (found.text, found.finish) == ("It is 5.", "stop")


@pytest.mark.parametrize("thinking", ["off", "keep"])
@pytest.mark.parametrize("template", [QWEN3, R1, CHANNEL, GEMMA])
def test_what_stands_between_think_marks_is_not_learnt(template, thinking):
    format = format_of(template, thinking)
    dataset = StepDataset(format, EXAMPLES, CONFIG, 0)
    groups = next(dataset.steps())
    empty = format.tokenizer(
        {QWEN3: EMPTY, R1: EMPTY, CHANNEL: EMPTY_CHANNEL, GEMMA: ""}[template], add_special_tokens=False
    ).input_ids
    assert format.silent == len(empty)
    for group in groups:
        tree, rows = as_tree([group], 0.1), as_rows([group], 0.1)
        prompt, asked = group.prompt, len(group.prompt)
        assert list(prompt[asked - len(empty) :]) == empty or not empty
        learnt = [prompt[n] for n in range(1, asked - len(empty))]
        for micro_batch in (tree, rows):
            targets = micro_batch.loss_positions.targets
            assert sorted(token for _, token, weight in targets if weight == 0.1) == sorted(learnt)
            assert sorted(token for _, token, weight in targets if weight == 1.0) == sorted(group.anchor)
        assert len(tree.loss_positions.targets) == group.targets
    packed = as_tree(groups, 0.1).loss_positions.targets
    assert sum(weight for _, _, weight in packed) == pytest.approx(
        sum(weight for group in groups for _, _, weight in as_rows([group], 0.1).loss_positions.targets)
    )


def test_a_student_that_is_asked_through_its_template_ends_with_the_templates_token():
    student = student_with(GEMMA)
    end = student.tokenizer.convert_tokens_to_ids("<end_of_turn>")
    assert student.end_tokens == {1}
    student.turn_end = end
    assert student.end_tokens == {1, end}
