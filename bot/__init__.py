"""Okta group membership for a while, asked for and answered in Slack.

Where a line of code belongs. Imports point inwards: cli -> app -> ops, slack,
engine -> workflow -> store -> core. okta and secrets stand on core alone; the
sandbox imports nothing of the rest.

    core/       what is true. No I/O, no clock, no await, no database
        words       statuses, moves, causes, people, groups, refusals, errors
        catalogue/  access.yaml as typed values, its checks, its JSON Schema
        policy      who may ask, who may answer, and why not
        owners      who answers: the owner ladder of a group, the entries of a step
        cleanup     whose Okta account may be ended, and why not
        durations   1h30m, read and said
    store/      what is kept. Sync
        database    one database: its writers, its readers, transactions; sqlite
                    and postgres hold what differs, as engines
        tables      the rows
        moves       the only writes of a status or a standing
        claims      one claim for everything that is due; replicas, who is alive and
                    whose turn a periodic job is
        notices     what became of a notice: shown, or dropped
        audit       the chained events and the seals; verification checks them;
                    evidence, what they tell of a row, whatever the row says
        queries     reads of requests and grants; directory, of people and groups;
                    files, of each access.yaml that was in force
        group_index groups by the beginning and the middle of their names
        migrations/ from no database to this version's
    workflow/   what happens, in the order it is lived
        people      a Slack account as an Okta person, or a refusal
        search      what a person may ask for, found as they type (flow_maps)
        freezing    what an admin has stopped; revoking, what an admin ends
        explaining  why: which flow, who is asked; cases, run as access.yaml has them
        reading     fresh facts from Okta, before the worker decides; groups keeps
                    them, with word of what changed; seats, who answers a step
        requests    asked, routed, answered step by step, extended, lapsed
        grants      given, warned of, given back, revoked, expired; warnings, when
        notices     what people are told, as rows
        upkeep/     discover, by changes too; pin names, meet people, clean up
    okta/       one Okta org over httpx. Async
        client      paced calls, errors sorted (answers, wire, pacing, timing)
        tokens      the access token, and why Okta gives none (refusals)
        credentials the key pair and its assertions; keys, a new one, those known
        directory   groups, people, memberships as core values (readings, rules);
                    accounts, what a second app does to a whole one; log, what was
                    done with our key
    slack/      the face. Async
        listeners/  what people do, and what it leads to
        views/      Block Kit from values, no I/O
        pictures    the values that views draw; looking, rows as those;
                    overview, the home tab; loading, what a notice shows
        messenger   posts notices and draws them again; copies, unknown ones found;
                    pacing, how fast they go to one channel
        http        signed requests; connection, the app and its socket
        calls       one call of the Web API, its failure sorted (errors)
        accounts    who is in the workspace; typed, what a command says;
                    installation, where the app is installed, and for what
    engine/     what keeps going
        worker      claim what is due, carry it out
        schedule    the alarm clock
    ops/        for those who run it: health, metrics, the log, the doctor, keys
    secrets/    a secret reference -> its value: local, and one file for each store
    settings    the environment, typed; every wait; the one clock
    app/        builds the parts, starts and stops them
    cli/        the commands an operator types
    sandbox/    an Okta org and a Slack workspace on loopback; the demo

The rules that carry it:

 1. The row is the truth. A message is a picture of it, the scheduler an alarm clock.
 2. One function writes a status, guarded by where it may come from, with its event.
 3. Intent, effect, outcome: commit, call, commit. No transaction spans the network.
 4. The end is on the row before the access exists; so is whether they were a member.
 5. A status says who acts next.
 6. A refusal is a value, a failure is an exception.
 7. Decide again at the act. Who was told is not who may answer.
 8. Unknown means no when giving, try again loudly when taking away.
 9. Remove only what we added, also when an add lands late.
10. Now and the person are arguments. One clock, which never goes back.
11. A listener commits one transaction and answers last. All else is a row.
12. Only the worker changes Okta, and it believes no row alone: it verifies the seal.
13. Everything due is due the same way: one claim, with a lease and a fence.
14. Personal text can be forgotten, with the chain still verifying.
"""
