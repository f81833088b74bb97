"""Makes the pictures beside it: a source and its resizes by Pillow's BILINEAR. Needs numpy and pillow 13."""

from pathlib import Path

import numpy as np
from PIL import Image

HERE = Path(__file__).parent
generator = np.random.default_rng(1)
rows, columns = np.mgrid[0:45, 0:64]
waves = [127 + 120 * np.sin(columns / (3 + c) + rows / (7 - c)) for c in range(3)]
pixels = np.stack(waves, axis=-1) + generator.normal(0, 25, (45, 64, 3))
source = Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
source.save(HERE / "source.png")
for size in [(24, 24), (48, 48), (61, 45), (64, 17), (13, 90), (1, 1), (80, 20), (61, 38), (61, 39)]:
    source.resize(size, Image.Resampling.BILINEAR).save(HERE / f"to_{size[0]}x{size[1]}.png")
