"""Makes the folder `layouts`: one small random ViT in every layout in which weights are found, and what Hugging Face's own
processor and `ViTModel` make of the pictures in `../decode`, at the net's size, at a larger and at a smaller one.

Needs torch, transformers 5, safetensors, numpy and pillow 13.
"""

import json
import shutil
from pathlib import Path

import torch
from PIL import Image
from safetensors.torch import load_file
from transformers import ViTConfig, ViTForImageClassification, ViTImageProcessorPil, ViTModel

HERE = Path(__file__).parent
FOLDER = HERE / "layouts"
shutil.rmtree(FOLDER, ignore_errors=True)
torch.manual_seed(5)
sizes = dict(hidden_size=20, num_hidden_layers=2, num_attention_heads=2, intermediate_size=36, image_size=12, patch_size=4)
config = ViTConfig(**sizes, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, num_labels=3)
model = ViTForImageClassification(config).eval()
with torch.no_grad():
    for parameter in model.parameters():
        parameter.add_(torch.randn_like(parameter) * 0.2)
net = ViTModel(config, add_pooling_layer=False).eval()
net.load_state_dict(model.vit.state_dict())
processor = ViTImageProcessorPil(size={"height": 12, "width": 12})


def layout(name):
    """A new folder with all but the weights. Without a processor's file the usual transform is taken."""
    folder = FOLDER / name
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(config.to_json_string())
    return folder


net.save_pretrained(layout("whole"))
processor.save_pretrained(FOLDER / "whole")
model.save_pretrained(layout("part"))
net.save_pretrained(layout("shards"), max_shard_size="6KB")
(FOLDER / "shards" / "model.safetensors").unlink(missing_ok=True)
whole, part = load_file(FOLDER / "whole" / "model.safetensors"), load_file(FOLDER / "part" / "model.safetensors")
torch.save(whole, layout("bin") / "pytorch_model.bin")
torch.save(part, layout("pth") / "checkpoint.pth", _use_new_zipfile_serialization=False)
folder, names = layout("bin_shards"), sorted(whole)
index = {"metadata": {}, "weight_map": {}}
for number in range(2):
    file = f"pytorch_model-{number + 1:05}-of-00002.bin"
    torch.save({name: whole[name] for name in names[number::2]}, folder / file)
    index["weight_map"] |= {name: file for name in names[number::2]}
(folder / "pytorch_model.bin.index.json").write_text(json.dumps(index))

embeddings = {}
for path in sorted((HERE.parent / "decode").glob("*.[pj][np]g")):
    picture = Image.open(path).convert("RGB")
    with torch.no_grad():
        at = {}
        for size in (12, 20, 8):
            sides = {"height": size, "width": size}
            values = processor(picture, return_tensors="pt", size=sides)["pixel_values"]
            at[size] = net(pixel_values=values, interpolate_pos_encoding=size != 12).last_hidden_state[0, 0].tolist()
    embeddings[path.name] = at
(FOLDER / "embeddings.json").write_text(json.dumps(embeddings))
