"""python -m bot.sandbox.okta --port 0: prints one JSON line with its address."""

from bot.sandbox.okta import OktaOrg
from bot.sandbox.serving import main

if __name__ == "__main__":
    main(OktaOrg())
