"""Takes the guide's pictures: how a page looks, and the words that stand on it."""

import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image, ImageChops
from playwright.sync_api import Page

QUALITY = 82
COARSE = 10
"""Pixels of the page that are one of the small picture by which two are compared."""
SHADE = 28
"""Of 255: what differs by less is the same to the eye that looks for what a page shows."""
HIDDEN = "svg.qr, .code-line"
"""What is another each time."""
SECRETS = (
    (re.compile(r"\b[A-Z0-9]{4}(-[A-Z0-9]{4}){2,7}\b"), "XXXX-XXXX-XXXX"),
    (re.compile(r"\b[0-9a-f]{4} [0-9a-f]{4} …"), "0000 0000 …"),
    (re.compile(r"(?<![\w-])[\w-]{43}(?![\w-])"), "0…"),  # a key
    (re.compile(r"/\S+/data\b"), "/…/data"),
    (re.compile(r"/\S+/(\w+\.pem)\b"), r"/…/\1"),
    (re.compile(r"\b[1-6]\d{4}\b"), "00000"),
)
READ = "() => document.body.innerText"
READ_ALL = """() => {
  const shown = [...document.querySelectorAll("body *")].filter(one => one.checkVisibility());
  const told = ["aria-label", "title", "placeholder", "alt"]
    .flatMap(name => shown.map(one => one.getAttribute(name)).filter(Boolean));
  return [document.title, document.body.innerText, ...told].join("\\n");
}"""
HEIGHT = "() => document.documentElement.scrollHeight"


@dataclass(frozen=True, slots=True)
class Photo:
    """A page as its reader sees it."""

    picture: bytes
    """WebP."""
    words: str
    """What stands on the page, line by line, without what is another each time."""
    everything: str
    """All words, those for ears as well, without what is another each time."""

    def keep(self, folder: Path, name: str) -> None:
        """Write picture and words."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.webp").write_bytes(self.picture)
        (folder / f"{name}.txt").write_text(self.words, encoding="utf-8")


def take(page: Page, tallest: int) -> Photo:
    """The page from its top to its end, or to so many pixels."""
    size = page.viewport_size
    assert size is not None
    page.evaluate("() => document.activeElement?.blur?.()")
    page.mouse.move(0, 0)
    height = min(max(page.evaluate(HEIGHT), size["height"]), tallest)
    page.set_viewport_size({"width": size["width"], "height": height})
    page.evaluate("() => document.fonts.ready")
    shot = page.screenshot(animations="disabled", mask=[page.locator(HIDDEN)], mask_color="#837A6E")
    words = page.evaluate(READ)
    everything = page.evaluate(READ_ALL)
    page.set_viewport_size(size)
    return Photo(_packed(shot), _plain(words), _plain(everything))


def _packed(png: bytes) -> bytes:
    file = io.BytesIO()
    Image.open(io.BytesIO(png)).convert("RGB").save(file, "WEBP", quality=QUALITY, method=6)
    return file.getvalue()


def _plain(words: str) -> str:
    for pattern, said in SECRETS:
        words = pattern.sub(said, words)
    lines = (" ".join(line.replace("\N{NO-BREAK SPACE}", " ").split()) for line in words.splitlines())
    return "\n".join(line for line in lines if line) + "\n"


def difference(one: bytes, other: bytes) -> float:
    """Which share of two pictures differs to the eye; 1 where their sizes do."""
    first, second = (_small(picture) for picture in (one, other))
    if first.size != second.size:
        return 1.0
    shades: Any = ImageChops.difference(first, second).histogram()
    return float(sum(shades[SHADE:]) / sum(shades))


def _small(picture: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(picture)).convert("L")
    size = (max(1, image.width // COARSE), max(1, image.height // COARSE))
    return image.resize(size, Image.Resampling.BOX)
