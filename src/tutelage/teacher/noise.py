"""What of a reply is no reasoning: titles, labels and numbers of steps, and the talk before it. Pure, linear in the text.

"Sure! Let's solve this.\\n### Step 1: Count the pens\\n1. 3 × 4 = 12 pens."   ->   "3 × 4 = 12 pens."

`text.run_on` knows the talk at the end. Where a line may be more than a title it stays.
"""

from __future__ import annotations

import re

from tutelage.text.sentences import pieces_of

_HEADING = re.compile(r"[ \t>]*(?P<level>#{1,6})[ \t]*(?P<words>[^\n]*?)[ \t#]*")
_BOLD_LINE = re.compile(r"(?:[ \t>]*(?:[-*•][ \t]+)?)(?:\*\*|__)(?P<words>[^*_\n]+)(?:\*\*|__)[ \t]*:?[ \t]*")
_NUMBERED = re.compile(r"(?P<indent>[ \t>*_]{0,12})(?:(?P<number>\d{1,2})[.)][ \t]+|[0-9#*]\ufe0f?\u20e3[ \t]*)(?=\S)")
_RULED = re.compile(r"[ \t]*\|?[ \t]*:?-{2,}[-:| \t]*$")
_STEP = r"(?:step|part|phase)[ ](?:\d{1,2}|one|two|three|four|five|six)\b"
_NAMES = r"""(?:(?:the[ ]|a[ ]|my[ ]|our[ ]|your[ ]|short[ ]|complete[ ]|detailed[ ]|worked[ ]|full[ ]|brief[ ]|step[- ]by[- ]step[ ])*
    (?:solution|explanation|reasoning|rationale|analysis|calculations?|computations?|working|workings|conclusion|summary
      |given(?:[ ]information)?|known(?:[ ]facts)?|facts?|key[ ]facts|approach|method|strategy|plan|verification|check
      |step[- ]by[- ]step|steps|breakdown|thinking|thought[ ]process|justification|setup|work|details)
    (?:[ ](?:process|breakdown|steps?))?)"""
_LABEL = re.compile(rf"(?P<step>{_STEP}[ ]*[:.)–—-]*|{_NAMES}[ ]*[:.–—])[*_]*[ \t]*", re.IGNORECASE | re.VERBOSE)
_TITLE = re.compile(
    rf"""{_NAMES} | (?:understand|identify|recogni[sz]|analy[sz]|break|set|calculat|comput|determin|find|work|solv|count
    |multiply|add|subtract|divid|combin|sum|read|list|gather|organi[sz]|what[ ](?:we|is|do)|information|evaluat|check
    |verif|consider|look|examin|final|putting|conclud|problem|question|interpret|apply|use|using|convert|state)[^\n]*""",
    re.IGNORECASE | re.VERBOSE,
)
_ANSWERS = re.compile(
    r"(?:the |my |final |correct |right )*(?:answer|result|option|choice)\b|####|ans\b", re.IGNORECASE
)
_SAYS = re.compile(r"[=≈]|[.!?][\"”')*_]*$|\\boxed")
_DIGIT = re.compile(r"\d")

