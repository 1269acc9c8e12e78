"""The model card of a student at the end of a run."""

from __future__ import annotations

from collections.abc import Mapping

from tutelage.config import RunConfig
from tutelage.report.format import share
from tutelage.run_records import RunResult


def model_card(config: RunConfig, result: RunResult, own: Mapping[str, str] | None = None) -> str:
    """Markdown with the front matter that the Hugging Face hub reads. `own` has the keys of the user's own parts."""
    base = config.student.model
    rows = "\n".join(
        f"| {row.round} | {share(row.validation)} | {f'{row.exam.pass_rate:.1%}' if row.exam else ''} "
        f"| {row.teacher.replies_used} | {row.training.examples} |"
        for row in result.rounds
    )
    parts = own or {}
    teacher = parts.get("teacher") or config.teacher.model or config.teacher.kind
    reflection = parts.get("reflection") or config.training.reflection
    return f"""---
library_name: transformers
pipeline_tag: text-generation
tags: [tutelage, reasoning, distillation]
---

# {base}, taught {config.task.name}

Taught by Tutelage with the method of *Democratizing Reasoning Ability: Tailored Learning from Large Language Model*
(Wang et al., EMNLP 2023, arXiv 2310.13332): exams, and a teacher's rationales for the student's mistakes
(`training.reflection: {reflection}`).

- Base model: `{base}` ({config.student.weights} weights trained)
- Task: `{config.task.name}`; teacher: `{teacher}`
- Test accuracy before: {share(result.test.before)}
- Test accuracy after, round {result.best_round}: {share(result.test.after)}

| round | validation | exam pass rate | teacher replies used | examples |
|---|---|---|---|---|
{rows}

The intervals are 95 % Wilson intervals; n counts problems. The run ended because {result.stopped_because}.

It answers {_prompt(config)}
"""


def _prompt(config: RunConfig) -> str:
    behind = f", behind {config.student.few_shot} worked examples" if config.student.few_shot else ""
    if config.student.prompt == "chat":
        return f"questions put through its chat template{behind}."
    return f"prompts of this form{behind}:\n\n```\nQuestion: <the question>\nAnswer:\n```"
