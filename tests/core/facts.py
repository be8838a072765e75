"""Facts to decide on: a policy, people and groups, each as unknown as wanted."""

from datetime import timedelta
from typing import Any

from bot.core.catalogue import load
from bot.core.policy import Asked, Policy, Standing
from bot.core.words import Group, Person

HOUR = timedelta(hours=1)

FILE = """\
version: 1
admins: [{user: ops@example.com}, {group: Okta Admins}]
integrations:
  - name: corp
    type: okta-group
    org_url: https://corp.okta.com
    credentials: env:OKTA
    owner: [{user: lead@example.com}, {group: IAM Team}]
    resource_owner: [{key: resourceOwner, attribute: group}]
flows:
  - name: engineers
    integration: corp
    requesters: {any: [{group: Engineering}], none: [{group: Contractors}]}
    groups: {include: ["prod-*"], exclude: ["prod-root"]}
    duration: {default: 1h, max: 8h}
    justification: {pattern: "[A-Z]+-[0-9]+", hint: "Name the ticket, such as OPS-12"}
  - name: everyone
    integration: corp
    requesters: {any: [everyone]}
    groups: {include: ["*"], exclude: ["secret-*", "prod-root"]}
    duration: {default: 30m, max: 1h}
    justification: {required: false}
"""

USERS = {"ops@example.com": "00u-ops", "lead@example.com": "00u-lead"}
GROUPS = {
    "Okta Admins": "00g-admins",
    "IAM Team": "00g-iam",
    "Engineering": "00g-eng",
    "Contractors": "00g-con",
    "prod-root": "00g-prod-root",
}


def policy(text: str = FILE, **changes: Any) -> Policy:
    """Return the policy of `text`, its names pinned."""
    catalogue = load(text)
    facts: dict[str, Any] = {"users": USERS, "groups": GROUPS} | changes
    return Policy(catalogue=catalogue, integration=catalogue.integrations[0], **facts)


def person(name: str = "ann", *groups: str, **changes: Any) -> Person:
    """Return an active person who is in these groups and no other."""
    login = f"{name}@example.com"
    facts: dict[str, Any] = {
        "id": f"00u-{name}",
        "login": login,
        "email": login,
        "name": name.title(),
        "status": "ACTIVE",
        "groups": frozenset(groups),
    }
    return Person(**facts | changes)


def group(name: str = "prod-db", **changes: Any) -> Group:
    """Return a group that may be given."""
    facts: dict[str, Any] = {
        "id": f"00g-{name}",
        "name": name,
        "carries_admin_role": False,
        "rule_managed": False,
        "feeds_rule": False,
    }
    return Group(**facts | changes)


def asked(**changes: Any) -> Asked:
    """Return what an engineer asks for, and would be given."""
    who = changes.pop("requester", person("ann", "00g-eng"))
    facts: dict[str, Any] = {
        "requester": who,
        "grantee": who,
        "group": group(),
        "duration": HOUR,
        "justification": "OPS-12 slow queries",
    }
    return Asked(**facts | changes)


def standing(**changes: Any) -> Standing:
    """Return that of a pair which has nothing."""
    facts: dict[str, Any] = {"is_member": False}
    return Standing(**facts | changes)