_TALK = re.compile(
    r"""\W*(?:
        (?:(?:sure|certainly|of\ course|absolutely|definitely|gladly|okay|ok|alright|all\ right|great|good|excellent
          |perfect|no\ problem|hello|hi|hey|thanks|thank\ you|got\ it|understood)\b(?:\ (?:thing|there|again))?[\W_]*)+
      | (?:(?:what|that['’]s|that\ is|this\ is)\ )?(?:a\ |an\ )?(?:great|good|nice|interesting|excellent|fun|classic)
          \ (?:question|problem|one)\b.*
      | (?:i['’]?(?:m|d|ll)?|i\ (?:am|would|will|can)|(?:we['’]?ll|we\ will))?\ ?(?:be\ )?(?:more\ than\ )?
          (?:happy|glad|delighted)\ to\b.*
      | (?:now\W+|so\W+|first\W+|well\W+)?let(?:['’]?s|\ us|\ me)\ (?!x\b|[a-z]\b)\w+.*
      | here(?:['’]s|\ is|\ are|\ we\ go)\b.*
      | (?:i['’]ll|i\ will|i\ am\ going\ to|i['’]m\ going\ to|we['’]ll|we\ will|i\ can|we\ can|you\ can)\ (?:now\ )?(?:help|solve|show
          |explain|walk|work\ (?:this|it|through)|go|break|think|answer|approach|tackle|do\ this|start|begin|follow|reason)\b.*
      | (?:to|in\ order\ to)\ (?:solve|answer|approach|tackle|work\ out|figure\ out|find\ the\ answer)\b.*
          (?:\bsteps?\b|break|below|follow|think|let['’]?s).*
      | (?:follow|use)\ (?:these|the\ following)\ steps.* | step[- ]by[- ]step\b.* | think(?:ing)?\ step\ by\ step.*
    )""",
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)
_INTERJECTION = re.compile(
    r"(?:sure(?: thing)?|certainly|of course|absolutely|okay|ok|alright|all right)[,:—–-]+[ ]+(?:so,?[ ]+)?(?=\S)",
    re.IGNORECASE,
)
_LONGEST_TALK = 200
_MOST_TALK = 8
"""Sentences at the beginning that may be mere talk."""


def without_titles(text: str) -> str:
    """A reply, still marked up, without lines that are only titles, and without labels and numbers of steps."""
    lines = text.split("\n")
    last = max((place for place, line in enumerate(lines) if line.strip()), default=0)
    kept: list[str] = []
    number = 0
    for place, line in enumerate(lines):
        if "|" in line and _RULED.match(lines[min(place + 1, last)]):
            continue  # the head of a table
        if (item := _NUMBERED.match(line)) and (item["number"] is None or int(item["number"]) in (1, number + 1)):
            number = int(item["number"] or number + 1)
            line = item["indent"] + line[item.end() :]
        title = _without_title(line, is_last=place == last)
        if title is not None:
            kept.append(title)
    return "\n".join(kept)


def _without_title(line: str, *, is_last: bool) -> str | None:
    """The line without its label; None where it is but a title."""
    heading = _HEADING.fullmatch(line)
    bold = None if heading else _BOLD_LINE.fullmatch(line)
    marked = heading or bold
    words = (marked["words"] if marked else line).lstrip(" \t*_>•-").rstrip()
    if not words or _ANSWERS.match(words) or (heading and heading["level"] == "####" and _DIGIT.match(words)):
        return line
    label = _LABEL.match(words)
    said = words[label.end() :].strip(" *_") if label else words
    if label is not None and not said:
        return line if is_last else None
    if is_last or _SAYS.search(said) or not (marked or label):
        return _relabelled(line, words, label)
    bare = said.rstrip(": ")
    if heading and not (label is None and _DIGIT.search(bare)):
        return None
    if label is not None and label["step"].lower().startswith(("step", "part", "phase")) and not _DIGIT.search(bare):
        return None
    if bold and label is None and not _DIGIT.search(bare) and (_TITLE.fullmatch(bare) or marked["words"].endswith(":")):
        return None
    return _relabelled(line, words, label)


def _relabelled(line: str, words: str, label: re.Match[str] | None) -> str:
    if label is None:
        return line
    before, _, after = line.partition(label[0])
    opened = label[0].rstrip().endswith(("*", "_")) or words.rstrip("*_") != words or _BOLD_LINE.fullmatch(line)
    if not opened or not before.endswith(("*", "_")):
        return before + after
    return before.rstrip("*_") + (after.rstrip(" \t*_:") if _BOLD_LINE.fullmatch(line) else after)


def without_talk(text: str) -> str:
    """The text without the sentences at its beginning that say only that an answer is coming."""
    rest = text
    for _ in range(_MOST_TALK):
        sentence, _ = next(pieces_of(rest[:_LONGEST_TALK]), ("", ""))
        if not sentence or _DIGIT.search(sentence) or "=" in sentence or not _TALK.fullmatch(sentence):
            break
        rest = rest[rest.index(sentence) + len(sentence) :].lstrip()
    if (opening := _INTERJECTION.match(rest)) is not None:
        rest = rest[opening.end() :]
        rest = rest[:1].upper() + rest[1:]
    return rest or text
