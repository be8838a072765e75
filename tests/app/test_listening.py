"""The address the bot listens on."""

import socket

from bot.app.listening import listen
from bot.settings import Settings


def test_an_answer_never_waits_for_a_delayed_acknowledgement() -> None:
    with (
        listen(Settings(port=0)) as listening,
        socket.create_connection(listening.getsockname()),
        listening.accept()[0] as accepted,
    ):
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
