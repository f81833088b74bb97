"""Writes large pipelines of native toy cells.

Usage: generate.py KIND COUNT FOLDER.

  axes    COUNT cells by two axes: half of them read one of the other half, rows of 100 are gathered
  stages  COUNT stages that are written out, in layers of 50, each reading two of the layer above
  images  a folder of COUNT small files, and one command that reads it
"""
import os
import sys

def axes(count):
    # No two cells have equal work, which would be shared.
    half = count // 2
    rows = max(half // 100, 1)
    columns = half // rows
    return f"""pipeline: scale
params:
  rows: {list(range(rows))}
  columns: {list(range(1, columns + 1))}
stages:
  one:
    for: {{ row: "${{rows}}", column: "${{columns}}" }}
    uses: constant
    config: {{ value: "${{column}}", factor: "${{row}}" }}
  two:
    for: {{ row: "${{rows}}", column: "${{columns}}" }}
    uses: add
    inputs: {{ terms: "one[row=${{row}}, column=${{column}}]" }}
    config: {{ plus: "${{column}}" }}
  sum:
    for: {{ row: "${{rows}}" }}
    uses: add
    inputs: {{ terms: "two[row=${{row}}]" }}
  all: {{ uses: add, inputs: {{ terms: "sum[*]" }} }}
publish: {{ "results/${{row}}.txt": sum, results/all.txt: all }}
"""


def stages(count, width=50):
    lines = ["pipeline: scale", "stages:"]
    for number in range(count):
        layer, place = divmod(number, width)
        if layer == 0:
            lines += [f"  c{number}:", "    uses: constant", f"    config: {{ value: {number}, factor: 1.0 }}"]
        else:
            above = (layer - 1) * width
            one, two = f"c{above + place}", f"c{above + (place + 1) % width}"
            lines += [f"  c{number}:", f"    about: Adds up two of the layer above, {one} and {two}.", "    uses: add"]
            # Kept small, so that sums do not outgrow whole numbers.
            lines += [f"    inputs: {{ terms: {one}, extra: {two} }}" if layer % 40 else f"    inputs: {{ terms: [{one}] }}"]
            lines += [f"    config: {{ plus: {number} }}"]
    return "\n".join(lines) + "\n"


def images(count, folder):
    for number in range(count):
        path = os.path.join(folder, "images", f"domain_{number % 4}", f"class_{number % 7}")
        os.makedirs(path, exist_ok=True)
        with open(os.path.join(path, f"{number:05}.jpg"), "wb") as image:
            image.write(number.to_bytes(4, "little") * 2500)
    return """pipeline: scale
sources: { images: { path: images, kind: folder/1 } }
stages:
  count:
    uses: command
    shell: true
    run: find ${in.images}/ -type f | wc -l > ${out.count}
    inputs: { images: images }
    outputs: { count: { file: count.txt } }
publish: { results/count.txt: count }
"""


def main():
    kind, count, folder = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    os.makedirs(folder, exist_ok=True)
    text = images(count, folder) if kind == "images" else {"axes": axes, "stages": stages}[kind](count)
    with open(os.path.join(folder, "dgpipe.toml"), "w"):
        pass
    with open(os.path.join(folder, "pipeline.yaml"), "w") as pipeline:
        pipeline.write(text)


main()
