"""Parses the usage section of a reply, in the forms of many endpoints; never less than was charged. Pure.

OpenAI      prompt 200, completion 940, of which reasoning 900, total 1140      200 + 940
xAI         prompt 200, completion 40, reasoning 900 beside it, total 1140      200 + 940
Gemini      prompt 200, completion 40, total 1140, the rest not stated          200 + 940
Anthropic   input 100, output 40, read from a cache 50, written to it 50        200 + 40, cached 50, written 50
a list      details [{"type": "reasoning", "tokens": 500}, the same with 400]   200 + 940

Sources: docs.x.ai (rate-limits) for xAI; router-for-me/CLIProxyAPI#5733 and mozilla-ai/any-llm#1290 for Gemini.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, cast

from tutelage.teacher.online.charge import cost_in, number_in

_USAGES = ("usage", "usageMetadata", "usage_metadata")
_MOST_TOKENS = 10**7
"""Larger counts are ignored: no reply takes so many tokens."""
_DEPTH = 4
_MOST_ITEMS = 1000
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_PROMPT = ("prompt_tokens", "input_tokens", "prompt_token_count", "input_token_count")
_COMPLETION = ("completion_tokens", "output_tokens", "candidates_token_count", "output_token_count")
_TOTAL = ("total_tokens", "total_token_count")
_CACHED = ("cached_tokens", "prompt_cache_hit_tokens", "cached_content_token_count", "cache_read_input_tokens")
_WRITTEN = re.compile(r"cache_(creation|write)(_input)?_tokens")
_BESIDE_INPUT = ("cache_read_input_tokens", "cache_creation_input_tokens", "cache_write_input_tokens")
"""Anthropic's `input_tokens` and Bedrock's leave these out."""
_THOUGHT = re.compile(r"reasoning|thought|thinking|(^|[._])(think|cot)($|[._])")
_OF_COMPLETION = re.compile(r"completion|output|candidate|generat")
_OF_PROMPT = {"prompt", "prompts", "input", "inputs", "cache", "cached", "caching"}
_NO_TOKENS = {
    *("cost", "costs", "price", "usd", "dollars", "ticks", "budget", "limit", "max", "effort", "id", "index", "step"),
    *("time", "times", "seconds", "sec", "ms", "latency", "duration", "speed", "per", "rate", "ratio", "share"),
    *("chars", "characters", "bytes", "words", "percent", "steps"),
}
"""Words in the names of what is no count of tokens, though it may stand in the same section."""
_LABELS = ("type", "name", "kind", "category", "token_type", "modality")


@dataclass(frozen=True, slots=True)
class Taken:
    """Tokens and US dollars of a reply; None if it does not state them.

    `least` is a lower bound on prompt and completion together, for when one of them is None. `cached` of the prompt's
    tokens were read from a cache, `written` were written to one. `thoughts` are reasoning tokens, if the endpoint
    counts them separately.
    """

    prompt: int | None = None
    completion: int | None = None
    least: int = 0
    cached: int = 0
    cost_usd: float | None = None
    thoughts: int = 0
    written: int = 0

    @property
    def all(self) -> int:
        """A lower bound on prompt and completion together."""
        return max(self.least, (self.prompt or 0) + (self.completion or 0))


def read_usage(said: object) -> Taken:
    """Parse a usage section. An unreadable one is empty, not an error: the reply is paid for and is kept."""
    if not isinstance(said, dict):
        return Taken()
    usage = _in_our_names(cast(dict[str, object], said))
    counts = list(_counts(usage))
    total = max((_loose(usage.get(name)) or 0 for name in _TOTAL), default=0)
    prompt, cached, written = _prompt(usage, counts, total)
    completion = _first(usage, _COMPLETION, counts)
    inside, beside = _thoughts(counts)
    if completion is not None:
        completion = max(completion, _with_thoughts(completion, inside, beside, total - (prompt or 0) if total else 0))
    elif total and total == prompt and not (inside or beside):
        completion = 0  # Gemini leaves out counts of 0
    written_out = max([inside, beside, completion or 0, *(_loose(usage.get(name)) or 0 for name in _COMPLETION)])
    read = max([prompt or 0, *(_loose(usage.get(name)) or 0 for name in _PROMPT)])
    least = max(total, read + written_out) if prompt is None or completion is None else 0
    if prompt is not None and completion is not None:  # of two names for one count the larger
        prompt = max(prompt, read)
        completion = max(completion, written_out, total - prompt)
    return Taken(prompt, completion, least, cached, cost_in(usage), max(inside, beside), written)


def taken_in(whole: Mapping[str, object], choice: Mapping[str, object]) -> Taken:
    """The usage of a completion: at its top, in its choice or message, else in a section of the vendor's (`x_groq`).

    Of several the one that states most counts. Reasoning tokens and the cost may also stand beside it.
    """
    within = [cast(dict[str, object], each) for each in whole.values() if isinstance(each, dict)]
    ours = [whole, choice, section_of(choice, "message")]
    beside = {name: count for section in ours for name, count in section.items() if _is_thought_count(name, count)}
    usages, others = _usages(ours), _usages(within)
    found = [read_usage({**beside, **usage}) for usage in usages or others or [{}]]
    costs = _costs([{name: cost for name, cost in whole.items() if "cost" in name.lower()}, *usages])
    if not any(costs):
        costs += _costs(others)
    return replace(max(found, key=lambda taken: taken.all), cost_usd=max(costs, default=None))


def section_of(whole: Mapping[str, object], name: str) -> Mapping[str, object]:
    """The section of this name; empty if there is none."""
    section = whole.get(name)
    return cast(dict[str, object], section) if isinstance(section, dict) else {}


def _costs(usages: Sequence[Mapping[str, object]]) -> list[float]:
    return [cost for usage in usages if (cost := read_usage(usage).cost_usd) is not None]


def _usages(sections: Sequence[Mapping[str, object]]) -> list[Mapping[str, object]]:
    return [usage for section in sections for name in _USAGES if (usage := section_of(section, name))]


def _is_thought_count(name: str, value: object) -> bool:
    """Whether a field beside a usage section counts reasoning tokens."""
    return "token" in name.lower() and any(each.is_thought for each in _counts(_in_our_names({name: value})))


def _prompt(usage: Mapping[str, object], counts: Sequence[_Count], total: int) -> tuple[int | None, int, int]:
    """The prompt's tokens, and how many of them were read from a cache and written to one.

    More cached tokens than the prompt has stand beside it, unless the total leaves no room for them.
    """
    prompt = _first(usage, _PROMPT, counts)
    of_prompt = [each for each in counts if not _OF_COMPLETION.search(each.path)]
    cached = max((each.tokens for each in of_prompt if each.name in _CACHED), default=0)
    written = max((each.tokens for each in of_prompt if _WRITTEN.fullmatch(each.name)), default=0)
    beside = sum(_loose(usage.get(name)) or 0 for name in _BESIDE_INPUT)
    if prompt is None:
        return None, 0, written
    if beside > prompt or ("input_tokens" in usage and "prompt_tokens" not in usage):
        prompt += beside
    if cached > prompt and (not total or prompt + cached <= total):
        prompt += cached
    elif cached > prompt:
        cached = 0
    if written > prompt:
        prompt += written
    return prompt, min(cached, prompt - written), written


def _with_thoughts(completion: int, inside: int, beside: int, rest: int) -> int:
    """The completion tokens with the reasoning in them.

    `inside` and `beside` are reasoning tokens named as part of the completion, or elsewhere; `rest` is the total less
    the prompt.
    """
    if rest > completion:
        return rest
    if inside > completion:
        return completion + inside
    # If the total is just prompt and completion, the completion includes the reasoning (SGLang), if it is long enough.
    if beside > completion or (beside and not rest):
        return completion + beside
    return completion


def _thoughts(counts: Sequence[_Count]) -> tuple[int, int]:
    """Reasoning tokens named as part of the completion, and those named elsewhere."""
    inside = beside = 0
    for count in counts:
        if not count.is_thought:
            continue
        if _OF_COMPLETION.search(count.path):
            inside = max(inside, count.tokens)
        else:
            beside = max(beside, count.tokens)
    return inside, 0 if beside == inside else beside


class _Count(NamedTuple):
    """A number in a usage section; `path` names the sections around it, and the labels of list items."""

    path: str
    name: str
    tokens: int

    @property
    def is_thought(self) -> bool:
        """Whether it counts reasoning tokens, and neither the prompt's nor a cache's nor anything but tokens."""
        place = f"{self.path}.{self.name}"
        return bool(_THOUGHT.search(place)) and (_OF_PROMPT | _NO_TOKENS).isdisjoint(re.split(r"[._\s]", place))


def _counts(usage: Mapping[str, object]) -> Iterator[_Count]:
    """All numbers in the section; those of the same place in the items of a list are added up."""
    sums = dict[tuple[str, str], int]()
    for path, name, tokens in _numbers(usage, "", 0):
        sums[path, name] = sums.get((path, name), 0) + tokens
    return (_Count(path, name, tokens) for (path, name), tokens in sums.items())


def _numbers(part: object, path: str, depth: int) -> Iterator[tuple[str, str, int]]:
    if isinstance(part, list) and depth <= _DEPTH:
        for item in cast(list[object], part)[:_MOST_ITEMS]:
            yield from _numbers(item, path, depth + 1)
    elif isinstance(part, dict) and depth <= _DEPTH:
        section = cast(dict[str, object], part)
        labels = [str(section[name]).lower() for name in _LABELS if isinstance(section.get(name), str)]
        here = ".".join([path, *labels])
        for name, value in section.items():
            if isinstance(value, dict | list):
                yield from _numbers(cast(object, value), f"{here}.{name}", depth + 1)
            elif (tokens := _loose(value)) is not None:
                yield here, name, tokens


def _in_our_names(section: Mapping[str, object]) -> dict[str, object]:
    """The section with its names, to any depth, in lower case and with underscores: promptTokens, Prompt-Tokens."""

    def named(value: object, depth: int) -> object:
        if isinstance(value, list) and depth <= _DEPTH:
            return [named(item, depth + 1) for item in cast(list[object], value)[:_MOST_ITEMS]]
        if not isinstance(value, dict) or depth > _DEPTH:
            return cast(object, value)
        names = cast(dict[str, object], value).items()
        return {_CAMEL.sub("_", name).replace("-", "_").lower(): named(each, depth + 1) for name, each in names}

    return cast(dict[str, object], named(section, 0))


def _first(usage: Mapping[str, object], names: tuple[str, ...], counts: Sequence[_Count]) -> int | None:
    """The count of the first of these names, at the top of the section or else the largest one in it."""
    for name in names:
        if (count := _count(usage.get(name))) is not None:
            return count
    if any(name in usage for name in names):
        return None
    inner = [each for each in counts if each.name in names and each.path and "detail" not in each.path]
    return max((each.tokens for each in inner), default=None)


def _count(said: object) -> int | None:
    """A token count, rounded up; None if the value is no count."""
    if isinstance(said, bool) or not isinstance(said, int | float) or not 0 <= said <= _MOST_TOKENS:
        return None
    return math.ceil(said)


def _loose(said: object) -> int | None:
    """A token count that may be a string; used where it can only raise the bill."""
    return _count(number_in(said))
