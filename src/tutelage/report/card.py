"""The model card of a student at the end of a run, and the metadata that the Hugging Face hub reads in it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tutelage.config import RunConfig
from tutelage.config.places import HUB_PLACE, is_hub_name
from tutelage.report.format import share
from tutelage.run_records import RunResult
from tutelage.yaml_text import Dumper

EMBEDDED = {"smollm2-135m": "HuggingFaceTB/SmolLM2-135M-Instruct"}
"""Students that a package ships, by their name on the hub."""


def model_card(
    config: RunConfig, result: RunResult, own: Mapping[str, str] | None = None, *, system: bool = False
) -> str:
    """Markdown with the front matter that the Hugging Face hub reads.

    `own` has the keys of the user's own parts; `system` says whether the student's tutelage.json has a system message.
    """
    base = base_name(config)
    rows = "\n".join(
        f"| {row.round} | {share(row.validation)} | {f'{row.exam.pass_rate:.1%}' if row.exam else ''} "
        f"| {row.teacher.replies_used} | {row.training.examples} |"
        for row in result.rounds
    )
    parts = own or {}
    teacher = parts.get("teacher") or config.teacher.model or config.teacher.kind
    reflection = parts.get("reflection") or config.training.reflection
    return f"""{front_matter(card_metadata(config, result))}
# {base}, taught {task_title(config)}

Taught by Tutelage with the method of *Democratizing Reasoning Ability: Tailored Learning from Large Language Model*
(Wang et al., EMNLP 2023, arXiv 2310.13332): exams, and a teacher's rationales for the student's mistakes
(`training.reflection: {reflection}`).

- Base model: `{base}` ({config.student.weights} weights trained)
- Task: `{task_title(config)}`; teacher: `{teacher}`
- Test accuracy before: {share(result.test.before)}
- Test accuracy after, round {result.best_round}: {share(result.test.after)}

| round | validation | exam pass rate | teacher replies used | examples |
|---|---|---|---|---|
{rows}

The intervals are 95 % Wilson intervals; n counts problems. The run ended because {result.stopped_because}.

It answers {_prompt(config, system)}
"""


def base_name(config: RunConfig) -> str:
    """The model that a run began with; of a folder, its name alone: a card is read elsewhere."""
    name = config.student.model
    return name if name in EMBEDDED or is_on_the_hub(name) else Path(name).name or "model"


def card_metadata(config: RunConfig, result: RunResult) -> dict[str, Any]:
    """What the hub reads in a card: how to load the model, what it comes from, and its test accuracy (model-index)."""
    task, base, after = (
        task_title(config),
        EMBEDDED.get(config.student.model) or config.student.model,
        result.test.after,
    )
    metric = {"type": "accuracy", "name": f"accuracy (greedy, n = {after.n})", "value": round(after.accuracy, 4)}
    measured = {
        "task": {"type": "text-generation", "name": "Reasoning"},
        "dataset": {"type": task, "name": task, **_chosen(config), "split": "test"},
        "metrics": [metric],
    }
    return {
        "library_name": "transformers",
        "pipeline_tag": "text-generation",
        **({"base_model": base} if is_on_the_hub(base) else {}),
        **({"datasets": [task]} if _data_set(config) else {}),
        "tags": ["tutelage", "reasoning", "distillation"],
        "model-index": [{"name": f"{base_name(config)} taught {task}", "results": [measured]}],
    }


def task_title(config: RunConfig) -> str:
    """The task's name; of the user's own data that of the data set or the file, of their program its function's."""
    if config.task.name != "custom" or config.task.path is None:
        return config.task.name.rpartition(":")[2]
    return _data_set(config) or Path(config.task.path).stem or "custom"


def _data_set(config: RunConfig) -> str | None:
    """The name of the data set of the hub that the user's own problems are from."""
    found = HUB_PLACE.fullmatch(config.task.path or "") if config.task.name == "custom" else None
    return found["name"] if found else None


def _chosen(config: RunConfig) -> dict[str, str]:
    return {"config": config.task.config} if config.task.config and _data_set(config) else {}


def front_matter(metadata: Mapping[str, Any]) -> str:
    """Metadata as the lines at the head of a card."""
    return f"---\n{yaml.dump(dict(metadata), Dumper=Dumper, sort_keys=False, allow_unicode=True)}---\n"


def is_on_the_hub(name: str) -> bool:
    """Whether a student's name is one of the hub: OWNER/NAME, and no folder here."""
    return is_hub_name(name) and not Path(name).is_dir()


_THOUGHTS = {"off": ", with `enable_thinking=False` where it knows that", "keep": ", thinking first where it can"}


def _prompt(config: RunConfig, system: bool) -> str:
    behind = f", behind {config.student.few_shot} worked examples" if config.student.few_shot else ""
    behind += ", below the system message in its tutelage.json" if system else ""
    if config.student.prompt == "chat":
        return f"questions put through its chat template{behind}{_THOUGHTS[config.student.thinking]}."
    if config.student.prompt == "auto":
        return f"questions as its tutelage.json says{behind}."
    return f"prompts of this form{behind}:\n\n```\nQuestion: <the question>\nAnswer:\n```"
