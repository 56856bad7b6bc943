"""Listening sockets on loopback, bound before anything is started: a free port cannot be raced."""

import errno
import os
import socket

LOOPBACK = "127.0.0.1"


class PortError(Exception):
    """A port cannot be had; the text is one sentence for the person who started the demo."""


def listen(variable: str, default: int) -> socket.socket:
    """A socket on the port that `variable` of the environment names; 0 is any free one."""
    text = os.environ.get(variable) or str(default)
    if not text.isdecimal() or int(text) > 65535:
        raise PortError(f"{variable} must be a port from 0 to 65535, not {text!r}.")
    try:
        return on(int(text))
    except OSError as exc:
        why = "is taken" if exc.errno == errno.EADDRINUSE else f"cannot be used ({exc.strerror})"
        raise PortError(
            f"Port {text} {why}: set {variable} to another one, or to 0 for any free one."
        ) from exc


def on(port: int, *, backlog: int = 128) -> socket.socket:
    """A socket on that port; 0 is any free one. Raises OSError."""
    # create_server sets SO_REUSEADDR: a demo that has just ended does not hold its port.
    listener = socket.create_server((LOOPBACK, port), backlog=backlog)
    # The connections inherit it: an answer in two parts would wait 40 ms for an acknowledgement.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def url(listener: socket.socket) -> str:
    """The address that the socket answers on, without a slash at its end."""
    return f"http://{LOOPBACK}:{listener.getsockname()[1]}"
