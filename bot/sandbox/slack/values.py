"""What a person enters in an element, as Slack sends it."""

import copy
from collections.abc import Iterable
from typing import Any

Json = dict[str, Any]

# Under which name each element sends its value, and begins with one.
PLAIN = {
    "plain_text_input": ("value", "initial_value"),
    "email_text_input": ("value", "initial_value"),
    "url_text_input": ("value", "initial_value"),
    "number_input": ("value", "initial_value"),
    "users_select": ("selected_user", "initial_user"),
    "conversations_select": ("selected_conversation", "initial_conversation"),
    "channels_select": ("selected_channel", "initial_channel"),
    "datepicker": ("selected_date", "initial_date"),
    "timepicker": ("selected_time", "initial_time"),
    "datetimepicker": ("selected_date_time", "initial_date_time"),
}
SEVERAL_PLAIN = {"multi_users_select": ("selected_users", "initial_users")}
OPTION = frozenset({"static_select", "external_select", "radio_buttons", "overflow"})
OPTIONS = frozenset({"multi_static_select", "multi_external_select", "checkboxes"})


def initial_value(element: Json) -> Json | None:
    """What the element's state is when it comes up; None for a button."""
    kind = element["type"]
    if kind in PLAIN:
        name, initial = PLAIN[kind]
        return {"type": kind, name: element.get(initial)}
    if kind in SEVERAL_PLAIN:
        name, initial = SEVERAL_PLAIN[kind]
        return {"type": kind, name: element.get(initial, [])}
    if kind in OPTION - {"overflow"}:
        return {"type": kind, "selected_option": element.get("initial_option")}
    if kind in OPTIONS:
        return {"type": kind, "selected_options": element.get("initial_options", [])}
    return None


def entered_value(element: Json, value: Any, suggested: Iterable[Json] = ()) -> Json:
    """The element's state once a person has entered `value`.

    A choice is the value of an option shown or suggested, or a whole option (of
    several, a list or just one), which
    is sent as it is: a client that is not Slack's own can send any. Raises
    ValueError for a choice that nobody offered.
    """
    kind = element["type"]
    if kind in PLAIN:
        return {"type": kind, PLAIN[kind][0]: None if value == "" else value}
    if kind in SEVERAL_PLAIN:
        return {"type": kind, SEVERAL_PLAIN[kind][0]: list(value)}
    offered = [*_offered(element), *suggested]
    if kind in OPTION:
        chosen = None if value is None else _chosen(offered, value)
        return {"type": kind, "selected_option": chosen}
    if kind in OPTIONS:
        ones = value if isinstance(value, list | tuple) else [value]
        chosen_ones = [_chosen(offered, one) for one in ones]
        return {"type": kind, "selected_options": chosen_ones}
    raise ValueError(f"nothing can be entered in a {kind}")


def is_empty(value: Json) -> bool:
    """Whether nothing has been entered."""
    return all(not one for name, one in value.items() if name != "type")


def _offered(element: Json) -> list[Json]:
    options: list[Json] = list(element.get("options", []))
    options += element.get("initial_options", [])
    if "initial_option" in element:
        options.append(element["initial_option"])
    for group in element.get("option_groups", []):
        options += group["options"]
    return options


def _chosen(offered: list[Json], value: Any) -> Json:
    if isinstance(value, dict):
        return copy.deepcopy(value)
    for option in offered:
        if option.get("value") == value:
            return copy.deepcopy(option)
    values = ", ".join(str(option.get("value")) for option in offered) or "none"
    raise ValueError(f"{value} is not among the options: {values}")
