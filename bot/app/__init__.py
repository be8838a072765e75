"""Builds the parts, starts and stops them: the only room that knows them all.

    running    everything started together, and stopped together
    opening    the database, the key of its audit, the policy
    roles      which part of the bot a process is
    replicas   several processes: who is alive, whose turn it is
    listening  the address
    parts      what the bot is built of, and what a start can live with
    syncing    people and groups read when an operator asks for it
    examining  the doctor, sent to everything the settings name
    okta_loop  the worker that changes Okta
    face       Slack: connected, listened to, spoken with

What is wrong with the set-up is a SettingError before anything starts.
"""
