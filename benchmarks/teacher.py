"""The teacher at scale: throughput, limits, budget, kills, the ledger, memory. The endpoint is real HTTP on loopback.

    python -m benchmarks.teacher [--quick]

What is counted is what the endpoint itself saw. Ends with one JSON line.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.teacher_endpoint import Endpoint
from tutelage.teacher.ledger.ledger import Answered, Ledger, LedgerRow
from tutelage.testing.log import Seen, most_requests_in_a_minute, most_tokens_in_a_minute

STORED = 0.25
"""Seconds before a kill: a reply that was sent earlier had the time to be kept. Later ones were in flight."""


def main() -> None:
    """Measure all and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a tenth of everything, to see that it works")
    share = 10 if parser.parse_args().quick else 1
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        figures |= throughput(root, 5000 // share)
        figures |= limits(root, minutes=3 / share)
        figures |= kills(root, count=2000 // share, moments=20)
        figures |= budget(root, cap=600 // share)
        figures |= ledger(root, replies=100_000 // share)
        figures |= memory(root, [5000 // share, 50_000 // share])
    print(json.dumps(figures))


def throughput(root: Path, count: int) -> dict[str, float]:
    """`count` requests, 64 at a time, against 1 s of latency; ideal is no work at all beside the waiting."""
    with Endpoint(latency=1.0) as endpoint:
        done = finish(start(endpoint.base_url, root / "throughput", count, concurrency=64))
    ideal = count / 64
    print(f"throughput: {count} requests in {done['seconds']:.1f} s, ideal {ideal:.1f} s; {done['outcomes']}")
    print(f"            one core {done['cpu_seconds'] / done['seconds']:.0%} busy")
    return {
        "throughput_of_ideal": round(ideal / done["seconds"], 3),
        "core_busy": round(done["cpu_seconds"] / done["seconds"], 3),
    }


def limits(root: Path, minutes: float) -> dict[str, float]:
    """1,200 requests a minute, then 300,000 tokens a minute, which the endpoint enforces too; 0.5 s of latency."""
    requests_limit, tokens_limit, used, violations = 1200, 300_000, [], 0
    for name, limit, most in (
        ("requests_per_minute", requests_limit, most_requests_in_a_minute),
        ("tokens_per_minute", tokens_limit, most_tokens_in_a_minute),
    ):
        with Endpoint(latency=0.5, **{name: limit}) as endpoint:
            process = start(endpoint.base_url, root / name, 10**6, concurrency=64, **{name: limit})
            time.sleep(60 * minutes + 10)
            log = endpoint.look()
            process.kill()
            process.wait()
        begun = log[0].arrival
        within = [seen for seen in log if seen.arrival < begun + 60 * minutes]
        amount = len(within) if name.startswith("requests") else sum(map(tokens, within))
        refused = sum(seen.status == 429 for seen in log)
        used.append(amount / (limit * minutes))
        violations += max(0, most(log) - limit) + refused
        print(f"limits:     {name} {limit:,}: {amount:,} in {minutes:g} min, at most {most(log):,} in 60 s, ", end="")
        print(f"{refused} refused")
    return {"limit_utilisation": round(min(used), 3), "limit_violations": violations}


def kills(root: Path, count: int, moments: int) -> dict[str, float]:
    """A job that is killed again and again, at random moments, until it ends."""
    draw = random.Random(0)
    marks = sorted(draw.sample(range(1, count), moments))
    path, killed = root / "kills", list[float]()
    with Endpoint(latency=0.05) as endpoint:
        for mark in marks:
            process = start(endpoint.base_url, path, count, concurrency=32)
            while process.poll() is None and endpoint.count() < mark + sum(repeats(endpoint.look()).values()):
                time.sleep(0.01)
            time.sleep(draw.uniform(0.0, 0.05))
            process.kill()
            process.wait()
            killed.append(time.monotonic())
        done = finish(start(endpoint.base_url, path, count, concurrency=32))
    seen = [entry for entry in endpoint.log if entry.status == 200]
    again = repeats(seen)
    kept = repeats([entry for entry in seen if not in_flight(entry, killed)])
    with Ledger(path) as ledger:
        spent = ledger.spent("benchmark").requests
    print(
        f"kills:      {len(killed)} kills, {len(seen)} requests paid for {count} asked ({done['outcomes']}); "
        f"{sum(again.values())} were in flight at a kill and asked again; the ledger counts {spent}"
    )
    return {"repeated_paid_requests_after_kill": sum(kept.values()), "in_flight_at_kill": sum(again.values())}


def budget(root: Path, cap: int) -> dict[str, float]:
    """Caps under load, with replies lost to time-outs and two kills: what the endpoint charged beyond the cap."""
    over = 0.0
    price = {"prompt": 1.0, "completion": 4.0}
    for name, value in (("requests", cap), ("tokens", 400 * cap), ("usd", 0.0006 * cap)):
        path = root / f"budget-{name}"
        caps = {"budget": {name: value}, "price": price, "timeout": 1.0, "retries": 2}
        with Endpoint(latency=0.05, faults=_some_slow(cap)) as endpoint:
            for mark in (cap // 4, cap // 2):
                process = start(endpoint.base_url, path, 10 * cap, concurrency=64, **caps)
                while process.poll() is None and endpoint.count() < mark:
                    time.sleep(0.01)
                process.kill()
                process.wait()
            done = finish(start(endpoint.base_url, path, 10 * cap, concurrency=64, **caps))
        paid = [seen for seen in endpoint.log if seen.status == 200]
        charged = {
            "requests": float(len(paid)),
            "tokens": float(sum(map(tokens, paid))),
            "usd": sum(seen.prompt_tokens * 1.0 + seen.completion_tokens * 4.0 for seen in paid) / 1e6,
        }[name]
        over += max(0.0, charged - value)
        print(f"budget:     {name}: charged {charged:,.4g} of {value:,.4g}; {done['outcomes']}")
    return {"budget_overrun": over}


def ledger(root: Path, replies: int) -> dict[str, float]:
    """Look-ups among so many replies, and opening the file."""
    path = root / "ledger"
    with Ledger(path) as ledger:
        for begin in range(0, replies, 1000):
            ledger.write(*(Answered("", _row(number)) for number in range(begin, begin + 1000)))
    draw = random.Random(0)
    opened, looked = list[float](), list[float]()
    for _ in range(5):
        started = time.perf_counter()
        ledger = Ledger(path)
        spent = ledger.spent("run-1")
        opened.append(time.perf_counter() - started)
        for _ in range(400):
            started = time.perf_counter()
            found = ledger.find(f"{draw.randrange(replies):032x}", "run-1")
            looked.append(time.perf_counter() - started)
            assert found is not None
        ledger.close()
    megabytes = path.stat().st_size / 2**20
    median, most = 1000 * statistics.median(looked), 1000 * max(looked)
    print(
        f"ledger:     {replies:,} replies, {megabytes:.0f} MB, {spent.requests:,} of one run; a look-up takes "
        f"{median:.3f} ms (at most {most:.1f}), opening and summing {max(opened):.3f} s"
    )
    return {"lookup_ms": round(1000 * statistics.mean(looked), 4), "open_s": round(max(opened), 4)}


def memory(root: Path, counts: Sequence[int]) -> dict[str, float]:
    """The process's memory at its peak, for few and for many requests, against an endpoint that answers at once."""
    figures: dict[str, float] = {}
    for count in counts:
        with Endpoint() as endpoint:
            done = finish(start(endpoint.base_url, root / f"memory-{count}", count, concurrency=64))
        rate = count / done["seconds"]
        print(f"memory:     {count:,} requests: {done['peak_rss_mb']:.0f} MB; {rate:.0f} requests a second")
        figures[f"peak_rss_mb_{count // 1000}k"] = round(done["peak_rss_mb"])
    return figures


def start(url: str, ledger: Path, count: int, **settings: Any) -> subprocess.Popen[str]:
    """A session in a process of its own."""
    pairs = [part for key, value in settings.items() for part in ("--set", f"{key}={json.dumps(value)}")]
    command = [sys.executable, "-m", "benchmarks.teacher_job", url, str(ledger), "--count", str(count), *pairs]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def finish(process: subprocess.Popen[str]) -> dict[str, Any]:
    """What a session printed."""
    output, _ = process.communicate()
    if process.returncode:
        sys.exit(f"the session failed with exit code {process.returncode}")
    return json.loads(output.splitlines()[-1])


def tokens(seen: Seen) -> int:
    """Prompt and completion."""
    return seen.prompt_tokens + seen.completion_tokens


def repeats(log: Sequence[Seen]) -> Counter[str]:
    """How often each question was paid for beyond the first time."""
    times = Counter(entry.key for entry in log)
    return Counter({key: count - 1 for key, count in times.items() if count > 1})


def in_flight(entry: Seen, killed: Sequence[float]) -> bool:
    """Whether a process was killed before it could have kept the reply."""
    finished = entry.finished if entry.finished is not None else float("inf")
    return any(entry.arrival <= kill < finished + STORED for kill in killed)


def _some_slow(cap: int) -> Sequence[Any]:
    from tutelage.testing import Fault

    return [Fault.slow(3.0) if number % 40 == 7 else None for number in range(10 * cap)]


def _row(number: int) -> LedgerRow:
    request = json.dumps({"messages": [{"role": "user", "content": f"Crate {number} " + "holds bottles. " * 60}]})
    text = "There are 3 rows of 4 bottles, so 3 × 4 = 12 bottles.\nThe answer is 12."
    return LedgerRow(
        f"{number:032x}", f"run-{number % 4}", 1.0, "http://e/v1", "m", request, text, "stop", 210, 40, 1e-4
    )


if __name__ == "__main__":
    main()
