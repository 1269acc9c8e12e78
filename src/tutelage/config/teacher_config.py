"""The settings of the teacher: who it is, how it is asked, and what it may cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, JsonValue

from tutelage.config.base import Name, Section, Seed
from tutelage.config.places import check_ledger, check_url
from tutelage.config.request_settings import check_body, check_headers, check_variable
from tutelage.records import Style


class BudgetConfig(Section):
    """Hard caps on what the teacher may cost in a run; None: no cap."""

    requests: int | None = Field(default=None, ge=0, le=1_000_000_000_000)
    """Requests that were answered, or lost and perhaps charged."""
    prompt_tokens: int | None = Field(default=None, ge=0, le=1_000_000_000_000_000)
    """Tokens the teacher reads."""
    completion_tokens: int | None = Field(default=None, ge=0, le=1_000_000_000_000_000)
    """Tokens the teacher writes."""
    tokens: int | None = Field(default=None, ge=0, le=1_000_000_000_000_000)
    """Prompt and completion tokens together."""
    usd: float | None = Field(default=None, ge=0, le=1e9)
    """US dollars, computed from `price`."""


class PriceConfig(Section):
    """US dollars for a million tokens. `price: auto` takes all prices from a list."""

    auto: bool = False
    """Take prices that are 0 or None below from the list in the package genai-prices."""
    prompt: float = Field(default=0.0, ge=0, le=1e6)
    """Price of prompt tokens."""
    completion: float = Field(default=0.0, ge=0, le=1e6)
    """Price of completion tokens, reasoning included."""
    cached: float | None = Field(default=None, ge=0, le=1e6)
    """Price of prompt tokens from the endpoint's cache; None: as `prompt`."""
    cache_write: float | None = Field(default=None, ge=0, le=1e6)
    """Price of prompt tokens that the endpoint writes to its cache, where it says so; None: 1.25 times `prompt`."""
    batch: float = Field(default=0.5, gt=0, le=1)
    """Share of these prices that the endpoint's Batch API charges; OpenAI's is half."""


def _read_price(value: object) -> object:
    return {"auto": True} if value == "auto" else value


