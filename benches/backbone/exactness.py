"""Compares embeddings by `dgpipe` with those by transformers, over pictures of all kinds and nets in all layouts.

Usage: exactness.py DGPIPE, where DGPIPE is the binary. Prints the table of `docs/backbone.md`.

Pictures and weights are made here, with fixed seeds; nothing is downloaded. Needs torch, transformers 5, safetensors, numpy and
pillow 13.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file
from transformers import ViTConfig, ViTForImageClassification, ViTImageProcessorPil, ViTModel

DGPIPE = str(Path(sys.argv[1]).resolve())
SIZES = [(640, 480), (150, 211), (227, 227), (500, 375), (333, 1024), (224, 224), (2048, 1365), (299, 151), (96, 1400)]
ORIENTATION = 0x0112


def photograph(generator, width, height):
    """Something with edges, gradients and grain: smooth noise at three scales, and a few discs."""
    picture = np.zeros((height, width, 3))
    for cells in (3, 12, 48):
        coarse = generator.integers(0, 256, (cells, cells, 3)).astype(np.uint8)
        picture += np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC), dtype=float)
    picture = picture / 3 + generator.normal(0, 6, (height, width, 1))
    rows, columns = np.mgrid[0:height, 0:width]
    for _ in range(5):
        x, y, radius = generator.integers(0, width), generator.integers(0, height), generator.integers(8, 120)
        picture[(columns - x) ** 2 + (rows - y) ** 2 < radius**2] = generator.integers(0, 256, 3)
    return Image.fromarray(picture.clip(0, 255).astype(np.uint8))


def turned(orientation):
    tags = Image.Exif()
    tags[ORIENTATION] = orientation
    return tags


def kinds(picture, generator):
    """Every way in which the picture is written: a name, and how to save it."""
    grey = picture.convert("L")
    deep = Image.fromarray(np.asarray(grey, dtype=np.uint16) * 257)
    # Most values below 256, so that not all is white.
    dark = Image.fromarray((np.asarray(grey, dtype=np.uint16) * 5 // 4))
    alpha = Image.fromarray(generator.integers(0, 256, (picture.height, picture.width)).astype(np.uint8))
    see_through = picture.copy()
    see_through.putalpha(alpha)
    palette = picture.quantize(64)
    for subsampling, chroma in ((0, 444), (1, 422), (2, 420)):
        for progressive in (False, True):
            name = f"{'progressive' if progressive else 'baseline'}_{chroma}.jpg"
            yield name, picture, dict(quality=88, subsampling=subsampling, progressive=progressive)
    yield "grey.jpg", grey, dict(quality=80)
    yield "cmyk.jpg", picture.convert("CMYK"), dict(quality=90)
    yield "turned.jpg", picture, dict(quality=90, exif=turned(6))
    yield "rgb.png", picture, {}
    yield "grey.png", grey, {}
    yield "alpha.png", see_through, {}
    yield "grey_alpha.png", see_through.convert("LA"), {}
    yield "palette.png", palette, {}
    yield "palette_hole.png", palette, dict(transparency=3)
    yield "one_bit.png", picture.convert("1"), {}
    yield "grey_hole.png", grey, dict(transparency=128)
    yield "deep.png", deep, {}
    yield "deep_dark.png", dark, {}
    yield "turned.png", picture, dict(exif=turned(8))


def make_pictures(folder):
    generator = np.random.default_rng(11)
    folder.mkdir(parents=True)
    for number, (width, height) in enumerate(SIZES):
        picture = photograph(generator, width, height)
        for name, image, options in kinds(picture, generator):
            image.save(folder / f"{number}_{name}", **options)


def make_net(seed, **sizes):
    """A random net whose numbers are spread as those of a trained one are, or wider."""
    torch.manual_seed(seed)
    config = ViTConfig(**sizes, num_labels=7, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
    model = ViTForImageClassification(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.02)
    net = ViTModel(config, add_pooling_layer=False).eval()
    net.load_state_dict(model.vit.state_dict())
    return config, model, net


def save(layout, folder, config, model, net):
    """Leaves the net as one finds it: whole, with the classifier's prefix in a pickle, in shards, or as a bare checkpoint."""
    side = config.image_size
    ViTImageProcessorPil(size={"height": side, "width": side}).save_pretrained(folder)
    if layout == "safetensors":
        net.save_pretrained(folder)
        return
    if layout == "shards":
        net.save_pretrained(folder, max_shard_size="4MB")
        assert len(list(folder.glob("model-*.safetensors"))) > 1
        return
    model.save_pretrained(folder)
    tensors = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    if layout == "bin with prefix":
        assert all(name.startswith(("vit.", "classifier.")) for name in tensors)
        torch.save(tensors, folder / "pytorch_model.bin")
    else:
        torch.save(tensors, folder / "weights.pth", _use_new_zipfile_serialization=False)


