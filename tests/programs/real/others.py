"""others.py: benchmarks and stressors of threads, git, apt-cache, and Python's ways to be concurrent."""

import os
import subprocess
from dataclasses import dataclass

import launch
from cases import Run, program

PYTHON_FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "python")


def sysbench(test, *options):
    def steps(_folder):
        yield Run(f"sysbench {test}", [program("sysbench"), test, *options, "run"], compares_output=False)
    return steps


@dataclass
class Images:
    """Has the images of a program woven, for what has little time afterwards; how the command ends does not matter."""
    command: list

    def compare(self, tool, _undefended):
        launch.checked(tool, self.command)
        return []


def stressor(name):
    """With its time up in the first creation of a thread, stress-ng --pthread returns from the function whose frame that thread uses,
    and crashes: weaving is done before."""
    def steps(folder):
        stress_ng = program("stress-ng")
        yield Images([stress_ng, "--mutex", "1", "--mutex-ops", "10000", "--temp-path", folder])
        yield Run(f"stress-ng --{name}",
                  [stress_ng, f"--{name}", "2", "--timeout", "3", "--verify", "--temp-path", folder],
                  compares_output=False)
    return steps


def make_repository(folder):
    """A repository with some hundred commits, made in one stream, always the same."""
    git = program("git")
    repository = os.path.join(folder, "repository")
    subprocess.run([git, "init", "-q", "-b", "main", repository], check=True)
    stream = []
    for number in range(300):
        text = "\n".join(f"line {line} of change {number * line % 97}" for line in range(200))
        stream.append(f"commit refs/heads/main\ncommitter A <a@example.org> {1700000000 + number} +0000\n"
                      f"data <<END\nchange {number}\nEND\nM 644 inline file{number % 40}\ndata {len(text)}\n{text}\n")
    subprocess.run([git, "-C", repository, "fast-import", "--quiet"], input="".join(stream).encode(), check=True)
    return git, repository


def git_log(folder):
    git, repository = make_repository(folder)
    yield Run("git log -p", [git, "log", "-p", "--stat"], folder=repository)
    yield Run("git grep", [git, "grep", "--threads=4", "-c", "change 9", "HEAD"], folder=repository)


def git_repack(folder):
    git, repository = make_repository(folder)
    yield Run("git repack", [git, "-c", "pack.threads=4", "repack", "-a", "-d", "-f", "-q"], folder=repository)
    yield Run("git index-pack", [git, "-c", "pack.threads=4", "fsck", "--full", "--no-progress"], folder=repository)


def apt_cache(_folder):
    yield Run("apt-cache stats", [program("apt-cache"), "stats"])
    yield Run("apt-cache show", [program("apt-cache"), "show", "--no-all-versions", "libc6"])


def python_program(name):
    def steps(_folder):
        yield Run(f"python3 {name}.py", [program("python3"), "-B", os.path.join(PYTHON_FOLDER, f"{name}.py")])
    return steps


CASES = {
    "sysbench_threads": sysbench("threads", "--threads=4", "--thread-locks=4", "--events=3000", "--time=10"),
    "sysbench_mutex": sysbench("mutex", "--threads=4", "--mutex-num=256", "--mutex-locks=20000", "--mutex-loops=200"),
    "stress_pthread": stressor("pthread"),
    "stress_mutex": stressor("mutex"),
    "stress_sem": stressor("sem"),
    "stress_futex": stressor("futex"),
    "stress_fork": stressor("fork"),
    "stress_signal": stressor("signal"),
    "git_log": git_log,
    "git_repack": git_repack,
    "apt_cache": apt_cache,
    "python_threads": python_program("threads"),
    "python_queues": python_program("queues"),
    "python_futures": python_program("futures"),
    "python_processes": python_program("processes"),
}
