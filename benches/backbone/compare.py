"""Asks three programs in turn to embed a folder of images, and prints images a second and their ratios.

Usage: compare.py EMBEDDING IMAGES ROUNDS THREADS, where EMBEDDING is the example of that name. `run` beside it builds it.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import timm
import torch
from PIL import Image
from transformers import ViTConfig, ViTImageProcessorPil, ViTModel

EXAMPLE, IMAGES, ROUNDS, THREADS = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
# Multiplications and additions of ViT-B/16 on one picture: 197 tokens through 12 blocks, and the patches.
GFLOP = 2 * (196 * 768 * 768 + 12 * (197 * (4 * 768 * 768 + 2 * 768 * 3072) + 2 * 197 * 197 * 768)) / 1e9
BATCH = 16
FILES = sorted(IMAGES.iterdir())
torch.set_num_threads(THREADS)


def values(path):
    picture = Image.open(path).convert("RGB").resize((224, 224), Image.Resampling.BILINEAR)
    return torch.from_numpy((np.asarray(picture, dtype=np.float32) / 255 - 0.5) / 0.5).permute(2, 0, 1)


def through(net):
    """All files through a net, batch by batch, as a script does it."""
    begun = time.perf_counter()
    with torch.inference_mode():
        for start in range(0, len(FILES), BATCH):
            net(torch.stack([values(path) for path in FILES[start : start + BATCH]]))
    return time.perf_counter() - begun


def main():
    plain = ViTModel(ViTConfig(), add_pooling_layer=False).eval()
    model = timm.create_model("vit_base_patch16_224", pretrained=False, num_classes=0).eval()
    with tempfile.TemporaryDirectory() as folder:
        plain.save_pretrained(folder)
        ViTImageProcessorPil().save_pretrained(folder)
        environment = os.environ | {"RAYON_NUM_THREADS": str(THREADS)}
        ours = subprocess.Popen([EXAMPLE, folder, IMAGES], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
        peak = float(ours.stdout.readline())

        def ask(_):
            ours.stdin.write("\n")
            ours.stdin.flush()
            return float(ours.stdout.readline())

        programs = {"timm": (through, model), "transformers": (through, plain), "dgpipe": (ask, None)}
        seconds = {name: [] for name in programs}
        for number in range(ROUNDS + 1):
            for name, (program, argument) in programs.items():
                seconds[name].append(program(argument))
                print(f"round {number}: {name} {len(FILES) / seconds[name][-1]:.2f} images/s", file=sys.stderr)
        with open(f"/proc/{ours.pid}/status") as status:
            memory = next(line.split()[1] for line in status if line.startswith("VmHWM"))
        ours.stdin.close()
        ours.wait()
    # The first round warms up.
    rate = {name: len(FILES) / statistics.median(times[1:]) for name, times in seconds.items()}
    for name in programs:
        print(f"{name:14} {rate[name]:6.2f} images/s  {rate[name] * GFLOP:6.0f} GFLOP/s  ratio to timm {rate[name] / rate['timm']:.2f}, to transformers {rate[name] / rate['transformers']:.2f}")
    print(f"peak of {THREADS} cores {THREADS * peak:.0f} GFLOP/s; dgpipe is at {100 * rate['dgpipe'] * GFLOP / THREADS / peak:.0f} %; its highest resident size {int(memory) // 1024} MB")


if __name__ == "__main__":
    main()
