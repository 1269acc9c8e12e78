"""A hub to push to, on loopback: as much of the Hugging Face hub's API as its client uses for a commit with LFS files.

with Hub() as hub:      HF_ENDPOINT=hub.url, HF_TOKEN=hub.token
hub.repos               {("model", "me/legs"): Repo(private=True, files={"README.md": b"…"})}
hub.blobs               large files by their SHA-256, whether they are committed or not
hub.refuse = 1          the next large file breaks off in the middle
"""

import base64
import hashlib
import json
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Repo:
    private: bool
    files: dict[str, bytes] = field(default_factory=dict)
    commits: int = 0


class Hub:
    def __init__(self, owner: str = "me", token: str = "hf_secretsecretsecret") -> None:
        self.owner, self.token, self.refuse = owner, token, 0
        self.repos: dict[tuple[str, str], Repo] = {}
        self.blobs: dict[str, bytes] = {}
        self.asked: list[str] = []

    def __enter__(self) -> "Hub":
        handler = type("Handler", (_Handler,), {"hub": self})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        found = re.fullmatch(r"/api/(model|dataset)s/([^/]+/[^/?]+)(?:/revision/main)?(?:\?.*)?", self.path)
        repo = self.hub.repos.get((found[1], found[2])) if found else None
        if repo is None:
            self._answer(404, {"error": "Repository not found"}, {"X-Error-Code": "RepoNotFound"})
        else:
            siblings = [{"rfilename": name} for name in repo.files]
            self._answer(200, {"id": found[2], "private": repo.private, "sha": "0" * 40, "siblings": siblings})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.hub.asked.append(f"POST {self.path}")
        if self.headers.get("Authorization") != f"Bearer {self.hub.token}":
            self._answer(401, {"error": "Invalid credentials"})
        elif self.path == "/api/repos/create":
            self._create(json.loads(body))
        elif self.path == "/api/validate-yaml":
            self._answer(200, {"errors": [], "warnings": []})
        elif found := re.match(r"/api/(model|dataset)s/(.+)/(preupload|commit)/main", self.path):
            repo = self.hub.repos[found[1], found[2]]
            self._modes(json.loads(body)) if found[3] == "preupload" else self._commit(
                repo, ("datasets/" if found[1] == "dataset" else "") + found[2], body
            )
        elif self.path.endswith(".git/info/lfs/objects/batch"):
            self._batch(json.loads(body))
        else:
            self._answer(404, {"error": f"no {self.path}"})

    def do_PUT(self) -> None:
        oid, length = self.path.rpartition("/")[2], int(self.headers["Content-Length"])
        self.hub.asked.append(f"PUT {oid}")
        if self.hub.refuse:
            self.hub.refuse -= 1
            self.rfile.read(length // 2)
            self.close_connection = True
            self.connection.close()
            return
        self.hub.blobs[oid] = self.rfile.read(length)
        assert hashlib.sha256(self.hub.blobs[oid]).hexdigest() == oid
        self._answer(200, {})

    def _create(self, wanted: dict) -> None:
        owner, kind = wanted.get("organization") or self.hub.owner, wanted.get("type", "model")
        name = f"{owner}/{wanted['name']}"
        if owner != self.hub.owner:
            self._answer(403, {"error": f"You don't have the rights to create a {kind} under the namespace {owner}"})
        elif (kind, name) in self.hub.repos:
            self._answer(409, {"error": "You already created this repo", "url": f"{self.hub.url}/{name}"})
        else:
            self.hub.repos[kind, name] = Repo(bool(wanted.get("private")) or wanted.get("visibility") == "private")
            self._answer(200, {"url": f"{self.hub.url}/{'datasets/' if kind == 'dataset' else ''}{name}"})

    def _modes(self, asked: dict) -> None:
        files = [
            {"path": f["path"], "uploadMode": "lfs" if f["path"].endswith(".safetensors") else "regular"}
            for f in asked["files"]
        ]
        self._answer(200, {"files": [{**each, "shouldIgnore": False} for each in files]})

    def _batch(self, asked: dict) -> None:
        objects = []
        for each in asked["objects"]:
            place = {"upload": {"href": f"{self.hub.url}/lfs/{each['oid']}"}}
            objects.append({**each, **({} if each["oid"] in self.hub.blobs else {"actions": place})})
        self._answer(200, {"transfer": "basic", "objects": objects})

    def _commit(self, repo: Repo, name: str, body: bytes) -> None:
        for line in body.splitlines():
            row = json.loads(line)
            if row["key"] == "file":
                repo.files[row["value"]["path"]] = base64.b64decode(row["value"]["content"])
            elif row["key"] == "lfsFile":
                repo.files[row["value"]["path"]] = self.hub.blobs[row["value"]["oid"]]
        repo.commits += 1
        self._answer(200, {"commitUrl": f"{self.hub.url}/{name}/commit/{'1' * 40}", "commitOid": "1" * 40})

    def _answer(self, status: int, data: dict, headers: dict | None = None) -> None:
        body = json.dumps(data).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
