"""python -m bot.sandbox.slack --port 0: prints one JSON line with its address."""

from bot.sandbox.serving import main
from bot.sandbox.slack import SlackWorkspace

if __name__ == "__main__":
    main(SlackWorkspace())
