"""Makes the folder `tiny` (a small random ViT in Hugging Face's layout), a picture, and its embedding by `ViTModel`.

Needs torch, transformers 5, numpy and pillow.
"""

import json
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from transformers import ViTConfig, ViTModel

HERE = Path(__file__).parent
FOLDER = HERE / "tiny"
FOLDER.mkdir(exist_ok=True)
torch.manual_seed(3)
sizes = dict(hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64, image_size=32, patch_size=8)
config = ViTConfig(**sizes, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
model = ViTModel(config).eval()
with torch.no_grad():
    for parameter in model.parameters():
        parameter.add_(torch.randn_like(parameter) * 0.2)

# Saving translates to the names that files have used since the first release.
model.save_pretrained(FOLDER)
(FOLDER / "config.json").write_text(config.to_json_string())
processor = {"do_normalize": True, "do_resize": True, "image_mean": [0.5] * 3, "image_std": [0.5] * 3, "resample": 2, "size": 32}
(FOLDER / "preprocessor_config.json").write_text(json.dumps(processor, indent=2) + "\n")

generator = np.random.default_rng(4)
rows, columns = np.mgrid[0:40, 0:50]
pixels = np.stack([columns * 5, rows * 6, 255 - columns * 2 - rows * 3], axis=-1) + generator.integers(-20, 20, (40, 50, 3))
Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(HERE / "picture.png")

resized = Image.open(HERE / "picture.png").convert("RGB").resize((32, 32), Image.Resampling.BILINEAR)
values = (torch.from_numpy(np.asarray(resized).copy()).permute(2, 0, 1).float() / 255 - 0.5) / 0.5
with torch.no_grad():
    embedding = model(pixel_values=values[None]).last_hidden_state[0, 0]
    exact = model.double()(pixel_values=values[None].double()).last_hidden_state[0, 0]
print("f32 against f64:", ((embedding - exact).abs().max() / exact.abs().max()).item())
(HERE / "embedding.json").write_text(json.dumps(embedding.tolist()) + "\n")
