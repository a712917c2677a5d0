"""The command line, imported once: forks a process for each command that it is asked for, and tells how it ended.

Each command still is a process of its own with its own arguments, folder, environment, streams and exit; only the
imports, most of a short command's time, are not done again. What an interpreter reads when it starts (``PYTHON…``,
locale) is the caller's to see to. Light modules only: what the commands import lazily for large work they still do.
"""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import socket
import sys
from importlib.metadata import entry_points

import ordain


def load() -> None:
    """Import the engine, but for what plugin authors test with, and the plugins as far as every plan does."""
    for found in pkgutil.walk_packages(ordain.__path__, "ordain."):
        if not found.name.startswith("ordain.testing"):
            importlib.import_module(found.name)
    for point in entry_points(group="ordain.plugins"):
        point.load()
    for name in ("cel_expr_python", "python_terraform", "yaml"):
        importlib.import_module(name)


def serve(control: socket.socket) -> None:
    """Return in each child, ready to run its command; end when the caller has gone."""
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, 1, 3)
        while message and not message.endswith(b"\n"):
            more = control.recv(1 << 16)
            message = message + more if more else b""
        if not message:
            os._exit(0)
        child = os.fork()
        if child == 0:
            control.close()
            become(json.loads(message), descriptors)
            return
        for descriptor in descriptors:
            os.close(descriptor)
        control.sendall(b"%d\n" % child)
        _, status = os.waitpid(child, 0)
        control.sendall(b"%d\n" % os.waitstatus_to_exitcode(status))


def become(asked: dict[str, object], descriptors: list[int]) -> None:
    """Take on what makes a process the one that was asked for."""
    for number, descriptor in enumerate(descriptors):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.chdir(str(asked["folder"]))
    os.environ.clear()
    os.environ.update(asked["environment"])  # type: ignore[arg-type]
    sys.argv = asked["words"]  # type: ignore[assignment]


if __name__ == "__main__":
    line = socket.socket(fileno=int(sys.argv[1]))
    load()
    serve(line)
    from ordain.cli.main import main

    main()
