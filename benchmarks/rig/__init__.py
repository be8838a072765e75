"""What the benchmarks share: servers to start, and people to click on them.

    load     signed requests, sent by some clients at once and timed
    serving  one server as a process of its own, for as long as a block lasts
    bare     the peer: Bolt on Starlette, with next to nothing behind it
    desk     ours: everything between a signed click and its committed answer
    company  a database with people, groups and requests that wait
    estate   grants that are held, by the thousand
    whole    the whole bot, and what it finds when it starts
    loop     the bot's own loop of Okta's work, without the rest of it
    prompt   an org that answers at once

Whoever is measured over a socket is a process apart from whoever measures.
"""
