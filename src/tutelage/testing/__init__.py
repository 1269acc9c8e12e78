"""Try a run without a key: a real endpoint on loopback that answers as scripted.

>>> with TeacherEndpoint(reply=lambda body: "3 × 4 = 12 pens.\\nThe answer is 12.") as endpoint:
...     config = TeacherConfig(kind="openai", base_url=endpoint.base_url, model="test")
...     ...

`python -m tutelage.testing --data problems.jsonl` serves worked solutions from a file until Ctrl-C.
"""

from tutelage.testing.answers import answer_key_endpoint
from tutelage.testing.endpoint import Fault, TeacherEndpoint

__all__ = ["Fault", "TeacherEndpoint", "answer_key_endpoint"]
