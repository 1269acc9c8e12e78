r"""Removes a reasoning model's thoughts, which precede its answer. Pure, linear in the text.

"<think>Perhaps the answer is 20.</think>\nShe makes $18."                                  ->  "She makes $18."
"<|channel|>analysis<|message|>20?<|end|><|start|>assistant<|channel|>final<|message|>18"   ->  "18"
"""

from __future__ import annotations

import re

_NAMES = (
    r"(?:seed:)?(?:think(?:ing)?|thoughts?|thought_process|reasoning|reason|reflection|scratchpad|analysis"
    r"|(?:inner_|internal_)?monologue)"
)
_MARK = re.compile(
    rf"""
    (?P<open>
        <{_NAMES}> | \[(?:THINK|THINKING|REASONING)\] | ◁think▷
      | <\|(?:begin_of_thought|START_THINKING|begin_of_thinking|think|thinking_start)\|>
      | <\|?channel\|?>[ ]?(?:analysis|commentary|thought|thinking)\b[^<\n]{{0,80}}(?:<\|message\|>)?
      | <unused94>(?:thought)?
    )
  | (?P<close>
        </{_NAMES}> | \[/(?:THINK|THINKING|REASONING)\] | ◁/think▷
      | <\|(?:end_of_thought|END_THINKING|end_of_thinking|/think|thinking_end)\|> | <channel\|> | <unused95>
    )
  | (?P<answer>                                                 # the answer's channel ends every thought
        <\|?channel\|?>[ ]?final\b[^<\n]{{0,80}}(?:<\|message\|>)?
      | <\|(?:START_RESPONSE|begin_of_solution)\|>
    )
  | (?P<end><\|(?:end|call|return|end_of_solution|END_RESPONSE)\|>)
    """,
    re.VERBOSE | re.IGNORECASE,
)
_TURN = re.compile(
    r"\s*(?:<\|(?:im_start|start)\|>|<start_of_turn>|<\|turn>|<\|start_header_id\|>)(?:assistant|model)"
    r"(?:<\|end_header_id\|>)?[ \t]*\n{0,2}"
    r"|\s*<\|(?:assistant|bot|START_OF_TURN_TOKEN)\|>(?:<\|CHATBOT_TOKEN\|>)?\s?"
)
_START = re.compile(r"<\|start\|>assistant", re.IGNORECASE)
_DONE = re.compile(r"(?:\.\.\.|…)\s?done thinking\.?", re.IGNORECASE)
_DECODED = re.compile(r"\A\s*analysis(?=\S)[\s\S]*?assistantfinal", re.IGNORECASE)


def without_thoughts(text: str) -> str:
    """The text without its thoughts; a text without marks is unchanged.

    A thought without an end mark lasts to the end of the text, one without a start mark begins with it.
    """
    text = _without_turn(text)
    if "hinking" in text and (done := _last(_DONE, text)):  # Ollama: "Thinking... …done thinking."
        text = text[done.end() :]
    if text.lstrip()[:8].lower() == "analysis" and (decoded := _DECODED.match(text)):
        text = text[decoded.end() :]  # a channel whose special tokens were skipped
    return _outside(text) if "<" in text or "[" in text or "◁" in text else text


def apart(text: str) -> tuple[str, str]:
    """The thoughts in a text, with their marks, and the text without them."""
    answer = without_thoughts(text)
    if answer == text:
        return "", text
    return (text.rstrip().removesuffix(answer) if answer else text).strip(), answer


def opened(prompt: str) -> str:
    """The thought that a prompt has begun and not ended, such as "<think>\\n"; empty if there is none."""
    prompt = prompt[-_LONGEST:]
    mark = _last(_MARK, prompt)
    return prompt[mark.start() :] if mark and mark.lastgroup == "open" and not prompt[mark.end() :].strip() else ""


def empty_thought(prompt: str) -> str:
    """The thought of no words that a prompt ends with, such as "<think>\\n</think>\\n"; empty if there is none."""
    prompt = prompt[-_LONGEST:]
    close = _last(_MARK, prompt)
    if not close or close.lastgroup != "close" or prompt[close.end() :].strip():
        return ""
    start = opened(prompt[: close.start()])
    return start and prompt[close.start() - len(start) :]


def ended(opening: str) -> str:
    """A thought that was begun as `opening` and is ended without a word, as Qwen3's template writes it."""
    mark = opening.strip()
    if (close := _CLOSES.get(mark.lower())) is None:
        close = "<channel|>" if "channel" in mark else mark[0] + "/" + mark[1:]
    return f"{mark}\n\n{close}\n\n"


def speaks_of_thoughts(template: str) -> bool:
    """Whether a chat template knows the mark that ends a thought."""
    return any(mark.lastgroup == "close" for mark in _MARK.finditer(template))


_LONGEST = 300
"""Characters at the end of a prompt among which the thought stands that it begins."""
_CLOSES = {
    "<|begin_of_thought|>": "<|end_of_thought|>",
    "<|begin_of_thinking|>": "<|end_of_thinking|>",
    "<|start_thinking|>": "<|END_THINKING|>",
    "<|thinking_start|>": "<|thinking_end|>",
    "<|think|>": "<|/think|>",
    "<|thinking|>": "<|end_of_thinking|>",
    "<unused94>thought": "<unused95>",
    "<unused94>": "<unused95>",
}
"""The marks that end a thought, where it is not the same with a slash."""


def _outside(text: str) -> str:
    kept: list[str] = []
    depth = position = marks = 0
    for mark in _MARK.finditer(text):
        kind = mark.lastgroup
        if kind == "end" and not marks:
            continue  # no channel is open, so this is not the end of a thought
        if depth == 0:
            kept.append(text[position : mark.start()])
        marks += 1
        if kind == "answer" or (kind == "close" and depth == 0):
            kept, depth = [], 0
        elif kind == "end":
            depth = 0
        else:
            depth = depth + 1 if kind == "open" else depth - 1
        position = mark.end()
    if not marks:
        return text
    if depth == 0:
        kept.append(text[position:])
    return _START.sub("", "".join(kept)).strip()


def _without_turn(text: str) -> str:
    turn = _TURN.match(text)
    return text[turn.end() :] if turn else text


def _last(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    found = None
    for found in pattern.finditer(text):  # noqa: B007 - the last one counts
        pass
    return found
