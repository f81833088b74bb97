"""Writes the same lattice of commands as a project of each tool that is asked for.

Usage: generate.py CELLS FOLDER [TOOL...]. FOLDER gets a folder for each tool; without names, for dgpipe and make.
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


def command(name, reads, target):
    """What a cell executes where the tool leaves names of files to the user."""
    above = " ".join(f"out/{read}" for read in reads)
    return f"cat {above} | md5sum > {target}" if reads else f"echo {name} | md5sum > {target}"


def dgpipe(cells):
    pipeline = "pipeline: lattice\nstages:\n"
    for name, reads in cells:
        pipeline += f"  {name}:\n    uses: command\n    shell: true\n"
        if reads:
            pipeline += f"    inputs: {{ a: {reads[0]}, b: {reads[1]} }}\n"
            pipeline += "    run: cat ${in.a} ${in.b} | md5sum > ${out.sum}\n"
        else:
            pipeline += f"    run: echo {name} | md5sum > ${{out.sum}}\n"
        pipeline += "    outputs: { sum: { file: sum.txt } }\n"
    return {"dgpipe.toml": "", "pipeline.yaml": pipeline}


def make(cells):
    makefile = f"all: {' '.join(f'out/{name}' for name, _ in cells)}\n"
    for name, reads in cells:
        above = " ".join(f"out/{read}" for read in reads)
        makefile += f"out/{name}: {above}\n\t{command(name, reads, '$@')}\n"
    return {"Makefile": makefile}


def snakemake(cells):
    snakefile = f"rule all:\n    input: {[f'out/{name}' for name, _ in cells]}\n"
    for name, reads in cells:
        snakefile += f"rule {name}:\n"
        if reads:
            snakefile += f"    input: {[f'out/{read}' for read in reads]}\n"
        snakefile += f"    output: 'out/{name}'\n    shell: '{command(name, reads, '{output}')}'\n"
    return {"Snakefile": snakefile}


def dvc(cells):
    stages = "stages:\n"
    for name, reads in cells:
        stages += f"  {name}:\n    cmd: {command(name, reads, f'out/{name}')}\n"
        if reads:
            stages += f"    deps: [{', '.join(f'out/{read}' for read in reads)}]\n"
        stages += f"    outs: [out/{name}]\n"
    return {"dvc.yaml": stages}


def listed(cells):
    """The cells for tools whose files are Python."""
    return [(name, command(name, reads, f"out/{name}"), reads) for name, reads in cells]


def redun(cells):
    workflow = f"""import subprocess
from redun import File, task
redun_namespace = "lattice"
CELLS = {listed(cells)!r}

@task()
def cell(name: str, command: str, reads: list[File]) -> File:
    subprocess.run(command, shell=True, check=True)
    return File(f"out/{{name}}")

@task()
def main() -> list[File]:
    files = {{}}
    for name, command, reads in CELLS:
        files[name] = cell(name, command, [files[read] for read in reads])
    return list(files.values())
"""
    return {"workflow.py": workflow, ".redun/redun.ini": "[executors.default]\ntype = local\nmax_workers = 2\n"}


def doit(cells):
    dodo = f"""CELLS = {listed(cells)!r}

def task_cell():
    for name, command, reads in CELLS:
        yield {{
            "name": name,
            "actions": [command],
            "file_dep": [f"out/{{read}}" for read in reads],
            "targets": [f"out/{{name}}"],
            "uptodate": [True],
        }}
"""
    return {"dodo.py": dodo}


TOOLS = {tool.__name__: tool for tool in (dgpipe, make, snakemake, dvc, redun, doit)}


def main():
    cells, folder = list(lattice(int(sys.argv[1]))), sys.argv[2]
    for tool in sys.argv[3:] or ("dgpipe", "make"):
        project = os.path.join(folder, tool)
        os.makedirs(os.path.join(project, "out"), exist_ok=True)
        for name, text in TOOLS[tool](cells).items():
            path = os.path.join(project, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w") as file:
                file.write(text)


main()
