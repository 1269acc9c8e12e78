"""What a run is doing and how it goes on, in lines for the terminal. Pure.

precision     float32: as configured
prompt        chat: its chat template ends an answer with <|im_end|>, and so does the model
at work       round 1: feedback: 310 of 900 requests (34 %), 5 min 00 s, 1.0 a second, about 9 min 50 s left
teacher       8 in flight, 3 waiting; 4 tried again (4 time-out); no rationale: 4 wrong answer; 0.0213 USD
spent         1,204 requests, 0.83 of 2 USD, 12 min 30 s
see it        tutelage view runs/mine
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from tutelage.report.format import clock
from tutelage.run_records import Now
from tutelage.view.glance import Glance


def going_on(run: Glance) -> list[str]:
    """The lines below a run's table."""
    chosen = {"precision": run.precision, "prompt": run.prompt}
    lines = [f"{name:<14}{choice}" for name, choice in chosen.items() if choice]
    if run.doing is not None:
        lines.append(f"at work       {_stage(run.doing)}")
        if teacher := _teacher(run.doing):
            lines.append(f"teacher       {teacher}")
    if run.state != "finished":
        lines.append(f"spent         {_spent(run)}")
        if run.failures:
            lines.append(f"no rationale  {_counts(run.failures)}")
    if run.command is not None:
        lines.append(f"go on with    {run.command}")
    return [*lines, f"see it        {shlex.join(['tutelage', 'view', run.folder])}"]


def _stage(doing: Now) -> str:
    if not doing.total:
        return doing.title
    parts = [
        f"{doing.title}: {doing.done:,} of {doing.total:,} {doing.units} ({doing.share:.0%})",
        clock(doing.seconds),
        f"{_rate(doing.rate)} a second" if doing.rate else "",
        f"{_rate(doing.tokens_rate)} tokens a second" if doing.tokens_rate else "",
        f"about {clock(doing.left)} left" if doing.left else "",
    ]
    return ", ".join(part for part in parts if part)


def _teacher(doing: Now) -> str:
    flying = [(doing.in_flight, "in flight"), (doing.waiting, "waiting")]
    again = sum(doing.retried.values())
    parts = [
        doing.note or ", ".join(f"{count:,} {what}" for count, what in flying if count),
        f"{again:,} tried again ({_counts(doing.retried)})" if again and not doing.note else "",
        f"no rationale: {_counts(doing.failures)}" if doing.failures else "",
        f"{doing.usd:.4f} USD" if doing.usd else "",
    ]
    return "; ".join(part for part in parts if part)


def _spent(run: Glance) -> str:
    spent = {"requests": (run.requests, ","), "tokens": (run.tokens, ","), "usd": (run.usd, ".2f")}
    parts = list[str]()
    for name, (value, form) in spent.items():
        cap = run.caps.get(name)
        if value or cap is not None or name == "requests":
            of = "" if cap is None else f" of {cap:{form}}"
            parts.append(f"{value:{form}}{of} {'USD' if name == 'usd' else name}")
    return ", ".join([*parts, clock(run.seconds)])


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {reason}" for reason, count in counts.items())


def _rate(rate: float) -> str:
    return f"{rate:,.0f}" if rate >= 10 else f"{rate:.1f}" if rate >= 0.1 else f"{rate:.3f}"
