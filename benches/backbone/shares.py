"""Says where the time of `embed-vit` goes: samples the example `embedding` with `perf` and adds up samples by what the code is for.

Usage: shares.py EMBEDDING IMAGES ROUNDS, where EMBEDDING is the example of that name, built with line tables, and IMAGES a folder
of JPEG and PNG files. The net is a random ViT-B/16. Needs perf, binutils, torch and transformers.
"""

import collections
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from transformers import ViTConfig, ViTImageProcessorPil, ViTModel

EMBEDDING, IMAGES, ROUNDS = str(Path(sys.argv[1]).resolve()), str(Path(sys.argv[2]).resolve()), int(sys.argv[3])
NORMALISE = Path(__file__).parents[2] / "stages/src/nets/vit/packed/normalise.rs"
SOFTMAX_BEGINS = next(n for n, line in enumerate(NORMALISE.read_text().splitlines()) if "struct Softmax" in line)

OTHER = "all else"


def purpose(frames, symbol):
    """What an instruction is for: by the functions that it was inlined from, the innermost first, and the symbol that it is in."""
    files = [(path, line) for _, path, line in frames]
    functions = [name for name, _, _ in frames]

    def within(part):
        return any(part in path for path, _ in files)

    if any(re.search(r"\b(gelu|erf)\b", name) for name in functions):
        return "GELU"
    # What goes before: the peak is measured, and weights are read and checked.
    if within("examples/embedding.rs") and not within("/packed/") or within("weight_file/") or re.search("weight_file|blake3", symbol):
        return None
    for path, line in files:
        if path.endswith("packed/normalise.rs"):
            return "softmax" if line > SOFTMAX_BEGINS else "layer norms"
    if within("packed/product.rs") or within("packed/tile.rs"):
        inner = any(re.search(r"\baccumulate\b", name) for name in functions)
        return "products: multiplying and adding" if inner else "products: starting and storing tiles"
    if within("packed/panels.rs"):
        return "packing keys and values into panels"
    if within("packed/"):
        return "copying between planes"
    if within("images/resize.rs"):
        return "resizing"
    if within("images/transform.rs"):
        return "normalising pixels"
    decoders = ("mozjpeg", "/png-", "fdeflate", "miniz", "images/decode", "crc32fast", "adler")
    if any(within(part) for part in decoders) or re.search(r"jsimd|jpeg|decode_mcu|idct|h2v|ycc|huff|fdeflate|^png::", symbol):
        return "decoding"
    if any(re.match(r"j[cd][a-z0-9]+\.c$", path) for path, _ in files):
        return "decoding"
    return OTHER


def sampled(folder):
    """The addresses in the program, as its file has them, each with its number of samples; and samples elsewhere."""
    lines = subprocess.run(["perf", "script", "-i", folder / "perf.data", "--show-mmap-events", "-F", "comm,tid,time,event,ip,sym,dso"], capture_output=True, text=True, check=True).stdout
    segments = [tuple(int(field, 16) for field in (row[1], row[2], row[4])) for row in (line.split() for line in subprocess.run(["readelf", "-lW", EMBEDDING], capture_output=True, text=True, check=True).stdout.splitlines()) if row and row[0] == "LOAD"]
    maps, inside, elsewhere = [], collections.Counter(), collections.Counter()
    for line in lines.splitlines():
        if found := re.search(r"PERF_RECORD_MMAP2? .*\[0x([0-9a-f]+)\(0x([0-9a-f]+)\) @ (0x[0-9a-f]+|0) .*\]: \S+ (\S+)", line):
            if found[4] == EMBEDDING:
                maps.append((int(found[1], 16), int(found[2], 16), int(found[3], 16)))
        elif found := re.search(r":\s+([0-9a-f]+) (.+) \(([^()]*)\)$", line):
            address, symbol = int(found[1], 16), found[2]
            if found[3] != EMBEDDING:
                elsewhere[symbol] += 1
                continue
            start, _, offset = next(place for place in maps if place[0] <= address < place[0] + place[1])
            in_file = address - start + offset
            begin, virtual, _ = next(segment for segment in segments if segment[0] <= in_file < segment[0] + segment[2])
            inside[in_file - begin + virtual, symbol] += 1
    return inside, elsewhere


def frames_of(addresses):
    """For each address the functions that it was inlined from, the innermost first: name, file, line."""
    text = "\n".join(hex(address) for address in addresses)
    told = subprocess.run(["addr2line", "-a", "-i", "-f", "-C", "-e", EMBEDDING], input=text, capture_output=True, text=True, check=True).stdout
    found, lines = [], told.splitlines()
    index = 0
    while index < len(lines):
        if lines[index].startswith("0x") and re.fullmatch(r"0x[0-9a-f]+", lines[index]):
            found.append([])
            index += 1
            continue
        path, _, number = lines[index + 1].partition(" (")[0].rpartition(":")
        found[-1].append((lines[index], path, int(number) if number.isdigit() else 0))
        index += 2
    return found


def main():
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        ViTModel(ViTConfig(), add_pooling_layer=False).save_pretrained(folder / "net")
        ViTImageProcessorPil().save_pretrained(folder / "net")
        record = ["perf", "record", "-q", "-e", "cpu-clock", "-F", "997", "-o", folder / "perf.data", "--", EMBEDDING, folder / "net", IMAGES]
        subprocess.run(record, input="\n" * ROUNDS, text=True, check=True, env=os.environ, stdout=subprocess.DEVNULL)
        inside, elsewhere = sampled(folder)
        places = list(inside)
        shares = collections.Counter()
        for (address, symbol), frames in zip(places, frames_of([address for address, _ in places])):
            shares[purpose(frames, symbol)] += inside[address, symbol]
        shares[OTHER] += sum(elsewhere.values())
        del shares[None]
        total = sum(shares.values())
        print(f"{total} samples, {len(list(Path(IMAGES).iterdir()))} pictures, {ROUNDS} rounds\n\n| What | Share |\n|---|---:|")
        for what, count in shares.most_common():
            print(f"| {what} | {100 * count / total:.1f} % |")


if __name__ == "__main__":
    main()
