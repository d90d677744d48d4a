"""servers.py: throughput and memory of memcached and redis-server on loopback, bare and under lockhound.

Server and load share the machine's cores; that is the same for both sides.
"""

import os
import socket
import subprocess
import time

from measure import compile_c, in_turn, median, number, peak_kib_of, stop, table

LOAD_MS = 1500
REDIS_REQUESTS = 60000


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until_open(port, child):
    for _ in range(1000):
        if child.poll() is not None:
            raise RuntimeError(f"the server ended with status {child.returncode}")
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.02)
    raise RuntimeError("the server does not listen")


def serve(tool, words, port, load):
    """Returns (requests per second, peak KiB of the server) of one run of `load` against a fresh server."""
    child = subprocess.Popen(tool.command(words), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
    try:
        wait_until_open(port, child)
        per_second = load(port)
        return per_second, peak_kib_of(child.pid)
    finally:
        stop(child)


def memcached(tool, scratch):
    port = free_port()
    words = ["memcached", "-u", "nobody", "-l", "127.0.0.1", "-p", str(port), "-U", "0", "-t", "2"]

    def load(port):
        words = [os.path.join(scratch, "memcached_load"), str(port), "16", str(LOAD_MS)]
        return float(subprocess.run(words, check=True, capture_output=True).stdout)
    return serve(tool, words, port, load)


def redis(tool, _scratch, options=()):
    port = free_port()
    words = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
             "--daemonize", "no", *options]

    def load(port):
        words = ["redis-benchmark", "-p", str(port), "-c", "20", "-n", str(REDIS_REQUESTS), "-t", "set,get", "--csv"]
        lines = subprocess.run(words, check=True, capture_output=True, text=True).stdout.splitlines()
        rates = [float(line.split(",")[1].strip('"')) for line in lines if line.startswith(('"SET"', '"GET"'))]
        return sum(rates) / len(rates)
    return serve(tool, words, port, load)


def redis_with_threads(tool, scratch):
    return redis(tool, scratch, ("--io-threads", "2", "--io-threads-do-reads", "yes"))


def measure(context):
    compile_c("memcached_load.c", os.path.join(context.scratch, "memcached_load"))
    rows = []
    for title, server in {"memcached -t 2": memcached, "redis-server": redis,
                          "redis-server, 2 io-threads": redis_with_threads}.items():
        print(f"  {title}", flush=True)
        # Preloaded without the command, so that the process we started is the server itself.
        runs = in_turn(context.rounds, [context.tools[0], context.preload, context.preload_woven],
                       lambda tool: server(tool, context.scratch))
        rate = {name: median([per_second for per_second, _ in values]) for name, values in runs.items()}
        peak = {name: median([kib for _, kib in values]) / 1024 for name, values in runs.items()}
        row = [title, number(rate["native"])]
        for name in ("preload", "preload_woven"):
            row += [number(rate[name]), number(rate[name] / rate["native"])] if name in rate else ["–", "–"]
        rows.append(row + [number(peak[name]) if name in peak else "–" for name in ("native", "preload", "preload_woven")])
    return {"servers": table(["requests a second", "native", "locks alone", "ratio", "with races", "ratio", "native, MiB",
                              "locks, MiB", "races, MiB"], rows)}
