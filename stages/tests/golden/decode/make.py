"""Makes the files beside it: one picture in many modes, and what Pillow's `convert("RGB")` makes of each.

Needs numpy and pillow. The 16-bit file is written chunk by chunk, since Pillow writes none with colours; for it the high bytes are expected.
"""

import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

HERE = Path(__file__).parent
generator = np.random.default_rng(2)
rows, columns = np.mgrid[0:19, 0:23]
colours = np.stack([columns * 11, rows * 13, 255 - columns * 5 - rows * 6], axis=-1).astype(np.uint8)
alpha = generator.integers(0, 256, (19, 23, 1), dtype=np.uint8)
rgb = Image.fromarray(colours)
rgba = Image.fromarray(np.concatenate([colours, alpha], axis=-1))

pngs = {
    "rgb": rgb,
    "grey": rgb.convert("L"),
    "grey_alpha": rgba.convert("LA"),
    "alpha": rgba,
    "palette": rgb.quantize(16),
    "bits": rgb.convert("1"),
}
for name, image in pngs.items():
    image.save(HERE / f"{name}.png")
rgb.quantize(16).save(HERE / "palette_alpha.png", transparency=3)
for name in [*pngs, "palette_alpha"]:
    (HERE / f"{name}.rgb").write_bytes(Image.open(HERE / f"{name}.png").convert("RGB").tobytes())

deep = (colours.astype(np.uint16) << 8) + generator.integers(0, 256, colours.shape, dtype=np.uint16)
lines = b"".join(b"\0" + line.astype(">u2").tobytes() for line in deep)


def chunk(kind, content):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


header = struct.pack(">IIBBBBB", 23, 19, 16, 2, 0, 0, 0)
(HERE / "rgb16.png").write_bytes(
    b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")
)
(HERE / "rgb16.rgb").write_bytes(colours.tobytes())
assert Image.open(HERE / "rgb16.png").convert("RGB").tobytes() == colours.tobytes()

for name, image in {"rgb": rgb, "grey": rgb.convert("L"), "cmyk": rgb.convert("CMYK")}.items():
    image.save(HERE / f"{name}.jpg", quality=92)
    (HERE / f"{name}.jpg.rgb").write_bytes(Image.open(HERE / f"{name}.jpg").convert("RGB").tobytes())
