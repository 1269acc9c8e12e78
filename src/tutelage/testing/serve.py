"""The command `serve-test-teacher`: serves worked solutions until Ctrl-C.

$ tutelage serve-test-teacher --data problems.jsonl --latency 1 --faults 'ok*9,429:2...'
200 problems served; Ctrl-C ends it. In the configuration:
teacher: {kind: openai, model: answer-key, base_url: http://127.0.0.1:8000/v1}
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

from tutelage.errors import ConfigError
from tutelage.records import AnswerKind, Problem
from tutelage.testing.answers import answer_key_reply
from tutelage.testing.endpoint import TeacherEndpoint
from tutelage.testing.forms import FORMS
from tutelage.testing.script import parse_script


def serve(  # noqa: PLR0913 - options of a command
    problems: Sequence[Problem],
    *,
    kind: AnswerKind | None = None,
    port: int,
    latency: float,
    requests_per_minute: int | None,
    tokens_per_minute: int | None,
    faults: str,
    key: str | None,
    like: str = "openai",
) -> None:
    """Serve the problems until Ctrl-C; `latency` is in seconds, `faults` is a `parse_script` line.

    `kind` is that of their answers, as in `answer_key_reply`, `like` the server whose form replies and refusals have.

    Raises:
        ConfigError: no worked solution, an unknown fault or form, an unavailable port, a negative latency or limit.
    """
    for name, value in (
        ("latency", latency),
        ("requests-per-minute", requests_per_minute),
        ("tokens-per-minute", tokens_per_minute),
    ):
        if value is not None and not 0 <= value < float("inf"):
            raise ConfigError(f"{name} is {value}; it must be 0 or more")
    if like not in FORMS:
        raise ConfigError(f"like is {like!r}; it must be one of {', '.join(FORMS)}")
    solved = sum(problem.rationale is not None or problem.equation is not None for problem in problems)
    if not solved:
        raise ConfigError(
            f"none of the {len(problems)} problems has a worked solution to serve: a rationale or an equation"
        )
    count = f"{len(problems)} problems" if solved == len(problems) else f"{solved} of {len(problems)} problems"
    try:
        endpoint = TeacherEndpoint(
            answer_key_reply(problems, kind=kind),
            faults=parse_script(faults, like),
            key=key,
            like=like,
            port=port,
            latency=latency,
            requests_per_minute=requests_per_minute,
            tokens_per_minute=tokens_per_minute,
            keep=False,
        )
    except (OSError, OverflowError) as error:
        raise ConfigError(f"cannot listen on port {port}: {error}; name another, or 0 for a free one") from None
    try:
        with endpoint:
            print(f"{count} served; Ctrl-C ends it. In the configuration:", flush=True)
            print(f"teacher: {{kind: openai, model: answer-key, base_url: {endpoint.base_url}}}", flush=True)
            threading.Event().wait()
    except KeyboardInterrupt:  # at any point of the block
        print(f"\n{len(endpoint.log)} requests answered")
