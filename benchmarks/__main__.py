"""Runs each benchmark as a process of its own: python -m benchmarks [name]."""

import pkgutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

FOLDER = Path(__file__).parent
NOT_BENCHMARKS = frozenset({"__main__", "figures"})


def names() -> list[str]:
    """Return the benchmarks there are, in order; a folder is what they share."""
    found = pkgutil.iter_modules([str(FOLDER)])
    modules = {module.name for module in found if not module.ispkg}
    return sorted(modules - NOT_BENCHMARKS)


def run(name: str) -> int:
    """Run the benchmark `name` to its end and return its exit status."""
    # NB. The name is one of ours, never a text that a shell would read.
    command = [sys.executable, "-m", f"benchmarks.{name}"]
    return subprocess.run(command, check=False, cwd=FOLDER.parent).returncode  # noqa: S603


def main(asked: Sequence[str]) -> int:
    """Run what is `asked`, or everything; 1 if one fails, 2 for no such name."""
    known = names()
    unknown = sorted(set(asked) - set(known))
    if unknown:
        listed = ", ".join(known) or "none yet"
        print(
            f"There is no benchmark {unknown[0]}. There are: {listed}.", file=sys.stderr
        )
        return 2
    failed = [name for name in asked or known if run(name) != 0]
    for name in failed:
        print(f"The benchmark {name} failed.", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
