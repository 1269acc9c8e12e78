"""The ask box: a question to the student of a run, and to the untrained one beside it."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from tutelage.errors import TutelageError
from tutelage.view.ask import LONGEST_QUESTION, student_of
from tutelage.view.beside import Sides, sides
from tutelage.view.site import page, site_of

COOKIE = "tutelage-visitor"
MOST_BODY = 64 * 2**10
"""Bytes of a form: a question of the most characters, written with escapes, and the token."""


async def ask(request: Request) -> Response:
    """The box (GET), and the answers below it (POST)."""
    if request.method != "POST":
        return await run_in_threadpool(box, request)
    form = await _form(request)
    if not site_of(request).box.knows(request.cookies.get(COOKIE), form.get("token", "")):
        raise HTTPException(403, "this form is from an earlier start of `tutelage view`: open the page again")
    return await run_in_threadpool(answered, request, form.get("question", ""))


def box(request: Request) -> Response:
    """The page before a question."""
    return _page(request)


def answered(request: Request, question: str) -> Response:
    """The page with both answers, or with why there are none."""
    site = site_of(request)
    try:
        student, untrained = site.box.answers(site.reader(request.path_params["name"]), question)
    except TutelageError as error:
        return _page(request, 409, question=question, trouble=str(error))
    return _page(request, question=question, answer=student, beside=sides(untrained or "", student))


def _page(
    request: Request,
    status: int = 200,
    *,
    question: str = "",
    trouble: str = "",
    answer: str | None = None,
    beside: Sides | None = None,
) -> Response:
    site = site_of(request)
    visitor = site.box.visitor(request.cookies.get(COOKIE))
    facts: dict[str, Any] = {"question": question, "trouble": trouble, "answer": answer, "beside": beside}
    run = site.reader(request.path_params["name"])
    student = student_of(run)
    facts |= {"refusal": site.box.refusal(run), "student": student[1] if student else "the student of this run"}
    made = page(request, "ask.html", status, **facts, token=site.box.token(visitor), longest=LONGEST_QUESTION)
    made.set_cookie(COOKIE, visitor, httponly=True, samesite="strict")
    return made


async def _form(request: Request) -> dict[str, str]:
    """The fields of a posted form. Raises HTTPException: it is none, or too long."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/x-www-form-urlencoded":
        raise HTTPException(415, "a question is sent by the form of this page")
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MOST_BODY:
            raise HTTPException(413, f"a question has {LONGEST_QUESTION:,} characters at most")
    try:
        fields = parse_qs(body.decode("ascii", "replace"), max_num_fields=8, errors="replace")
    except ValueError:
        raise HTTPException(400, "a question is sent by the form of this page") from None
    return {name: values[0] for name, values in fields.items()}


ROUTES: list[BaseRoute] = [Route("/run/{name}/ask", ask, methods=["GET", "POST"])]
