"""Makes `parity/`: what PyTorch gives for the trainings that `src/training/parity.rs` repeats.

    python make_parity.py inputs PATH/TO/digits.csv.gz   # digits and initial heads
    cargo test -p dgpipe --lib write_the_orders -- --ignored   # the order in which this program takes the samples
    python make_parity.py train                          # PyTorch's weights after training in that order

Needs torch, numpy, safetensors and blake3. The digits are the first 193 of "Optical recognition of handwritten digits"
(E. Alpaydin and C. Kaynak, UCI Machine Learning Repository, 1998, doi 10.24432/C50P49, CC BY 4.0), scaled to [-1, 1] and projected at
random from 64 to 40 numbers: a pixel that is always white would be a second bias, whose gradient before a normalisation is
rounding noise. 193 = 6 * 32 + 1, so the last sample joins the batch before it.
"""

import csv
import gzip
import json
import sys
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn

ROOT = Path(__file__).parent / "parity"
DIGITS, WIDTH, HIDDEN, CLASSES = 193, 40, [10, 10], 10
SINGLE_CLASS = 3
MASKED = ("layers", "classifier")


class Head(nn.Module):
    def __init__(self, batch_norm):
        super().__init__()
        widths = [WIDTH, *HIDDEN]
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in zip(widths, widths[1:]))
        if batch_norm:
            self.bns = nn.ModuleList(nn.BatchNorm1d(width) for width in HIDDEN)
        self.classifier = nn.Linear(HIDDEN[-1], CLASSES)
        self.batch_norm = batch_norm

    def forward(self, x):
        for index, layer in enumerate(self.layers):
            x = layer(x)
            if self.batch_norm:
                x = self.bns[index](x)
            x = torch.relu(x)
        return self.classifier(x)


def inputs(source):
    from blake3 import blake3

    torch.manual_seed(7)
    with gzip.open(source, "rt") as file:
        rows = np.array(list(csv.reader(file))[:DIGITS], dtype=np.int64)
    folder = ROOT / "digits"
    folder.mkdir(parents=True, exist_ok=True)
    projection = torch.randn(64, WIDTH, dtype=torch.float64).numpy() / 8
    np.save(folder / "embeddings.npy", ((rows[:, :64] / 8 - 1) @ projection).astype(np.float32))
    np.save(folder / "labels.npy", rows[:, 64])
    items = {
        "classes": [str(digit) for digit in range(CLASSES)],
        "ids": [f"{row[64]}/{index:03}" for index, row in enumerate(rows)],
        "digests": [blake3(row.tobytes()).hexdigest() for row in rows],
    }
    (folder / "items.json").write_text(json.dumps(items) + "\n")
    for name, batch_norm in [("plain", False), ("norm", True)]:
        folder = ROOT / f"initial_{name}"
        folder.mkdir(exist_ok=True)
        for tensor, value in Head(batch_norm).state_dict().items():
            np.save(folder / f"{tensor}.npy", value.numpy())
        architecture = {"kind": "head", "input": WIDTH, "hidden": HIDDEN, "classes": items["classes"]}
        architecture |= {"batch_norm": batch_norm, "dropout": 0.0}
        (folder / "architecture.json").write_text(json.dumps(architecture) + "\n")
    folder = ROOT / "mask"
    folder.mkdir(exist_ok=True)
    for tensor, value in Head(False).state_dict().items():
        np.save(folder / f"{tensor}_binary.npy", (torch.rand(value.shape) < 0.4).numpy())


def batches(order, size):
    parts = [order[start : start + size] for start in range(0, len(order), size)]
    if len(parts) > 1 and len(parts[-1]) == 1:
        parts[-2:] = [np.concatenate(parts[-2:])]
    return parts


def train(name, batch_norm, batch_size, freeze_epoch, mode):
    vectors = torch.from_numpy(np.load(ROOT / "digits/embeddings.npy"))
    labels = torch.from_numpy(np.load(ROOT / "digits/labels.npy"))
    head = Head(batch_norm)
    initial = ROOT / ("initial_norm" if batch_norm else "initial_plain")
    head.load_state_dict({key: torch.from_numpy(np.load(initial / f"{key}.npy")) for key in head.state_dict()})
    masks = {}
    if mode:
        masks = {
            key: torch.from_numpy(np.load(ROOT / f"mask/{key}_binary.npy")).float()
            for key, _ in head.named_parameters()
            if key.startswith(MASKED)
        }
    optimiser = torch.optim.AdamW(head.parameters(), lr=1e-3, weight_decay=0.01)
    head.train()
    for epoch, order in enumerate(np.load(ROOT / f"{name}_order.npy")):
        scale = max(0.0, 1.0 - epoch / freeze_epoch)
        gates = {key: mask + (1 - mask) * scale for key, mask in masks.items()}
        for batch in batches(order, batch_size):
            optimiser.zero_grad()
            nn.functional.cross_entropy(head(vectors[batch]), labels[batch]).backward()
            parameters = dict(head.named_parameters())
            if mode == "gradient":
                for key, gate in gates.items():
                    parameters[key].grad.mul_(gate)
            before = {key: value.detach().clone() for key, value in parameters.items()}
            optimiser.step()
            if mode == "update":
                with torch.no_grad():
                    for key, gate in gates.items():
                        parameters[key].copy_(before[key] - gate * (before[key] - parameters[key]))
    save_file(head.state_dict(), ROOT / f"{name}_final.safetensors")


def main():
    if sys.argv[1] == "inputs":
        inputs(sys.argv[2])
        return
    for head, batch_norm in [("plain", False), ("norm", True)]:
        train(f"single_{head}", batch_norm, 10, 7, None)
        train(f"lodo_none_{head}", batch_norm, 32, 3, None)
        train(f"lodo_update_{head}", batch_norm, 32, 3, "update")
        train(f"lodo_gradient_{head}", batch_norm, 32, 3, "gradient")


if __name__ == "__main__":
    main()
