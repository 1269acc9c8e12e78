"""A test endpoint, to try a run without a key: a real HTTP server with scripted answers, latency, limits and faults.

>>> reply = lambda body: "3 × 4 = 12 pens.\\nThe answer is 12."
>>> with TeacherEndpoint(reply, faults=[Fault.rate_limited(2), Fault.half_body()], latency=0.5) as endpoint:
...     config = TeacherConfig(kind="openai", base_url=endpoint.base_url, model="test")
...     ...

`tutelage serve-test-teacher --data problems.jsonl` serves worked solutions from a file until Ctrl-C.
"""

from tutelage.testing.answers import answer_key_endpoint, answer_key_reply
from tutelage.testing.endpoint import TeacherEndpoint
from tutelage.testing.faults import Fault
from tutelage.testing.log import Seen, most_requests_in_a_minute, most_tokens_in_a_minute, request_key

__all__ = [
    "Fault",
    "Seen",
    "TeacherEndpoint",
    "answer_key_endpoint",
    "answer_key_reply",
    "most_requests_in_a_minute",
    "most_tokens_in_a_minute",
    "request_key",
]
