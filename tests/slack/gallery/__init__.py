"""Every view and message of the bot, one example of each state: `make gallery`."""
