"""Name patterns: what is written, and `*` for any text. Nothing else is special."""


def matches(pattern: str, name: str) -> bool:
    """Tell whether `pattern` fits the whole of `name`, case and all."""
    first, *rest = pattern.split("*")
    if not rest:
        return pattern == name
    *middle, last = rest
    if not name.startswith(first) or not name.endswith(last):
        return False
    at, end = len(first), len(name) - len(last)
    for part in middle:
        at = name.find(part, at, end)
        if at < 0:
            return False
        at += len(part)
    return at <= end
