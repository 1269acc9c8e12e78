"""The file that `tutelage init` writes: a run's settings, few and commented. Pure.

# Problems of problems.jsonl: 240 to train on, …
task:
  name: custom
  path: problems.jsonl
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import yaml

OFFLINE = "answer_key"
"""The teacher that needs no endpoint: it words the worked solutions that the problems have."""
TOKENS = 2_000_000
"""Cap on the tokens of a teacher without a price."""
_LOCAL = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Starter:
    """What is chosen. `task` has the task's settings: name, data. `base_url` is None for OpenAI's own endpoint.

    `usd` is the cap on the teacher's cost, None without a price.
    """

    task: Mapping[str, object]
    student: str
    teacher: str = OFFLINE
    base_url: str | None = None
    key_env: str | None = None
    usd: float | None = None

    @property
    def is_offline(self) -> bool:
        """Whether the teacher needs no endpoint."""
        return self.teacher == OFFLINE


def is_local(base_url: str) -> bool:
    """Whether an endpoint is on this machine, so that it needs no key and has no price."""
    return urlsplit(base_url).hostname in _LOCAL


def starter_yaml(chosen: Starter, about: Sequence[str] = ()) -> str:
    """The file, with `about` as comments at its head."""
    lines = [
        *(f"# {line}" for line in about),
        "task:",
        *(f"  {key}: {_yaml(value)}" for key, value in chosen.task.items()),
        "  # train: 500          # fewer problems, drawn by seed; all by default",
        "student:",
        f"  model: {_yaml(chosen.student)}",
        "  prompt: auto         # by its chat template if it was made for that, else in plain text",
        "  # weights: lora       # adapters only, for larger students",
        *_teacher(chosen),
        "training:",
        "  epochs: 3",
        "  # learning_rate: 2e-5    # for full weights of half a billion parameters and more; 1e-4 by default",
        "rounds:",
        "  max: 3               # it ends before if validation no longer improves",
    ]
    return "\n".join(lines) + "\n"


def _teacher(chosen: Starter) -> list[str]:
    if chosen.is_offline:
        return [
            "teacher:",
            "  kind: answer_key     # offline: the worked solutions in other words; an API writes them anew",
        ]
    lines = [
        "teacher:",
        "  kind: openai         # any endpoint that speaks the OpenAI API",
        f"  model: {_yaml(chosen.teacher)}",
        f"  base_url: {_yaml(chosen.base_url)}" if chosen.base_url else "",
        f"  key_env: {chosen.key_env or 'null'}    # the environment variable with the key; null: none is sent",
    ]
    if chosen.usd is not None:
        lines += [
            "  price: auto          # by the list of genai-prices; or US dollars for a million tokens:",
            "  # price: {prompt: 0.40, completion: 1.60}",
            f"  budget: {{usd: {_yaml(chosen.usd)}}}     # a hard cap on what the teacher may cost",
        ]
    elif chosen.base_url is None or not is_local(chosen.base_url):
        lines += [
            "  # the list of prices does not have this model; with its price a cap in USD holds:",
            "  # price: {prompt: 0.40, completion: 1.60}",
            f"  budget: {{tokens: {TOKENS}}}    # a hard cap on what the teacher may read and write",
        ]
    return [line for line in lines if line]


def _yaml(value: object) -> str:
    """A value as YAML in one line."""
    return (
        yaml.safe_dump(value, allow_unicode=True, default_flow_style=True, width=10**6)
        .removesuffix("\n...\n")
        .rstrip("\n")
    )
