"""Parses the body of a response with status 200: a chat completion in any vendor's form, or an error. Pure; no HTTP.

{"choices": [{"message": {"content": "Each box …"}, "finish_reason": "stop"}], "usage": {…}}     Reply
{"choices": [{"message": {"content": [{"type": "thinking", …}, {"type": "text", "text": "…"}]}}]}   Reply (Mistral)
{"choices": [], "usage": {"completion_tokens": 0}, "prompt_filter_results": …}                   Reply, filtered (Azure)
{"error": {"code": 429, "message": "…"}}                                                ErrorInReply (OpenRouter)
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

from tutelage.teacher.online.failures import RequestFailed
from tutelage.teacher.online.message import Message, NotRead, read_message
from tutelage.teacher.online.refusal import Said, said_in
from tutelage.teacher.online.stream import completion_of, is_stream, parsed, plain_body
from tutelage.teacher.online.usage import Taken, section_of, taken_in
from tutelage.text.thoughts import apart

LATEST = 1000
"""Replies remembered to detect a repeat; a reply that is sent twice comes twice within a short time."""
_FILTERED = re.compile(
    r"filter|sensitive|refus|safety|recitation|block|spii|prohibited|guardrail|moderat|policy|flagged|violation"
)
_CUT = re.compile(r"length|max_(\w+_)?tokens|token_limit|context_window")
_ENDED = ("stop", "end_turn", "stop_sequence", "eos", "eos_token", "complete")
_FAILED = (
    (re.compile(r"rate_?limit"), 429),
    (re.compile(r"insufficient|overload|unavailable|capacity"), 503),
    (re.compile(r"error|fail|abort|cancel|interrupt|exception|time_?out|^other$|malformed_response"), 502),
)
"""Finish reasons of other vendors, and the statuses that they stand for: Zhipu (sensitive, network_error), DeepSeek
(insufficient_system_resource), Mistral (model_length, error), vLLM (abort), Gemini (in capitals), OpenRouter."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An endpoint's reply; counts are None and texts empty if the endpoint does not state them.

    `reasoning` is the model's thinking before the text, in `thoughts` tokens. `served` is the model that answered, by
    the endpoint's name; `provider` is the router's provider. `least_tokens` is a lower bound on prompt and completion
    tokens together, for when one is None. `cached_tokens` of the prompt came from a cache, `written_tokens` were
    written to one. `cost_usd` is the charge that the endpoint states.
    """

    text: str
    finish_reason: str
    prompt_tokens: int | None
    completion_tokens: int | None
    id: str = ""
    least_tokens: int = 0
    cached_tokens: int = 0
    cost_usd: float | None = None
    reasoning: str = ""
    served: str = ""
    provider: str = ""
    thoughts: int = 0
    written_tokens: int = 0

    @property
    def taken(self) -> Taken:
        """What the endpoint says that the request took."""
        counts = (self.prompt_tokens, self.completion_tokens, self.least_tokens, self.cached_tokens)
        return Taken(*counts, self.cost_usd, self.thoughts, self.written_tokens)

    @property
    def only_thought(self) -> bool:
        """Whether the model reasoned and wrote no answer. Hidden reasoning shows as an empty text cut by length."""
        inside, answer = apart(self.text)
        thought = self.thoughts or self.reasoning.strip() or inside or self.finish_reason == "length"
        return not answer.strip() and bool(thought) and self.finish_reason in ("stop", "length")


class ErrorInReply(Exception):
    """A response with status 200 that holds an error; `taken` is what it says that the request took."""

    def __init__(self, said: Said, taken: Taken | None) -> None:
        super().__init__(said.text)
        self.said, self.taken = said, taken


def read_completion(body: bytes, content_type: str = "") -> Reply:
    """The reply in the body of a response with status 200.

    Raises:
        RequestFailed: the body holds no reply; the request counts as charged.
        ErrorInReply: the body holds an error.
    """
    body = plain_body(body)
    if not body:
        raise RequestFailed("broken reply", "the reply has an empty body", charged=True)
    value: object = None
    try:
        value = _value(body)
        return _read(value)
    except NotRead as error:
        what = "HTML" if "html" in content_type or body[:1] == b"<" else "no chat completion"
        start = " ".join(body[:80].decode(errors="replace").split())
        message = f"the reply is {what}: {error.place} is wrong or missing; it begins {start!r}"
        failure = RequestFailed("broken reply", message, charged=True)
        failure.taken = stated_in(value)
        raise failure from None


def is_whole(body: bytes) -> bool:
    """Whether the body of a reply is complete: JSON, or events up to the end of the reply."""
    try:
        return isinstance(_value(plain_body(body)), dict)
    except NotRead:
        return False


def _value(body: bytes) -> object:
    try:
        return completion_of(body) if is_stream(body) else parsed(body)
    except ValueError:
        raise NotRead("the body") from None


def _read(value: object) -> Reply:
    if isinstance(value, list) and (said := said_in(cast(list[object], value))):
        raise ErrorInReply(said, stated_in(cast(object, value)))
    if not isinstance(value, dict):
        raise NotRead("the body")
    whole = _unwrapped(cast(dict[str, object], value))
    first, choice = _first_choice(whole)
    _raise_error(whole, choice)
    if first is not None and choice is None:
        raise NotRead("choices.0")
    holds = (choice or {}).get
    if choice is not None and (
        _reason(choice) or any(holds(name) is not None for name in ("message", "delta", "text"))
    ):
        return _reply(whole, choice, read_message(choice))
    if _is_filtered(whole):
        return _reply(whole, {"finish_reason": "content_filter"}, Message("", "", ""))
    raise NotRead("choices.0.message" if choice is not None else "choices")


def stated_in(value: object) -> Taken | None:
    """What an error, a JSON value, says that the request took; None without a cost, as tokens alone are not charged."""
    if isinstance(value, list) and value:
        value = cast(list[object], value)[0]
    if not isinstance(value, dict):
        return None
    whole = _unwrapped(cast(dict[str, object], value))
    taken = taken_in(whole, _first_choice(whole)[1] or {})
    return taken if taken.cost_usd else None


def _first_choice(whole: Mapping[str, object]) -> tuple[object, dict[str, object] | None]:
    """The first choice, as it is, and if it is an object."""
    choices = whole.get("choices")
    first = cast(list[object], choices)[0] if isinstance(choices, list) and choices else None
    return first, cast(dict[str, object], first) if isinstance(first, dict) else None


def _unwrapped(whole: dict[str, object]) -> dict[str, object]:
    """The body with the completion, or the error, that some gateways pass on in a section: data, response, result …"""
    if "choices" in whole or whole.get("error"):
        return whole
    for section in (section_of(whole, name) for name in whole):
        if {"choices", "error", "Error"} & section.keys():
            return {**whole, **section}
    return whole


def _raise_error(whole: Mapping[str, object], choice: Mapping[str, object] | None) -> None:
    """Raise ErrorInReply if the completion, its choice or the choice's message holds an error."""
    places = [choice or {}, *(section_of(choice or {}, name) for name in ("message", "delta"))]
    errors = (place[name] for place in places for name in ("error", "errors") if place.get(name))
    said = next((said for error in errors if (said := said_in({"error": error}))), None) or said_in(dict(whole))
    reason = _reason(choice or {})
    if said is None and (status := next((status for words, status in _FAILED if words.search(reason)), None)):
        said = Said(status, "", f"the generation ended with {reason!r}")
    if said is not None:
        raise ErrorInReply(said, stated_in(whole))


