"""The promises of the bot, whatever breaks: every point, every fault, real kills.

Three processes. The world is the sandbox with its people, its clock and a judge;
a warm parent has lived one life and has nothing open; the bot is the real one,
forked from it. The judge reads what Okta and Slack saw, and the bot's rows only
at the very end, for what is promised of the rows themselves.

    plan      points, faults at them, and plans as one can type them
    clock     a wall clock and an elapsed time that several processes share
    parent    the warm parent
    child     the bot in it, with its points named and its faults played
    mutants   wrong bots, each of which must be caught
    world     the sandbox, who is in it, and the bot that is started again
    people    what people do in Slack, led by what they are shown
    scenarios what happens, in the order it is lived
    judge     the promises, held against what was seen
    lane      one world in a process of its own, one case after the other
    campaign  which plans are run, side by side, and what came of them
"""
