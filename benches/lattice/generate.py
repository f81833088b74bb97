"""Writes the same lattice of commands as a pipeline and as a makefile.

Usage: generate.py CELLS FOLDER. FOLDER gets `dgpipe/pipeline.yaml` and `make/Makefile`.
"""
import os
import sys

WIDTH = 50


def lattice(cells):
    """Name, then the two names it reads; the first layer reads nothing."""
    for number in range(cells):
        layer, place = divmod(number, WIDTH)
        if layer == 0:
            yield f"c{number}", []
        else:
            above = (layer - 1) * WIDTH
            yield f"c{number}", [f"c{above + place}", f"c{above + (place + 1) % WIDTH}"]


def main():
    cells, folder = int(sys.argv[1]), sys.argv[2]
    for tool in ("dgpipe", "make"):
        os.makedirs(os.path.join(folder, tool), exist_ok=True)
    with open(os.path.join(folder, "dgpipe", "dgpipe.toml"), "w"):
        pass
    with open(os.path.join(folder, "dgpipe", "pipeline.yaml"), "w") as pipeline:
        pipeline.write("pipeline: lattice\nstages:\n")
        for name, reads in lattice(cells):
            pipeline.write(f"  {name}:\n    uses: command\n    shell: true\n")
            if reads:
                pipeline.write(f"    inputs: {{ a: {reads[0]}, b: {reads[1]} }}\n")
                pipeline.write("    run: cat ${in.a} ${in.b} | md5sum > ${out.sum}\n")
            else:
                pipeline.write(f"    run: echo {name} | md5sum > ${{out.sum}}\n")
            pipeline.write("    outputs: { sum: { file: sum.txt } }\n")
    with open(os.path.join(folder, "make", "Makefile"), "w") as makefile:
        names = " ".join(f"out/{name}" for name, _ in lattice(cells))
        makefile.write(f"all: {names}\n")
        for name, reads in lattice(cells):
            above = " ".join(f"out/{read}" for read in reads)
            text = f"cat {above} | md5sum > $@" if reads else f"echo {name} | md5sum > $@"
            makefile.write(f"out/{name}: {above}\n\t{text}\n")


main()