class TeacherConfig(Section):
    """The teacher that writes rationales."""

    kind: Literal["answer_key", "recorded", "openai", "answers", "student"] = "answer_key"
    """`answer_key` works offline from gold rationales or equations, `recorded` replays a file, `openai` asks an API.
    Two baselines: `answers` states the answer alone, `student` is the student itself (STaR)."""
    path: Name | None = None
    """For `recorded`: JSONL with question and rationale; optionally answer, mistake (that it corrects), explanation."""
    fallback: Literal["answer_key"] | None = None
    """For `recorded`: the teacher for what was not recorded, such as feedback on a mistake; None: none."""
    base_url: Annotated[str | None, AfterValidator(check_url)] = None
    """For `openai`: the endpoint's URL, such as http://localhost:8000/v1, with a query if needed; None: OpenAI's."""
    model: str | None = None
    """For `openai`: the model's name at the endpoint."""
    key_env: Annotated[str | None, AfterValidator(check_variable)] = "OPENAI_API_KEY"
    """For `openai`: the environment variable with the key; None: no key is sent. Keys are never written to a file."""
    temperature: float | None = Field(default=0.7, ge=0, le=100)
    """Sampling temperature of the teacher; None: not sent, for models that do not accept one."""
    top_p: float | None = Field(default=None, gt=0, le=1)
    """Share of probability that the teacher samples from (nucleus sampling); None: not sent."""
    seed: Seed | None = None
    """Seed of the teacher's sampling, different for each sample, if the endpoint supports it; None: not sent."""
    max_tokens: int = Field(default=512, gt=0, le=1_000_000)
    """Upper bound on the tokens of one reply."""
    token_limit: Literal["auto", "max_tokens", "max_completion_tokens"] = "auto"
    """The endpoint's name for this bound; auto: the one that it does not refuse."""
    extra_body: Annotated[Mapping[str, JsonValue], AfterValidator(check_body)] = Field(default_factory=dict)
    """Further parameters of every request, by the endpoint's names, such as {reasoning_effort: low}."""
    extra_headers: Annotated[Mapping[str, str], AfterValidator(check_headers)] = Field(default_factory=dict)
    """Further headers of every request; write keys as ${NAME}, an environment variable, never in the file."""
    concurrency: int = Field(default=8, gt=0, le=1024)
    """Requests in flight at once."""
    requests_per_minute: int | None = Field(default=None, gt=0, le=1_000_000_000)
    """Your rate limit at the endpoint, kept in every window of 60 s; None: no known limit."""
    tokens_per_minute: int | None = Field(default=None, gt=0, le=1_000_000_000_000)
    """The same for prompt and completion tokens together, estimated before a request and corrected by its reply."""
    connect_timeout: float = Field(default=10.0, gt=0, le=86_400)
    """Seconds until an endpoint that accepts no connection counts as unreachable."""
    timeout: float = Field(default=120.0, gt=0, le=86_400)
    """Seconds from sending a request to the end of its reply, after which it counts as failed."""
    retries: int = Field(default=5, ge=0, le=1000)
    """Retries of a request after a time-out, a 429, a 5xx or a broken reply."""
    batch: bool = False
    """Ask through the endpoint's Batch API: replies within a day, at `price.batch` of the price."""
    batch_poll: float = Field(default=30.0, gt=0, le=86_400)
    """Seconds between two polls of a batch."""
    ledger: Annotated[str | None, BeforeValidator(check_ledger)] = None
    """SQLite file with every reply, which several runs may share; None: `ledger.sqlite` in the run directory."""
    budget: BudgetConfig = BudgetConfig()
    price: Annotated[PriceConfig, BeforeValidator(_read_price)] = PriceConfig()
    rationales_per_problem: int = Field(default=1, gt=0, le=1000)
    """Rationales asked for per problem in round 0."""
    seed_problems: int | None = Field(default=None, gt=0, le=10_000_000)
    """Problems with rationales in round 0, drawn by seed; None: all. Exams always cover all training problems."""
    extra_rationales: int = Field(default=0, ge=0, le=10_000_000)
    """Further rationales asked for in round 0, for problems drawn by seed; problems without a rationale come first."""
    ask: Literal["auto", "question", "mistake", "mistake-first", "mistake-explained"] = "auto"
    """How the teacher is asked about a mistake; auto: with the mistake shown, then by the question alone, or in the
    reverse order if that gives more sound replies per token. Or one way only: `question` (another rationale, as in
    round 0), `mistake` (shown), `mistake-first` (before the question, to be forgotten), `mistake-explained`."""
    hint: Literal["last", "first", "never"] = "last"
    """When the teacher gets the right answer: `last`, after a reply that cannot be used; `first`, at once if a mistake
    is shown (as in the paper); `never`."""
    feedback: Literal["rationale", "repair"] = "rationale"
    """What a mistake brings: a whole rationale, or its first wrong step put right, a short reply; for
    `training.reflection: repair`, and instead of `ask`."""
    explain: bool = False
    """The teacher also explains the mistake; the student learns to find and correct it (LEMA, An et al. 2023)."""
    style: Style = "short"
    """Style of the rationales: `terse`, one step a line in a few words; `short`, few plain sentences; `full`, for a
    student that can follow longer reasoning."""
    prompt: str | None = None
    """YAML file with prompts of your own, in any language (docs/teachers.md); None: ours."""
    replies_per_problem: int = Field(default=1, gt=0, le=1000)
    """Rationales asked for per problem with a mistake in every later round, each for another mistake."""
    replies_per_round: int | None = Field(default=None, gt=0, le=10_000_000)
    """Rationales asked for in a later round, at most, in the order of `priority`; None: for all problems."""
    priority: Literal["uniform", "weakest-first", "frontier", "untaught-first"] = "untaught-first"
    """Mistakes that come first: any, or those on problems passed least often, passed sometimes, or not yet taught."""
    practice: int = Field(default=0, ge=0, le=100)
    """New problems with worked solutions for each mistake that the teacher is asked about; they join the training
    problems of later rounds. `answer_key` and `openai` make them."""
    check_arithmetic: bool = True
    """Reject a rationale with a false calculation even if its answer is right."""
    self_consistency: int = Field(default=1, gt=0, le=1000)
    """Replies sampled for every rationale; it is used if more than half of them reach the right answer. A practice
    problem is kept if more than half of so many independent replies reach the answer of its solution."""
