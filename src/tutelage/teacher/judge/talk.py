"""Finds talk in a reply of what is not in the question: the hint, a mistake, a student. Pure.

"The first step that goes wrong is 3 + 4. The correct answer was given as 12."
                     ^^^^^^^^^^
Words that the question uses are allowed.
"""

from __future__ import annotations

import re

_ALWAYS = re.compile(
    r"""\bas\ (?:was\ |is\ )?(?:given|stated|provided|hinted)\b[^.\n]{0,20}\banswer\b
    |\b(?:given|told|provided|known|know)\ (?:us\ |that\ )?(?:that\ )?the\ (?:correct|right|final)\ answer\b
    |\bthe\ (?:correct|right|given|provided|expected)\ answer\ (?:was|is|has\ been)\ (?:given|provided|known|stated)\b
    |\bthe\ (?:given|provided|expected|stated|desired)\ (?:final\ |correct\ )?answer\b
    |\b(?:since|because|as)\ the\ (?:correct|right|final)\ answer\ is\b
    |\byou\ should\ have\b
    |\bthe\ (?P<stem>student|learner)(?:'s|’s)?\ (?:\w+ly\ )?(?:chose|picked|selected|answer|assumed|concluded
      |th(?:ought|inks)|believe[sd]|said|says|wrote|made|claim)
    |\bthe\ (?:reply|prompt)\ (?:says|states|begins|gives|asks|wants)\b
    |\bthe\ user\ (?:wants?|asks?|asked|needs?|provided|gave)\b
    |\bas\ (?:requested|instructed)\b|^[^\w\n]*+instructions?\W*:|\b(?:in|use)\ plain\ text\b|\bworked\ solution\b
    |\b(?:this|that|the|each|every|our|my)\ (?:\w+\ )?(?:step|calculation|solution|reasoning|result|answer)s?
      \ (?:is|are|was|were)\ (?:also\ |indeed\ )?(?:correct|valid|accurate|right)
      (?=\W*(?:$|because|since|as|and))
    |\bchecks\ out\b|^[^\w\n]*+correct(?:ed)?\ (?:calculation|solution|steps?|answer|reasoning|approach)\W*:
    |\b(?:the|this|your)\ hint\b|\banswer\ key\b|\bth(?:ese|e)\ instructions\b
    |\bthe\ student(?:'s|’s)?\ (?:forgot|attempt|mistake|solution|error|should)\b
    |\byour\ (?:mistake|attempt|error|solution|answer|calculation)\b
    |\byou\ (?:made\ a\ mistake|forgot|went\ wrong|wrote)\b
    |\b(?:the|this|that)\ (?:earlier|previous|wrong|incorrect|flawed|original)\ (?:attempt|solution|answer|reply)\b
    |\b(?:the|this|that)\ attempt\b|</?attempt>
    |\b(?:go|goes|going|gone|went)\ wrong\b
    |\b(?:makes?|made|making|correct|avoid|fix)\ (?:a|an|the|this|that)\ (?:\w+\ )?(?:mistake|error)\b
    |\b(?:the|this|first|a)\ (?:mistake|error)\ (?:is|was|lies|in|occurs|made|of)\b
    |\b(?:step|calculation|attempt|assumption|answer|solution)\ (?:is|was)\ (?:incorrect|wrong|flawed|mistaken)\b
    |\b(?:want|need)\ the\ (?:final\ |correct\ )?(?:answer|result|total|number)\ to\ be\b
    |\b(?:since|because|as|if|but)\ the\ (?:\w+\ )?answer\ (?:is|should|must|has\ to)\b
    |\bthe\ (?:given|provided|attempted|original)\ (?:solution|calculation|reasoning|result)\b
    |\bthe\ (?:expected|desired)\ (?:result|total|value)\b|\bthe\ answer\ is\ indeed\b
    |\b(?:reach|get|match|obtain|arrive\ at|come\ to|lead\ to)
      \ the\ (?:correct|given|desired|right|expected)\ (?:answer|result)\b
    |\bto\ (?:get|reach|find|obtain|arrive\ at|come\ to)\ (?:the|an|this|that)\ (?:final\ )?answer\ (?:of\ )?\$?\d
    |\bthe\ (?:correct|right)\ (?:step|calculation|reasoning|solution)\b
    |\badjust\ (?:our|the|my)\ (?:\w+\ )?(?:reasoning|calculation|answer|steps?|solution)\b
    |\b(?:solution|calculation|response|reply|reasoning)\ (?:above|before\ this)\b
    |\b(?:solution|calculation|response|reply|reasoning|work|assistant)\ (?:\w+\ )?
      (?:forgot|forgets|missed|misses|omit(?:s|ted)|ignore[sd]|skip(?:s|ped)|left\ out|leaves\ out)\b
    |\b(?:missing|forgotten|skipped|omitted)\ step\b|\bstep\ that\ (?:was|is)\ (?:missing|missed|forgotten|left\ out)\b
    |\b(?:i\ apologi[sz]e|(?:my|our)\ apologies)\b|^[^\w\n]*+sorry\ (?:for|about)\b
    |\b(?:given|previous|earlier)\ (?:response|reply)\b
    |\blet(?:['’]s|\ us|\ me)\ (?:redo|(?:fix|try)\ (?:this|that|it|again))\b
    |^[^\w\n]*+mistake\W*:""",
    re.IGNORECASE | re.VERBOSE | re.MULTILINE,
)
"""Talk for every kind of answer."""

