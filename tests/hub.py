"""A hub on loopback: data sets with commits, as huggingface_hub asks for them. `HF_ENDPOINT` points at it.

with Hub() as hub:
    hub.push("ann/sums", {"train.jsonl": b"…"})       a new commit of the branch main
"""

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest


def use(hub: "Hub", monkeypatch: pytest.MonkeyPatch, caches: Path) -> None:
    """Let this process read the hub, and keep what it reads below `caches`. Skips the test without `datasets`."""
    datasets = pytest.importorskip("datasets")
    from huggingface_hub import constants

    address = hub.url + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", address)
    monkeypatch.setattr(constants, "ENDPOINT", hub.url)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(caches / "hub"))
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", caches / "datasets")


class Hub:
    """Its `commits` are the files of each data set by commit, `heads` the newest commit, `gated` those that refuse."""

    def __init__(self):
        self.commits, self.heads, self.gated, self.asked = {}, {}, set(), []

    def push(self, name, files):
        commits = self.commits.setdefault(name, {})
        content = json.dumps({path: data.hex() for path, data in files.items()}) + str(len(commits))
        commit = hashlib.sha1(content.encode()).hexdigest()
        commits[commit] = files
        self.heads[name] = commit
        return commit

    def __enter__(self):
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                hub.asked.append(f"{self.command} {self.path}")
                status, body, headers = hub.answer(unquote(urlsplit(self.path).path).strip("/").split("/"))
                self.send_response(status)
                for key, value in {**headers, "Content-Length": str(len(body))}.items():
                    self.send_header(key, value)
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(body)

            do_HEAD = do_GET  # noqa: N815

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def answer(self, parts):  # noqa: PLR0911 - each refusal has its place
        """Status, body and headers for a path in pieces."""
        api, parts = parts[0] == "api", parts[1:] if parts[0] == "api" else parts
        if parts[0] != "datasets":
            return self.refused(404, "RepoNotFound")
        name, what = "/".join(parts[1:3]), parts[3:]
        if name not in self.commits:
            return self.refused(404, "RepoNotFound")
        if name in self.gated and what[:1] != ["revision"]:
            return self.refused(403, "GatedRepo")
        revision = what[1] if len(what) > 1 else "main"
        commit = self.heads[name] if revision == "main" else revision
        if commit not in self.commits[name]:
            return self.refused(404, "RevisionNotFound")
        files = self.commits[name][commit]
        if api and what[:1] == ["tree"]:
            rows = [
                {"type": "file", "path": path, "size": len(data), "oid": hashlib.sha1(data).hexdigest()}
                for path, data in files.items()
            ]
            return self.said(rows)
        if api:
            return self.said(
                {"id": name, "sha": commit, "siblings": [{"rfilename": path} for path in files], "tags": []}
            )
        path = "/".join(what[2:])
        if path not in files:
            return self.refused(404, "EntryNotFound")
        etag = hashlib.sha1(files[path]).hexdigest()
        return 200, files[path], {"X-Repo-Commit": commit, "ETag": f'"{etag}"'}

    @staticmethod
    def said(value):
        return 200, json.dumps(value).encode(), {"Content-Type": "application/json"}

    @staticmethod
    def refused(status, code):
        return status, b'{"error": "no"}', {"X-Error-Code": code, "Content-Type": "application/json"}
