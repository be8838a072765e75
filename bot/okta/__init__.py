"""One Okta org, over httpx: what is read there, and the two changes we make.

    directory.py    groups, people and memberships as core values
    readings.py     Okta's JSON as those values
    rules.py        what group rules mean for a group
    client.py       calls: tokens, repeats, pages
    wire.py         one attempt: its turn, its deadline; here httpx ends
    pacing.py       whose turn it is, led by Okta's rate-limit headers
    answers.py      answers, sorted into the errors of bot.core.words
    tokens.py       the access token, shared and renewed
    refusals.py     why Okta gives no token, with the remedy
    credentials.py  the key pair: its formats, its assertions
    keys.py         the app's own key pairs: made, and listed
    timing.py       every wait

Nothing here knows a request, a grant or a person in Slack, and nothing is
decided: Okta's answers become core values or errors.
"""
