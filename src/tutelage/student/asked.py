"""How a student is asked, and why: `student.prompt: auto` takes the chat template if the model was made for it.

    Qwen3-0.6B        chat     its template ends turns with <|im_end|>, and so does the model
    Qwen3-0.6B-Base   plain    its name says so; nor does it end with its template's <|im_end|>, but with <|endoftext|>
    gemma-3-270m      plain    no template
    runs/a/student    as it was taught

A template alone says nothing: many base models ship that of their instruct model.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from transformers import AutoConfig, PreTrainedTokenizerBase

from tutelage.config import AnswerLimit, StudentConfig
from tutelage.config.sections import Thinking
from tutelage.errors import StudentError
from tutelage.records import WorkedExample
from tutelage.run_records import AskedAs
from tutelage.runs.files import read_record
from tutelage.runs.mark import kept_asked
from tutelage.student.chat_template import ChatTemplate
from tutelage.student.folder import UNTRUSTED, faults_of, listed, read_generation, read_tokenizer
from tutelage.student.model import base_folder, model_folder
from tutelage.student.sampler import Say

PROMPT_FILE = "tutelage.json"
"""File in a saved student's folder with the settings of its prompts."""
Prompt = Literal["plain", "chat"]


@dataclass(frozen=True, slots=True)
class PromptSettings:
    """The content of PROMPT_FILE. `max_new_tokens` is the setting of its run's evaluation, `answer_tokens` what its
    answers may take by the rationales that it has learnt from; None: not known."""

    prompt: Prompt
    examples: list[WorkedExample]
    system: str | None = None
    thinking: Thinking = "off"
    max_new_tokens: AnswerLimit = "auto"
    answer_tokens: int | None = None


def told_of(asked: AskedAs, config: StudentConfig) -> str:
    """How a student is asked, in words, for people."""
    return f"the student is asked by {_FORMS[asked.prompt]}: {asked.reason(config.thinking)}"


def asked_in_run(config: StudentConfig, root: Path, say: Say) -> AskedAs:
    """How the student of the run in `root` is asked: as it began, else by its settings or its files.

    Raises RunError and StudentError.
    """
    found, kept = asked_as(config), kept_asked(root)
    if kept is None or config.prompt not in ("auto", kept.prompt):
        return found
    if (kept.prompt, kept.thinks) != (found.prompt, found.thinks):
        today = found.told(config.thinking)
        say(f"the run goes on with student.prompt {kept.prompt}, as it began; a new one has {today}")
    return kept


def taught_prompts(model: str) -> PromptSettings | None:
    """The prompt settings that a student was trained with, from its folder; None if Tutelage did not train it."""
    path = Path(model) / PROMPT_FILE
    return read_record(path, PromptSettings) if path.is_file() else None


def asked_as(config: StudentConfig) -> AskedAs:
    """How the student of the configuration is asked, by its settings or its files. Raises StudentError."""
    if config.prompt == "plain":
        return AskedAs("plain", "as set")
    tokenizer = read_tokenizer(base := base_folder(config.model))
    template = ChatTemplate(tokenizer) if tokenizer.chat_template else None
    if config.prompt == "chat":
        return AskedAs("chat", "as set", template is not None and template.thinks)
    found = _found(config.model, base, template)
    return AskedAs(found.prompt, found.why, found.prompt == "chat" and template is not None and template.thinks)


def _found(name: str, base: Path, template: ChatTemplate | None) -> AskedAs:
    if template is None:
        return AskedAs("plain", "it has no chat template")
    if taught := taught_prompts(str(model_folder(name))):
        return AskedAs(taught.prompt, "so it was taught")
    if kind := base_or_instruct(name):
        return AskedAs("chat" if kind == "instruct" else "plain", f"its name says that it is {_KINDS[kind]}")
    try:
        return _by_tokens(template, _own_ends(base, template.tokenizer))
    except StudentError as error:
        return AskedAs("plain", str(error))


def _own_ends(folder: Path, tokenizer: PreTrainedTokenizerBase) -> frozenset[int]:
    """The tokens that the model was made to end with, by its settings; by its tokenizer if they name none."""
    with faults_of(folder, "the tokenizer of"):
        generation = read_generation(folder, AutoConfig.from_pretrained(folder, **UNTRUSTED))
    return frozenset(listed(generation.eos_token_id) or listed(tokenizer.eos_token_id))


def _by_tokens(template: ChatTemplate, own: frozenset[int]) -> AskedAs:
    """By the token that ends the template's turns, and the `own` ones that the model was made to end with."""
    if (end := template.end) is None:
        return AskedAs("plain", "its chat template writes no token that ends an answer")
    shown, *own_ones = (str(template.tokenizer.decode([token])) for token in (end, *sorted(own)))
    if end not in own:
        ends = " or ".join(own_ones)
        return AskedAs(
            "plain", f"its chat template ends an answer with {shown}, and the model, a base one, with {ends}"
        )
    if not template.marks_turns:
        return AskedAs("plain", "its chat template marks turns by words alone, as that of a base model does")
    return AskedAs("chat", f"its chat template ends an answer with {shown}, and so does the model")


def base_or_instruct(name: str) -> Literal["base", "instruct"] | None:
    """What a model's name says of it, such as Qwen3-0.6B-Base, gemma-3-270m-it; None: nothing."""
    parts = [part for part in re.split(r"[/\\]", name) if part]
    last = parts[-3] if parts[-2:-1] == ["snapshots"] and len(parts) > 2 else parts[-1] if parts else ""
    words = {*re.split(r"[^a-z0-9]+", last.lower())}
    if words & _INSTRUCT:
        return "instruct"  # …-Base-SFT, too: it was trained on
    return "base" if words & _BASE else None


_BASE = {"base", "pt", "pretrain", "pretrained"}
_INSTRUCT = {"instruct", "it", "chat", "sft", "dpo", "rlhf", "thinking", "reasoning", "distill"}
_FORMS = {"plain": "plain text", "chat": "its chat template"}
_KINDS = {"base": "a base model", "instruct": "made for its chat template"}
