"""Chat templates of several kinds, each in the shape of a published one, and tiny students that have them."""

from collections.abc import Sequence
from pathlib import Path

import torch
from tokenizers import AddedToken
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

from tests.student.tiny import tiny_student, tiny_tokenizer
from tutelage.student.model import LoadedModel, save_student

QWEN3 = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n"
    "{% if m.role == 'assistant' and loop.last %}<think>\n\n</think>\n\n{% endif %}{{ m.content }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n"
    "{% if enable_thinking is defined and enable_thinking is false %}<think>\n\n</think>\n\n{% endif %}{% endif %}"
)
"""It has a switch; the student begins its thoughts by itself."""
QWEN25 = (
    "{% if messages[0].role != 'system' %}<|im_start|>system\nYou help.<|im_end|>\n{% endif %}"
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
"""It knows no thoughts, and has a system message of its own. Base models have it, too."""
R1 = (
    "{{ bos_token }}{% for m in messages %}{% if m.role == 'system' %}{{ m.content }}"
    "{% elif m.role == 'user' %}<｜User｜>{{ m.content }}"
    "{% else %}<｜Assistant｜>{{ m.content.split('</think>')[-1] }}<|end|>{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<｜Assistant｜><think>\n{% endif %}"
)
"""The prompt begins the thought, and nothing turns it off."""
R1_BEFORE = R1.replace("<｜Assistant｜><think>\n", "<｜Assistant｜>")
"""The student begins it, and nothing turns it off."""
GEMMA = (
    "{{ bos_token }}{% if messages[0].role == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
    "{% for m in messages %}<start_of_turn>{{ 'model' if m.role == 'assistant' else m.role }}\n"
    "{{ m.content | trim }}<end_of_turn>\n{% endfor %}"
    "{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}"
)
"""It has no system role, and ends turns with another token than the tokenizer."""
CHANNEL = (
    "{% for m in messages %}<|turn>{{ m.role }}\n{{ m.content }}<turn|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|turn>model\n"
    "{% if not enable_thinking %}<|channel>thought\n<channel|>{% endif %}{% endif %}"
)
"""Thoughts have a channel, whose marks are special tokens."""
WORDS = (
    "{{ bos_token }}{% for m in messages %}{{ m.role | capitalize }}: {{ m.content }}"
    "{% if m.role == 'assistant' %}{{ eos_token }}{% else %}\n\n{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}Assistant:{% endif %}"
)
"""Turns are marked by words, and end with the model's end token: a base model may have it."""
DATED = "{{ strftime_now('%d %b %Y') }}\n" + QWEN25

MARKS = {
    QWEN3: ("<|im_start|>", "<|im_end|>"),
    QWEN25: ("<|im_start|>", "<|im_end|>"),
    DATED: ("<|im_start|>", "<|im_end|>"),
    R1: ("<｜User｜>", "<｜Assistant｜>", "<|end|>"),
    R1_BEFORE: ("<｜User｜>", "<｜Assistant｜>", "<|end|>"),
    GEMMA: ("<start_of_turn>", "<end_of_turn>"),
    CHANNEL: ("<|turn>", "<turn|>", "<|channel>", "<channel|>"),
    WORDS: (),
}
"""The special tokens of each."""


def tokenizer_with(template: str | None) -> PreTrainedTokenizerFast:
    """The tiny tokenizer with this template and its tokens; `</s>` is its end token. Think marks are not special."""
    tokenizer = tiny_tokenizer()
    tokenizer.add_tokens([AddedToken(mark, special=True, normalized=False) for mark in MARKS.get(template or "", ())])
    tokenizer.add_tokens([AddedToken(mark, special=False, normalized=False) for mark in ("<think>", "</think>")])
    tokenizer.chat_template = template
    return tokenizer


def student_with(template: str | None, ends: Sequence[str] = ("</s>",)) -> LoadedModel:
    """A tiny student with this template, whose generation settings name these end tokens."""
    tokenizer, config = tokenizer_with(template), tiny_student().model.config
    config.vocab_size = len(tokenizer)
    torch.manual_seed(0)
    model = LlamaForCausalLM(config).eval()
    ids = [tokenizer.convert_tokens_to_ids(end) for end in ends]
    model.generation_config.eos_token_id = ids[0] if len(ids) == 1 else ids
    return LoadedModel(model, tokenizer)


def folder_with(path: Path, template: str | None, ends: Sequence[str] = ("</s>",)) -> str:
    """Such a student as a folder. What was saved names the tokenizer's end token, too: here it is as published."""
    student = student_with(template, ends)
    save_student(student, path)
    student.model.generation_config.save_pretrained(path)
    return str(path)