def _reply(whole: Mapping[str, object], choice: Mapping[str, object], message: Message) -> Reply:
    taken = _told(taken_in(whole, choice), message)
    reason = _reason(choice)
    finish = "length" if _CUT.search(reason) else "content_filter" if _FILTERED.search(reason) else "stop"
    if finish == "stop" and reason not in (*_ENDED, ""):
        finish = str(choice.get("finish_reason") or choice.get("finishReason"))
    if not message.text and message.refusal and message.text_missing:
        finish = "content_filter"
    return Reply(
        text=_storable(message.text or message.refusal),
        finish_reason=finish,
        prompt_tokens=taken.prompt,
        completion_tokens=taken.completion,
        id=str(whole.get("id") or ""),
        least_tokens=taken.least,
        cached_tokens=taken.cached,
        cost_usd=taken.cost_usd,
        reasoning=_storable(message.reasoning),
        served=_word(whole.get("model")),
        provider=_word(whole.get("provider")),
        thoughts=taken.thoughts,
        written_tokens=taken.written,
    )


def _told(taken: Taken, message: Message) -> Taken:
    """The usage without counts of 0 for what is not empty: the endpoint does not count, and the bound holds."""
    if not (message.text or message.reasoning) or (taken.prompt != 0 and taken.completion != 0):
        return taken
    least = max(taken.least, (taken.prompt or 0) + (taken.completion or 0))
    return replace(taken, prompt=taken.prompt or None, completion=taken.completion or None, least=least)


def _storable(text: str) -> str:
    """The text without NUL, which ends a text in SQL; halves of a surrogate pair are joined, a lone one is replaced."""
    return text.replace("\x00", "").encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _reason(choice: Mapping[str, object]) -> str:
    """The finish reason in lower case; empty if there is none. Gemini adds a detail: `content_filter: SAFETY`."""
    reason = choice.get("finish_reason") or choice.get("finishReason")
    return reason.partition(":")[0].strip().lower() if isinstance(reason, str) else ""


def _is_filtered(whole: Mapping[str, object]) -> bool:
    """Whether a completion without a message was withheld by policy: it says so, or counts no completion tokens.

    Gemini leaves out empty lists and counts of 0.
    """
    if any(whole.get(name) for name in ("prompt_filter_results", "promptFeedback", "prompt_feedback", "blockReason")):
        return True
    taken = taken_in(whole, {})
    return bool(taken.prompt) and max(taken.completion or 0, taken.least - (taken.prompt or 0)) == 0


def _word(value: object) -> str:
    return value[:200].replace("\x00", "") if isinstance(value, str) else ""


_SHORT = 60
"""Characters of a text below which it may answer several questions, if it has no number."""


class LatestReplies:
    """The latest replies, to detect one that comes again as the answer to another question."""

    def __init__(self) -> None:
        self._asked: dict[str, tuple[int, int]] = {}
        self._of_many = set[str]()

    def is_repeat(self, reply: Reply, messages: Sequence[Mapping[str, str]]) -> bool:
        """Whether a reply with this id and text answered other messages before.

        Some servers give many replies one id: an id that came with two texts tells nothing. Nor does a short text
        without a number, such as "The answer is yes.", that many questions may have.
        """
        common = len(reply.text) < _SHORT and not any(map(str.isdigit, reply.text))
        if not reply.id or common or reply.id in self._of_many:
            return False
        asked, text = hash(repr(messages)), hash(reply.text)
        first = self._asked.setdefault(reply.id, (asked, text))
        if len(self._asked) > LATEST:
            del self._asked[next(iter(self._asked))]
        if first[1] != text:
            self._of_many.add(reply.id)
        return first[1] == text and first[0] != asked
