"""Removes from a reply what is no reasoning: titles, labels, step numbers and opening talk. Pure, linear in the text.

"Sure! Let's solve this.\\n### Step 1: Count the pens\\n1. 3 × 4 = 12 pens."   ->   "3 × 4 = 12 pens."

`text.run_on` handles the talk at the end. A line that may be more than a title stays.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tutelage.text.sentences import pieces_of, sentences

_HEADING = re.compile(r"[ \t>]*(?P<level>#{1,6})[ \t]*(?P<words>[^\n]*?)[ \t#]*")
_BOLD = re.compile(r"[ \t>]*(?:[-*•][ \t]+)?(?:\*\*|__)(?P<words>[^*_\n]+)(?:\*\*|__)[ \t]*:?[ \t]*")
_NUMBERED = re.compile(r"(?P<indent>[ \t>*_]{0,12})(?:(?P<number>\d{1,2})[.)][ \t]+|[0-9#*]\ufe0f?\u20e3[ \t]*)(?=\S)")
_LEADING = re.compile(r"[^\w(\[$\\√#+]*+")
_CODE = re.compile(r"[ \t]*```[ \t]*(?:python|py|javascript|js|java|cpp|c|r|ruby|go|rust|sql|bash|sh)\b", re.IGNORECASE)
_RULED = re.compile(r"[ \t]*\|?[ \t]*:?-{2,}[-:| \t]*$")
_BRACKETS = frozenset(("[", "]", "\\[", "\\]", "$$", "\\(", "\\)"))
_STEP = r"(?:step|part|phase)[ ](?:\d{1,2}|one|two|three|four|five|six)\b"
_NAMES = r"""(?:(?:(?:the|a|my|our|your|short|complete|detailed|worked|full|brief|step[- ]by[- ]step
      |revised|improved|rewritten|corrected|new)[ ])*
    (?:solution|explanation|reason(?:ing)?|rationale|analysis|calculations?|computations?|workings?|conclusion|summary
      |given(?:[ ]information)?|known(?:[ ]facts)?|facts?|key[ ]facts|approach|method|strategy|plan
      |step[- ]by[- ]step|steps|breakdown|thinking|thought[ ]process|justification|setup|work|details|to[ ]find)
    (?:[ ](?:process|breakdown|steps?))?)"""
_LABEL = re.compile(rf"(?:(?P<step>{_STEP}[ ]*[:.)–—-]*) | {_NAMES}[ ]*:)[*_]*[ \t]*", re.IGNORECASE | re.VERBOSE)
_CHECK = re.compile(
    r"""\W*(?:(?:now|finally|also|next|then)\b,?\ )?
    (?:we\ can\ |you\ can\ |to\ |let(?:['’]s|\ us|\ me)\ |i\ will\ |also\ |
      we\ need\ to\ (?=[^.\n]{0,80}(?:\d|\b(?:answer|result)\b)))*
    (?:double[- ]?)?(?:check(?:ing)?|verify(?:ing)?|verification|confirm(?:ing)?)\b""",
    re.IGNORECASE | re.VERBOSE,
)
_TITLE = re.compile(
    rf"""{_NAMES} | (?:understand|identify|recogni[sz]|analy[sz]|break|set|calculat|comput|determin|find
    |work|solv|count|multiply|add|subtract|divid|combin|sum|read|list|gather|organi[sz]|what[ ](?:we|is|do)|information
    |evaluat|consider|look|examin|final|putting|conclud|problem|question|interpret|apply|use|using|convert
    |state)[^\n]*""",
    re.IGNORECASE | re.VERBOSE,
)
_ANSWERS = re.compile(
    r"(?:the |my |final |correct |right )*(?:answer|result|option|choice)\b|####|ans\b", re.IGNORECASE
)
_SAYS = re.compile(r"[=≈]|[.!?][\"”')*_]*$|\\boxed")
_VERB = re.compile(r"\b(?:is|are|was|were|has|have|can|cannot|would|do|does|must|float|need)\b", re.IGNORECASE)
_DIGIT = re.compile(r"\d")

_QUESTION = re.compile(r"\W{0,8}(?:question|problem)\b[ *_]{0,4}:", re.IGNORECASE)
_SOLUTION = re.compile(
    r"^[#*_ \t]{0,8}(?:solution|explanation|reasoning|rationale|answer|step 1|a)\b[ *_]{0,4}:",
    re.IGNORECASE | re.MULTILINE,
)
_VERDICT = re.compile(
    r"""[^\d\n=]{0,120}\b(?:answer|result|solution|calculation)s?\ (?:is|are)\ (?:indeed\ |also\ )?
      (?:correct|right|accurate|valid)\W*
    |\W*(?:so\ |thus\ |hence\ )?(?:this|that)\ is\ the\ (?:correct|right|final)\ answer,\ which\ is\ [^\n=,]{1,40}""",
    re.IGNORECASE | re.VERBOSE,
)
"""A last sentence that only says that the answer is right."""
_PRAISE = re.compile(
    r"(?:^|(?<=[.!?:]\s))(?:this|that|the|our) (?:\w+ )?(?:step|calculation|result|solution) is (?:also |indeed )?"
    r"(?:correct|right|valid)[.!](?:[ \t]+|$)",
    re.IGNORECASE | re.MULTILINE,
)
"""A sentence within the steps that only says that they are right."""
_TRAILER = re.compile(
    r"\s*\b(?:(?:this|that) is (?:the|my|our) (?:final |correct )?answer|(?:and )?there you (?:have it|go)"
    r"|(?:and )?that['’]s (?:it|all)|does (?:this|that) make sense)[.!?]*\s*$",
    re.IGNORECASE,
)
_TALK_WORDS = """sure thing certainly of course absolutely definitely gladly okay ok alright all right great good
excellent perfect no problem hello hi hey there thanks thank you for asking got it understood glad happy delighted
pleased more than to help what that that's this a an is the nice interesting fun classic question one i i'm i'd i'll
we we'll be am would will can could going let let's us me my your our solve work break down think look go start
begin walk take tackle figure out do see get reason explain show understand dive into approach try through carefully
here here's are how why step steps by at in order answer solution worked complete short simple clear brief detailed
quick possible explanation reasoning breakdown working process guide way method find follow following these each
option options choice choices every part parts smaller small easy together compute calculate determine perform
calculation calculations now first then so well and with it's logically systematically methodically clearly about
need needs use using math maths word given details everything information as below broken started evaluate
evaluating correct corrected fix mistake ai language model short some plan provide provided give you'll you're assist
on"""
_TALK = frozenset(_TALK_WORDS.split())
"""A sentence that consists of these words alone only announces an answer."""
_OPENS = re.compile(
    r"""\W*(?:sure|certainly|of\ course|absolutely|definitely|gladly|okay|ok|alright|all\ right|great|good|excellent
    |perfect|no\ problem|hello|hi|hey|thanks|thank\ you|got\ it|understood|what\ an?|that['’]?s|that\ is|this\ is|i
    |i['’](?:m|d|ll)|we|we['’]ll|(?:now|first|so|then|well)\W+let|let|let['’]s|here|here['’]s|to|in\ order\ to
    |happy|glad|follow|as\ an\ ai|step[- ]by[- ]step|solution|explanation|reasoning|a|an|the\ following)\b""",
    re.IGNORECASE | re.VERBOSE,
)
_LETTER = re.compile(r"\W*\w\W*")
_ANNOUNCES = re.compile(
    r"""(?:(?:now|first|next|then|so)\W+)?(?:let(?:['’]s|\ us|\ me)|i['’]ll)\ (?:now\ |first\ )?
    (?:calculate|compute|find|determine|solve|perform|do|work|break)\b[^:]*:
    |(?:to|in\ order\ to)\b[^:]*\b(?:follow\ (?:these|the)|these|the\ following|simple|few)\ (?:\w+\ )?steps:?""",
    re.IGNORECASE | re.VERBOSE,
)
_INTERJECTION = re.compile(
    r"(?:(?:sure(?: thing)?|certainly|of course|absolutely|okay|ok|alright|all right)[,:—–-]+[ ]+(?:so,?[ ]+)?"
    r"|here(?:['’]s| is) (?:why|how|(?:my|the|a|an)\b)[^:.\n]{0,30}:[ ]+)(?=\S)",
    re.IGNORECASE,
)
_LONGEST_TALK, _LONGEST_CHECK = 200, 600
_MOST_TALK = 8
"""The most opening sentences that are removed as talk."""


def without_titles(text: str) -> str:
    """A text, still with markup, without title lines, labels, step numbers and a repeated question."""
    if (question := _QUESTION.match(text)) and (solution := _SOLUTION.search(text, question.end())):
        text = text[solution.start() :]
    lines = [*_unnumbered(without_trailer(text).split("\n"))]
    last = max((place for place, line in enumerate(lines) if line.strip()), default=0)
    kept = (_without_title(line, is_last=place == last) for place, line in enumerate(lines))
    return "\n".join(line for line in kept if line is not None)


def without_trailer(text: str) -> str:
    """The text without a last sentence that only says that it ends."""
    return text[:-100] + _TRAILER.sub("", text[-100:])


def without_verdict(text: str) -> str:
    """The text without a last sentence that says that the answer is right, and the check before it."""
    said = sentences(text[-_LONGEST_CHECK:]) or [""]
    if len(said) == 1 or not _VERDICT.fullmatch(said[-1]):
        return text
    checks = (place for place in range(1, len(said)) if is_check(said[place]))
    return text[: text.rindex(said[next(checks, -1)])].rstrip()


def without_praise(text: str) -> str:
    """The text without sentences that only say that a step is right."""
    return _PRAISE.sub("", text)


def _unnumbered(lines: list[str]) -> Iterator[str]:
    """The lines without their step numbers, and without code, heads of tables and brackets around a formula."""
    number, code = 0, False
    closed = max((place for place, line in enumerate(lines) if line.lstrip().startswith("```")), default=-1)
    for place, (line, following) in enumerate(zip(lines, [*lines[1:], ""], strict=True)):
        code = place < closed and (not line.lstrip().startswith("```") if code else _CODE.match(line) is not None)
        if code:
            continue
        if ("|" in line and _RULED.match(following)) or line.strip() in _BRACKETS:
            continue
        item = _NUMBERED.match(line)
        if item is None or (item["number"] is not None and int(item["number"]) not in (1, number + 1)):
            yield line
            continue
        number = int(item["number"] or number + 1)
        yield item["indent"] + line[item.end() :]


def _without_title(line: str, *, is_last: bool) -> str | None:
    """The line without its label; None if it is only a title."""
    heading, bold = _HEADING.fullmatch(line), _BOLD.fullmatch(line)
    marked = heading or bold
    words = _LEADING.sub("", marked["words"] if marked else line, count=1).rstrip()
    if (
        not words
        or _ANSWERS.match(words)
        or is_check(words)
        or (heading and heading["level"] == "####" and _DIGIT.match(words))
    ):
        return line
    label = _LABEL.match(words)
    said = (words[label.end() :] if label else words).strip(" *_").rstrip(": ")
    if is_last or (said and (_SAYS.search(said) or not (marked or label))):
        return _unlabelled(line, label, whole=bold is not None)
    if not said:
        return None
    if not _DIGIT.search(said) or (heading and label):
        is_step = label is not None and label["step"] is not None
        named = _TITLE.fullmatch(said) is not None or not (is_step and _VERB.search(said))
        if named and (heading or is_step or (bold and (_TITLE.fullmatch(said) or words.endswith(":")))):
            return None
    return _unlabelled(line, label, whole=bold is not None)


def is_check(sentence: str) -> bool:
    """Whether a sentence, or a title, begins a check of the result."""
    return _CHECK.match(sentence) is not None


def _unlabelled(line: str, label: re.Match[str] | None, *, whole: bool) -> str:
    """The line without its label and the bold type that began there; `whole` if the whole line was bold."""
    if label is None:
        return line
    before, _, after = line.partition(label[0])
    if whole or label[0].rstrip().endswith(("*", "_")):
        before, after = before.rstrip("*_"), after.rstrip(" \t*_:") if whole else after
    return before + after[:1].upper() + after[1:]


def without_talk(text: str) -> str:
    """The text without opening sentences, and lines ending in a colon, that only announce an answer."""
    rest = text
    for _ in range(_MOST_TALK):
        sentence, _ = next(pieces_of(rest[:_LONGEST_TALK]), ("", ""))
        if not sentence or not _is_talk(sentence):
            break
        rest = rest[rest.index(sentence) + len(sentence) :].lstrip()
    if (opening := _INTERJECTION.match(rest)) is not None:
        rest = rest[opening.end() :]
        rest = rest[:1].upper() + rest[1:]
    lines = rest.split("\n")
    kept = [line for line in lines[:-1] if not (line.endswith(":") and _is_talk(line))]
    return "\n".join([*kept, lines[-1]]) or text


def _is_talk(sentence: str) -> bool:
    if len(sentence) > _LONGEST_TALK or _DIGIT.search(sentence) or "=" in sentence or _LETTER.fullmatch(sentence):
        return False
    if _ANNOUNCES.fullmatch(sentence):
        return True
    words = re.findall(r"[^\W\d_]+(?:'[^\W\d_]+)?", sentence.lower().replace("’", "'"))
    return _OPENS.match(sentence) is not None and _TALK.issuperset(words)
