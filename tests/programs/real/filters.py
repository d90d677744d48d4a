"""filters.py: compressors with two threads: the same bytes out, and the original bytes back."""

import os
import subprocess

from cases import Run, make_data, program


def compressor(name, pack, unpack, mib):
    def steps(folder):
        tool = program(name)
        data = make_data(os.path.join(folder, "data"), mib)
        yield Run(f"{name} packs {mib} MiB", [tool, *pack], stdin=data)
        packed = os.path.join(folder, "packed")
        with open(data, "rb") as source, open(packed, "wb") as target:
            subprocess.run([tool, *pack], stdin=source, stdout=target, check=True)
        yield Run(f"{name} unpacks", [tool, *unpack], stdin=packed)
    return steps


CASES = {
    "pigz": compressor("pigz", ["-p2", "-n", "-T", "-c"], ["-p2", "-d", "-c"], 24),
    "pbzip2": compressor("pbzip2", ["-p2", "-c"], ["-p2", "-d", "-c"], 20),
    "xz": compressor("xz", ["-T2", "-1", "-c", "--block-size=4MiB"], ["-T2", "-d", "-c"], 24),
    "zstd": compressor("zstd", ["-T2", "-5", "-q", "-c"], ["-d", "-q", "-c"], 48),
}
