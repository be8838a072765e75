"""The address the bot listens on, taken before anything is started."""

import socket

from bot.core.words import SettingError
from bot.settings import Settings


def listen(settings: Settings) -> socket.socket:
    """Return a socket that listens on HOST and PORT; SettingError if none can."""
    host, port = settings.host, settings.port
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.create_server((host, port), family=family)
    except OSError as error:
        why = str(error.strerror).partition(" (")[0]
        raise SettingError(
            f"Port {port} of {host} cannot be listened on: {why}.",
            "Set HOST and PORT to what is free.",
        ) from error
    # Each connection takes this over. Without it an answer of two packets waits
    # 40 ms for the client's delayed acknowledgement.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening
