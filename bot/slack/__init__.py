"""The face of the bot in Slack.

    listeners/  what people do: commands, clicks, submits, typeahead, home
    messenger   posts and redraws what rows say people are to be told
    pacing      how fast messages go to one channel
    pictures    the values that views draw
    looking     a request, grant or person as such a value
    overview    what the home tab shows
    loading     what a notice shows, with its version
    views/      Block Kit from values, without I/O
    typed       what someone typed after the command
    accounts    Slack's user objects as rows, with why one may do nothing here
    installation  where the app is installed, and for what
    calls       one call of the Web API, and what its failure means
    connection  the app, the client and the socket
    http        Slack's signed requests

A message is a picture of a row and is never read back. Everything that comes
from Slack or Okta is hostile text: it reaches a message as plain text, or
escaped.
"""