PIPELINE = """
pipeline: exactness
sources:
  images: { path: images, kind: image-folder/1 }
  checkpoint: { path: checkpoint, kind: folder/1 }
stages:
  backbone: { uses: load-vit, inputs: { checkpoint: checkpoint } }
  embeddings: { uses: embed-vit, inputs: { images: images, backbone: backbone } }
publish: { results: embeddings }
"""


def by_dgpipe(project, pictures, checkpoint):
    project.mkdir()
    (project / "dgpipe.toml").write_text("")
    (project / "exactness.yaml").write_text(PIPELINE)
    (project / "images").mkdir()
    os.symlink(pictures, project / "images" / "one")
    os.symlink(checkpoint, project / "checkpoint")
    subprocess.run([DGPIPE, "run", "exactness.yaml", "--quiet"], cwd=project, check=True)
    names = json.loads((project / "results" / "items.json").read_text())["ids"]
    return dict(zip(names, np.load(project / "results" / "embeddings.npy")))


def by_transformers(net, processor, pictures):
    found = {}
    for path in sorted(pictures.iterdir()):
        values = processor(Image.open(path).convert("RGB"), return_tensors="pt")["pixel_values"]
        with torch.inference_mode():
            found[f"one/{path.name}"] = net(pixel_values=values).last_hidden_state[0, 0].numpy()
    return found


NETS = [
    ("768 wide, 12 blocks; one `.safetensors`", "safetensors", dict()),
    ("192 wide, 4 blocks; `.bin` with prefix", "bin with prefix", dict(hidden_size=192, num_hidden_layers=4, num_attention_heads=3, intermediate_size=768)),
    ("384 wide, 3 blocks; shards", "shards", dict(hidden_size=384, num_hidden_layers=3, num_attention_heads=6, intermediate_size=1536)),
    ("100 wide, 5 blocks, patches of 14; `.pth`", "pth", dict(hidden_size=100, num_hidden_layers=5, num_attention_heads=5, intermediate_size=260, patch_size=14)),
]


def main():
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        make_pictures(folder / "pictures")
        count = len(list((folder / "pictures").iterdir()))
        versions = f"transformers {__import__('transformers').__version__}, PyTorch {torch.__version__.split('+')[0]}, Pillow {Image.__version__}"
        print(f"{count} pictures; {versions}\n")
        print("| Net | of the largest value | L2 norm | worst picture |\n|---|---:|---:|---|")
        for number, (what, layout, sizes) in enumerate(NETS):
            config, model, net = make_net(number, **sizes)
            checkpoint = folder / f"net_{number}"
            checkpoint.mkdir()
            save(layout, checkpoint, config, model, net)
            ours = by_dgpipe(folder / f"project_{number}", folder / "pictures", checkpoint)
            theirs = by_transformers(net, ViTImageProcessorPil.from_pretrained(checkpoint), folder / "pictures")
            assert ours.keys() == theirs.keys() and len(ours) == count
            largest = {name: np.abs(ours[name] - theirs[name]).max() / np.abs(theirs[name]).max() for name in ours}
            norms = {name: np.linalg.norm(ours[name] - theirs[name]) / np.linalg.norm(theirs[name]) for name in ours}
            worst = max(largest, key=largest.get)
            print(f"| {what} | {largest[worst]:.1e} | {max(norms.values()):.1e} | {worst.removeprefix('one/')} |", flush=True)
            shutil.rmtree(folder / f"project_{number}", ignore_errors=True)


if __name__ == "__main__":
    main()
