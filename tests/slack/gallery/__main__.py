"""Write the page, and pictures of it where a Chromium is on the machine."""

import shutil
import subprocess
import sys
from pathlib import Path

from tests.slack.gallery.examples import Example, examples
from tests.slack.gallery.page import page

PICTURED = {
    "modal": ("modal: ask, a group chosen",),
    "card": ("card", "card, step 2 of 2"),
    "messages": ("sent, waiting", "granted", "warning", "ended, expired"),
    "home": ("home, of an admin",),
}
WIDTHS = {"": 720, "-narrow": 390}
HEIGHTS = {"section": 46, "actions": 52, "input": 102, "header": 44, "rich_text": 40}
"""About how high a block is drawn, in pixels; all others are lower."""


def main(folder: Path) -> None:
    """Write index.html into `folder`, and a picture of each of the main things."""
    folder.mkdir(parents=True, exist_ok=True)
    everything = list(examples())
    (folder / "index.html").write_text(page(everything), "utf-8")
    print(f"{len(everything)} examples in {folder / 'index.html'}")  # noqa: T201
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        print("No Chromium here, so no pictures were made.")  # noqa: T201
        return
    for name, shown in PICTURED.items():
        some = [each for each in everything if each.name in shown]
        for suffix, width in WIDTHS.items():
            high = sum(_height(each) for each in some) * (1 if width > 500 else 1.25)
            size = f"{width},{int(high) + 20}"
            _picture(chromium, folder, f"{name}{suffix}", page(some, title=""), size)


def _height(example: Example) -> int:
    edges = 220 if example.kind == "modal" else 95
    blocks = example.payload["blocks"]
    return edges + sum(HEIGHTS.get(block["type"], 30) for block in blocks)


def _picture(chromium: str, folder: Path, name: str, text: str, size: str) -> None:
    source = folder / f"{name}.html"
    source.write_text(text, "utf-8")
    subprocess.run(  # noqa: S603 -- found on the path, on a file of our own
        [
            chromium,
            *("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"),
            f"--window-size={size}",
            f"--screenshot={folder / name}.png",
            source.as_uri(),
        ],
        check=True,
        capture_output=True,
    )
    source.unlink()


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "build/gallery").resolve())
