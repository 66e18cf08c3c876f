"""The demo office's picture and logo, drawn here: places that have found partners."""

from __future__ import annotations

from io import BytesIO

from PIL import Image, ImageDraw, ImageFont

SIZE = (1800, 1200)
GROUND, LINE = (15, 92, 82), (127, 209, 195)
WEST = ((260, 330), (430, 720), (620, 240), (700, 930), (330, 1010))
EAST = ((1180, 260), (1330, 640), (1520, 380), (1240, 980), (1600, 860))


def draw() -> bytes:
    """Dots on either side, each joined by an arc to one on the other; a PNG."""
    picture = Image.new("RGB", SIZE, GROUND)
    pen = ImageDraw.Draw(picture)
    for (x, y), (far, low) in zip(WEST, EAST, strict=True):
        rise = (far - x) // 5
        bow = [
            (
                x + (far - x) * step / 60,
                y + (low - y) * step / 60 - 4 * rise * step * (60 - step) / 3600,
            )
            for step in range(61)
        ]
        pen.line(bow, fill=LINE, width=7, joint="curve")
    for size, (x, y) in zip((46, 34, 40, 28, 52, 30, 44, 36, 26, 48), WEST + EAST, strict=True):
        pen.ellipse((x - size, y - size, x + size, y + size), fill=LINE)
    content = BytesIO()
    picture.save(content, "PNG")
    return content.getvalue()


def logo() -> bytes:
    """Two places and the arc between them, with the demo's short name; a PNG to see through."""
    picture = Image.new("RGBA", (1500, 480), (0, 0, 0, 0))
    pen = ImageDraw.Draw(picture)
    pen.arc((90, 110, 470, 490), 180, 360, fill=GROUND, width=44)
    for x in (112, 448):
        pen.ellipse((x - 78, 222, x + 78, 378), fill=GROUND)
    pen.text((640, 30), "ICLD", fill=GROUND, font=ImageFont.load_default(360))
    content = BytesIO()
    picture.save(content, "PNG")
    return content.getvalue()