_OF_NUMBERS = re.compile(
    r"""\b(?P<fault>mistak|erroneous|errors?\b|incorrect|wrongly|wrong(?=\W*(?:$|because|since|as|step|calculation
        |approach|way|answer|number|operation|result|assumption|total|order|to|in|when|by))|misunderst|misinterp
      |miscalc|misread|flaw
      |correctly\ (?:add|subtract|multipl|divid|calculat|count|comput|use|follow|identif|account|appl)
      |(?:add|subtract|multipl|divid|calculat|comput|step)\w*\ (?:\w+\ ){0,3}correctly\b
      |the\ correct\ (?!(?:total|number|amount|sum|price|cost|result|value|difference)\b)
        (?:\w+\ ){1,3}(?:is|was|should|would|must)\b|correct\ (?:\w+\ ){1,3}should\ (?:be|have)\b)\w*
    |\b(?P<stem>attempt|hints?\b|correction\b|adjust|reconsider|overlook|contradict
      |initially\ (?:thought|assumed|said))\w*
    |\bthe\ student(?:['’]s)?\ (?:\w+ly\ )?(?:forg|attempt|mistake|solution|error
      |should|adds?|added|subtract|multipl|divid|calculat|thinks?|thought|did|must|needs?)
    |\bthe\ (?:correct|right|proper)\ (?:\w+\ )?(?:calculation|computation|step|approach|method|reasoning|breakdown
      |process|interpretation|solution|equation|way|operation|formula|explanation|sequence|order)s?\b
    |\bshould\ have\ (?:\w+\ )?(?:add|subtract|multipli|divid|calculat|count|us|start|tak)ed?n?\b
    |\binstead\ of\ \w+ing\b[^.\n]{0,60}\bshould\b
    |\b(?:however|but|since|because|although)\W+(?:(?:we|i)\ know\ (?:that\ )?)?the\ (?:\w+\ )?(?:answer|result|total)
      \ (?:should|must|has\ to|needs\ to)\ (?:be|equal)\b
    |\b(?:question|problem)\ (?:\w+\ )?(?:meant|intended)\b
    |\bcorrected\b|\blet(?:['’]s|\ us)\ correct\b|\bcorrect(?:ly|\ this)\b(?=[^.\n]{0,60}\b(?:step|calculat|solution))
    |\b(?:is|are|be|was|=|equals)\ [^.\n=]{0,40},?\ not\ \$?\d
    |,\ (?:and\ )?not\ \$?\d|\bthe\ (?:correct|right)\ answer\b
    |\b(?:however|but),?\ (?:we|he|she|they|it)\ should\b
    |\b(?:can(?:not|['’]t)|could\ not)\ be\ used,?\ (?:because|since|for)\b
    |\bearlier\ (?:solution|calculation|step|answer|result)\b
    |\bnot\ equal\ to\b|\b(?:does\ not|doesn['’]t)\ (?:match|make\ sense|add\ up|equal\ \$?\d)
    |\b(?:can(?:not|['’]t)\ be|is\ not|isn['’]t)\ (?:right|correct|the\ answer)\b
    |\bcan(?:not|['’]t)\ be\ possible\b|\b(?:this|that|it|which)\ (?:is\ not|isn['’]t)\ possible\b
    |\bbut\ (?:it|the\ (?:question|problem))\ (?:says|states|asks)\b
    |(?m:^)[^\w\n]*+(?:wrong|correction|fix)\W*:""",
    re.IGNORECASE | re.VERBOSE,
)
"""Talk for numeric answers only: reasoning about a choice may say that another one is wrong."""

_ABROAD = re.compile(
    r"""(?:\b(?:de[rsmn]|diese[rsmn]?|im)\ (?=versuch|schüler|fehler|hinweis)
      |\b(?:l['’]|la\ |cette\ )(?=élève|étudiant|tentative|erreur)
      |\b(?:el|del|este)\ (?=estudiante|alumno|intento|error)
      |(?=学生|尝试|提示|错误[是在]))
    (?P<stem>versuch|schüler|fehler|hinweis|élève|étudiant|tentative|erreur|estudiante|alumno|intento|error|学生|尝试
      |提示|错误)""",
    re.IGNORECASE | re.VERBOSE,
)
"""The nouns of such talk in German, French, Spanish and Chinese, for prompts of the user's own."""

_FAULTS = re.compile(r"mistak|error|wrong|correct|misread|flaw")


def find_talk(text: str, question: str, *, number: bool) -> str | None:
    """The first words that refer to more than the question, or None; `number` if the answer is a number."""
    asked = question.lower()
    for pattern in (_ALWAYS, _ABROAD, *([_OF_NUMBERS] if number else [])):
        for match in pattern.finditer(text):
            groups = match.groupdict()
            if groups.get("fault") and _FAULTS.search(asked):
                continue
            if (groups.get("stem") or match.group()).lower().rstrip("s") not in asked:
                return match.group()
    return None
