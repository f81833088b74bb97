"""Embeds drawn pictures with ViT-B/16 on a GPU, once with dgpipe through wgpu and once with PyTorch, and prints images a
second, their ratio, and how far the embeddings are apart.

Usage: gpu.py DGPIPE [FEW] [MANY] [DEVICE], where DGPIPE is a binary built with `--features wgpu`. Both embed FEW and
then MANY pictures; the rate is that of the pictures that MANY has more, so that what is done once (weights, compiled
kernels, choice of the fastest) is not counted. Decoding and resizing are, on all cores, for both. Needs torch,
transformers, pillow and numpy.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from transformers import ViTConfig, ViTModel

DGPIPE = os.path.abspath(sys.argv[1])
FEW, MANY = (int(text) for text in (sys.argv[2:4] if len(sys.argv) > 3 else ("256", "2048")))
DEVICE = sys.argv[4] if len(sys.argv) > 4 else "wgpu"
BATCH = 64
ROUNDS = 3
PIPELINE = """pipeline: gpu
sources:
  few_images: { path: few, kind: image-folder/1 }
  many_images: { path: many, kind: image-folder/1 }
  vit: { path: vit, kind: folder/1 }
stages:
  backbone: { uses: load-vit, inputs: { checkpoint: vit } }
  few: { uses: embed-vit, inputs: { images: few_images, backbone: backbone } }
  many: { uses: embed-vit, inputs: { images: many_images, backbone: backbone } }
"""


def draw(folder):
    """Smooth pictures with noise, as JPEG files of about the size of PACS's."""
    random = np.random.default_rng(1)
    y, x = np.mgrid[0:227, 0:227] / 227
    for number in range(FEW + MANY):
        waves = random.uniform(1, 9, (3, 2)), random.uniform(0, 6, 3)
        picture = np.stack([np.sin(a * x + b * y + c) for (a, b), c in zip(*waves)], axis=2) * 100 + 128
        picture += random.normal(0, 8, picture.shape)
        path = folder / ("few" if number < FEW else "many") / "class" / f"{number:05}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture.clip(0, 255).astype(np.uint8)).save(path, quality=90)


def values(path):
    picture = Image.open(path).convert("RGB").resize((224, 224), Image.Resampling.BILINEAR)
    return (np.asarray(picture, dtype=np.float32) / 255 - 0.5) / 0.5


def with_torch(net, folder, threads):
    files = sorted((folder / "class").iterdir())
    begun = time.perf_counter()
    vectors = []
    with torch.inference_mode():
        # Cores make batches ready while the GPU computes.
        ready = threads.map(values, files)
        for start in range(0, len(files), BATCH):
            batch = np.stack([next(ready) for _ in files[start : start + BATCH]]).transpose(0, 3, 1, 2)
            inputs = torch.from_numpy(np.ascontiguousarray(batch)).pin_memory().to("cuda", non_blocking=True)
            vectors.append(net(inputs).last_hidden_state[:, 0])
        found = torch.cat(vectors).cpu().numpy()
    return time.perf_counter() - begun, found


def with_dgpipe(folder, device, cell):
    command = [DGPIPE, "run", "pipeline.yaml", cell, "--device", device, "--force", cell, "--json"]
    lines = subprocess.run(command, cwd=folder, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    ended = [event for event in map(json.loads, lines) if event["event"] == "cell-finished" and event["cell"] == cell]
    path = subprocess.run([DGPIPE, "path", "pipeline.yaml", cell], cwd=folder, check=True, stdout=subprocess.PIPE, text=True)
    return ended[-1]["seconds"], np.load(Path(path.stdout.strip()) / "embeddings.npy")


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        draw(folder)
        torch.manual_seed(1)
        net = ViTModel(ViTConfig(), add_pooling_layer=False).eval()
        net.save_pretrained(folder / "vit")
        (folder / "dgpipe.toml").touch()
        (folder / "pipeline.yaml").write_text(PIPELINE)
        rates, expected, found = {}, None, None
        for round in range(ROUNDS):
            seconds = {cell: with_dgpipe(folder, DEVICE, cell) for cell in ("few", "many")}
            found = seconds["many"][1]
            rate = (MANY - FEW) / (seconds["many"][0] - seconds["few"][0])
            rates.setdefault("dgpipe", []).append(rate)
            print(f"round {round}: dgpipe {rate:.1f} images/s ({seconds['few'][0]:.2f} s and {seconds['many'][0]:.2f} s)", flush=True)
            if not torch.cuda.is_available():
                continue
            net.cuda()
            with ThreadPoolExecutor(os.cpu_count()) as threads:
                for precision in ("highest", "high"):
                    torch.set_float32_matmul_precision(precision)
                    named = "PyTorch in float32" if precision == "highest" else "PyTorch in TF32"
                    seconds = {cell: with_torch(net, folder / cell, threads) for cell in ("few", "many")}
                    expected = seconds["many"][1] if precision == "highest" else expected
                    rate = (MANY - FEW) / (seconds["many"][0] - seconds["few"][0])
                    rates.setdefault(named, []).append(rate)
                    print(f"round {round}: {named} {rate:.1f} images/s", flush=True)
        for named, values_ in rates.items():
            rate = sorted(values_)[len(values_) // 2]
            own = sorted(rates["dgpipe"])[len(values_) // 2]
            print(f"{named:20} {rate:8.1f} images/s   dgpipe is {own / rate:.2f} times as fast")
        cpu = with_dgpipe(folder, "cpu", "few")[1]
        gpu = with_dgpipe(folder, DEVICE, "few")[1]
        print(f"wgpu against the CPU: {np.abs(cpu - gpu).max() / np.abs(cpu).max():.1e} of the largest value")
        if expected is not None:
            print(f"wgpu against PyTorch in float32: {np.abs(expected - found).max() / np.abs(expected).max():.1e}")


if __name__ == "__main__":
    main()
