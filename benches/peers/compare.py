"""Times first runs and no-ops of each tool. Usage: compare.py GENERATE WORK ROUNDS LIMIT SIZE... (see `run` beside it)."""
import os
import shutil
import signal
import subprocess
import sys
import time

REPEATED = 20.0
PREPARE = {"dvc": [["dvc", "init", "--no-scm", "--quiet"], ["dvc", "config", "core.analytics", "false"]]}
COMMANDS = {
    "make": ["make", "-j2", "-s"],
    "dgpipe": [os.environ["DGPIPE"], "run", "pipeline.yaml", "--jobs", "2", "--quiet"],
    "doit": ["doit", "-n", "2", "-v", "0"],
    "snakemake": ["snakemake", "--cores", "2", "--quiet", "all"],
    "redun": ["redun", "run", "workflow.py", "main"],
    "dvc": ["dvc", "repro", "--quiet"],
}


def timed(tool, project, limit):
    """Seconds; nothing where the limit was reached."""
    begun = time.perf_counter()
    with open(f"{project}.said", "w") as said:
        process = subprocess.Popen(COMMANDS[tool], cwd=project, stdout=said, stderr=said, start_new_session=True)
        try:
            status = process.wait(limit)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return None
    if status != 0:
        sys.exit(f"{tool} failed: see {project}.said\n" + open(f"{project}.said").read()[-2000:])
    return time.perf_counter() - begun


def measure(tool, generate, folder, size, limit):
    """Seconds of the first run and of the fastest of three no-ops; how many cells were made if the limit was reached."""
    subprocess.run([sys.executable, generate, str(size), folder, tool], check=True)
    project = os.path.join(folder, tool)
    for command in PREPARE.get(tool, []):
        subprocess.run(command, cwd=project, check=True, stdout=subprocess.DEVNULL)
    os.sync()
    first = timed(tool, project, limit)
    if first is None:
        return None, len(os.listdir(os.path.join(project, "out")))
    again = [timed(tool, project, limit) for _ in range(1 if first > REPEATED else 3)]
    return first, min(again)


def shown(seconds, base):
    digits = 0 if seconds >= 10 else 1 if seconds >= 1 else 3
    ratio = seconds / base
    return f"{seconds:.{digits}f} s ({ratio:.{0 if ratio >= 10 else 1}f})"


def main():
    generate, work, rounds, limit, sizes = *sys.argv[1:3], int(sys.argv[3]), float(sys.argv[4]), map(int, sys.argv[5:])
    tools = [tool for tool, command in COMMANDS.items() if shutil.which(command[0])]
    for tool in COMMANDS.keys() - set(tools):
        print(f"not installed, so not measured: {tool}")
    print("| stages | tool | first run (ratio to make) | no-op (ratio to make) |\n|---:|---|---:|---:|")
    for size in sizes:
        best = {}
        for number in range(rounds):
            for tool in list(tools):
                if tool in best and best[tool][0] > REPEATED:
                    continue
                first, again = measure(tool, generate, os.path.join(work, f"{size}-{number}"), size, limit)
                if first is None:
                    tools.remove(tool)
                    print(f"| {size} | {tool} | not done after {limit:.0f} s: {again} of {size} | – |", flush=True)
                    continue
                known = best.get(tool, (first, again))
                best[tool] = min(first, known[0]), min(again, known[1])
        for tool, (first, again) in sorted(best.items(), key=lambda item: item[1]):
            print(f"| {size} | {tool} | {shown(first, best['make'][0])} | {shown(again, best['make'][1])} |", flush=True)


main()
