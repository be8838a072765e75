"""What is wrong with the set-up, check by check, each with its remedy.

    findings  a finding, and the sheet they are written on
    files     this machine: the policy's file, and who runs
    database  the database, its version, the key of its audit
    okta      one org, from the credentials to the people in it
    okta_app  the app in Okta: clock, token, DPoP, keys, scopes, admin role
    groups    the org's groups: seen, refused, owned; names that lead astray
    upkeep    what rotation needs, and clean-up
    limits    what is left of Okta's rate limits
    people    Slack people as Okta users
    approvers whether those whom the file names are in Slack
    slack     tokens, scopes, and how Slack reaches the bot
    witness   an Okta client that cannot change anything

It changes nothing anywhere, and works beside a bot that runs. What could not
be looked at is said to be so, and never ok.
"""

from bot.ops.doctor.findings import Finding, Level, Sheet

__all__ = ["Finding", "Level", "Sheet"]
