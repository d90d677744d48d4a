"""cases.py: what every case of run_real.py is made of: a command with its surroundings, and data to feed it."""

import os
import random
import shutil
from dataclasses import dataclass, field

MIB = 1 << 20


class NotInstalled(Exception):
    """The program of a case is not on this machine."""


@dataclass
class Run:
    name: str
    command: list
    stdin: str = ""              # path of a file
    folder: str = ""             # to run in
    environment: dict = field(default_factory=dict)
    compares_output: bool = True  # False when it prints times

    def surroundings(self):
        options = {"env": {**os.environ, **self.environment}}
        if self.folder:
            options["cwd"] = self.folder
        if self.stdin:
            options["stdin"] = open(self.stdin, "rb")
        return options


def program(name):
    """Returns: the path of a program, the system's own before others."""
    path = shutil.which(name, path="/usr/bin:/usr/sbin:/bin") or shutil.which(name)
    if not path:
        raise NotInstalled(name)
    return path


def make_data(path, mib):
    """Writes text that compresses about as well as source code does, always the same."""
    chance = random.Random(20)
    words = [bytes(chance.choices(b"abcdefghijklmnopqrstuvwxyz", k=chance.randint(2, 9))) for _ in range(4000)]
    lines = [b" ".join(chance.choices(words, k=chance.randint(4, 14))) for _ in range(20000)]
    with open(path, "wb") as file:
        while file.tell() < mib * MIB:
            file.write(b"\n".join(chance.choices(lines, k=5000)))
    return path
