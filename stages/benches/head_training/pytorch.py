"""Measures how many optimiser steps a second PyTorch takes at the work of `examples/head_training.rs`.

Usage: python pytorch.py [THREADS]
"""

import json
import sys
import time

import torch
from torch import nn

SAMPLES, EPOCHS, BATCH = 640, 32, 32


class Head(nn.Module):
    def __init__(self, width=768, hidden=(10, 10, 10, 10), classes=7, dropout=0.2):
        super().__init__()
        widths = [width, *hidden]
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in zip(widths, widths[1:]))
        self.bns = nn.ModuleList(nn.BatchNorm1d(width) for width in hidden)
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(widths[-1], classes)

    def forward(self, x):
        for layer, norm in zip(self.layers, self.bns):
            x = self.dropout(torch.relu(norm(layer(x))))
        return self.classifier(x)


def train(vectors, labels):
    torch.manual_seed(1)
    head = Head()
    optimiser = torch.optim.AdamW(head.parameters(), lr=1e-3, weight_decay=0.01)
    loss_of = nn.CrossEntropyLoss()
    start = time.perf_counter()
    for _ in range(EPOCHS):
        order = torch.randperm(SAMPLES)
        total = 0.0
        for batch in order.split(BATCH):
            optimiser.zero_grad()
            loss = loss_of(head(vectors[batch]), labels[batch])
            loss.backward()
            optimiser.step()
            total += loss.item()
    return time.perf_counter() - start


def main():
    threads = int(sys.argv[1]) if len(sys.argv) > 1 else torch.get_num_threads()
    torch.set_num_threads(threads)
    vectors = torch.rand(SAMPLES, 768) * 2 - 1
    labels = torch.arange(SAMPLES) % 7
    steps = EPOCHS * SAMPLES // BATCH
    best = min(train(vectors, labels) for _ in range(7))
    report = {"torch": torch.__version__, "threads": threads, "steps": steps}
    print(json.dumps(report | {"seconds": round(best, 4), "steps_per_second": round(steps / best)}))


if __name__ == "__main__":
    main()
