"""Makes the files beside it: one picture in many modes, and what Pillow's `convert("RGB")` makes of each.

Needs numpy and pillow 13. The 16-bit colour file is written chunk by chunk, since Pillow writes none.
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




def png(kind, *after):
    """One 16-bit picture: its colour type, its lines, chunks between the header and the lines."""
    header = struct.pack(">IIBBBBB", 23, 19, 16, kind, 0, 0, 0)
    *between, lines = after
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + b"".join(between) + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")


(HERE / "rgb16.png").write_bytes(png(2, lines))
# Half of the values are below 256, so that what Pillow does with the others is seen.
grey16 = np.where((rows + columns) % 2 == 0, deep[..., 0], deep[..., 0] & 255)
grey_lines = b"".join(b"\0" + line.astype(">u2").tobytes() for line in grey16)
(HERE / "grey16.png").write_bytes(png(0, grey_lines))
(HERE / "grey16_hole.png").write_bytes(png(0, chunk(b"tRNS", struct.pack(">H", int(grey16[0, 0]))), grey_lines))
turned = Image.Exif()
turned[0x0112] = 6
rgb.save(HERE / "turned.png", exif=turned)
rgb.save(HERE / "animated.png", save_all=True, append_images=[rgb.transpose(Image.Transpose.FLIP_LEFT_RIGHT)], duration=100)
for name in ["rgb16", "grey16", "grey16_hole", "turned", "animated"]:
    (HERE / f"{name}.rgb").write_bytes(Image.open(HERE / f"{name}.png").convert("RGB").tobytes())
assert Image.open(HERE / "rgb16.png").convert("RGB").tobytes() == colours.tobytes()

jpegs = {
    "rgb": (rgb, {}),
    "grey": (rgb.convert("L"), {}),
    "cmyk": (rgb.convert("CMYK"), {}),
    "turned": (rgb, {"exif": turned}),
    "progressive": (rgb, {"progressive": True}),
    "half": (rgb, {"subsampling": 1}),
    "quarter": (rgb, {"subsampling": 2}),
}
for name, (image, options) in jpegs.items():
    image.save(HERE / f"{name}.jpg", quality=92, **options)
    (HERE / f"{name}.jpg.rgb").write_bytes(Image.open(HERE / f"{name}.jpg").convert("RGB").tobytes())
