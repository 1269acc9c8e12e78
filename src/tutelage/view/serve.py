"""Serves the pages on loopback until Ctrl-C: the command `tutelage view`.

$ tutelage view runs/demo
runs/demo is shown at http://127.0.0.1:8330/ until Ctrl-C
"""

from __future__ import annotations

import errno
import os
import socket
import sys
import threading
from pathlib import Path

from tutelage.errors import ConfigError
from tutelage.runs.found import kind_of
from tutelage.text.printable import printable
from tutelage.view.app import make_app
from tutelage.view.ask import Ask

HOST = "127.0.0.1"
PORT = 8330
"""The port unless another is named."""


def serve(place: Path, port: int = PORT, *, browser: bool = True, ask: Ask | None = None) -> None:
    """Serve the pages of a run, a study or a folder until Ctrl-C; port 0 takes a free one. Only this machine gets in.

    Raises:
        ConfigError: there is nothing to show in the place, or the port is taken.
    """
    import uvicorn

    check_place(place)
    with listening(port) as listener:
        app = make_app(place, ask)
        address = f"http://{HOST}:{listener.getsockname()[1]}/"
        print(printable(f"{place} is shown at {address} until Ctrl-C"), flush=True)
        if browser:
            open_browser(address)
        config = uvicorn.Config(
            app,
            http="h11",
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=1,
        )
        uvicorn.Server(config).run([listener])


def check_place(place: Path) -> None:
    """Raise ConfigError where nothing can be shown."""
    match kind_of(place):
        case "nothing":
            raise ConfigError(f"there is nothing at {place}; name the folder of a run, of a study, or one with several")
        case "file":
            raise ConfigError(f"{place} is a file; name the folder of a run, of a study, or one with several")
        case _:
            return


def listening(port: int) -> socket.socket:
    """A socket of this machine alone. Raises ConfigError: the port is taken, or may not be used."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # after an earlier one that has just ended
        listener.bind((HOST, port))
        listener.listen(64)
    except OSError as error:
        listener.close()
        taken = error.errno == errno.EADDRINUSE
        reason = "it is in use, perhaps by another `tutelage view`" if taken else error.strerror
        raise ConfigError(f"cannot listen on port {port}: {reason}; name another with --port, or 0 for any") from None
    return listener


def open_browser(address: str) -> None:
    """Open the page where there is a screen; a browser of the terminal would take its place."""
    import webbrowser

    if sys.platform == "linux" and not any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY")):
        return
    threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
