"""servers.py: memcached and redis-server on the loopback interface, under a bounded load, then asked to end."""

import os
import signal
import socket
import subprocess
import tempfile
import threading
import time
import zlib
from dataclasses import dataclass
from typing import Callable

import launch
from cases import program

START_LIMIT_S = 15
END_LIMIT_S = 15
CLIENTS = 8
REQUESTS = 300


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def connect(port, process):
    end = time.monotonic() + START_LIMIT_S
    while time.monotonic() < end and process.poll() is None:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=10)
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"no answer on port {port}")


@dataclass
class Server:
    """Starts a server, lets `load` talk to it and `stop` end it, natively and under lockhound."""
    name: str
    command: Callable  # port, folder -> arguments
    load: Callable     # port -> what the answers amount to
    stop: Callable     # process id of the server, port

    def run_once(self, prefix, folder):
        port = free_port()
        errors = open(os.path.join(folder, "stderr"), "w+b")
        process = subprocess.Popen([*prefix, *self.command(port, folder)], stdin=subprocess.DEVNULL, cwd=folder,
                                   stdout=subprocess.DEVNULL, stderr=errors, start_new_session=True)
        begin = time.monotonic()
        try:
            connect(port, process).close()
            answers = self.load(port)
            elapsed = time.monotonic() - begin
            self.stop(process.pid, port)
            status = process.wait(END_LIMIT_S)
        except (OSError, RuntimeError, subprocess.SubprocessError) as error:
            answers, elapsed, status = f"{type(error).__name__}: {error}", 0, None
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            errors.seek(0)
            text = errors.read().decode("utf-8", "replace")
            errors.close()
        return answers, status, elapsed, text

    def compare(self, tool, undefended):
        with tempfile.TemporaryDirectory(prefix="lockhound-server-") as folder:
            plain, plain_status, plain_s, text = self.run_once([], folder)
        if plain_status is None:
            return [f"{self.name}: natively {plain}; {text}"]
        with tempfile.TemporaryDirectory(prefix="lockhound-server-") as folder:
            document = os.path.join(folder, "report.json")
            under, under_status, under_s, text = self.run_once([tool, "--quiet", "--error-exitcode=0", "--json", document, "--"], folder)
            findings = read_findings(document)
        print(f"{self.name}: {plain_s:.2f} s natively, {under_s:.2f} s under lockhound, {len(findings or [])} findings")
        complaints = [launch.describe(finding) for finding in undefended(findings or [])]
        if findings is None:
            complaints.append("no report")
        if (plain, plain_status) != (under, under_status):
            complaints.append(f"natively {plain}, status {plain_status}; lockhound {under}, status {under_status}; {text}")
        return [f"{self.name}: {complaint}" for complaint in complaints]


def read_findings(document):
    try:
        with open(document, encoding="utf-8") as file:
            return launch.json.load(file).get("findings", [])
    except (OSError, ValueError):
        return None


# ---- memcached -------------------------------------------------------------------------------------------------------

def memcached_client(port, self, sums):
    total = 0
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        stream = connection.makefile("rwb")
        for number in range(REQUESTS):
            value = f"value {self} {number} ".encode() * (number % 40 + 1)
            stream.write(b"set key%d-%d 0 0 %d\r\n%s\r\nget key%d-%d\r\nincr shared 1\r\n"
                         % (self, number, len(value), value, self, number))
            stream.flush()
            lines = [stream.readline()]
            header = stream.readline()
            lines += [header, stream.read(int(header.split()[3]) + 2), stream.readline()]
            stream.readline()  # the shared counter: differs with the order of the clients
            total = zlib.crc32(b"".join(lines), total)
    sums[self] = total


def memcached_load(port):
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        stream = connection.makefile("rwb")
        stream.write(b"set shared 0 0 1\r\n0\r\n")
        stream.flush()
        first = stream.readline()
        sums = [None] * CLIENTS
        threads = [threading.Thread(target=memcached_client, args=(port, self, sums)) for self in range(CLIENTS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        stream.write(b"get shared\r\n")
        stream.flush()
        return first, sums, [stream.readline() for _ in range(3)]


def memcached_command(port, _folder):
    return [program("memcached"), "-l", "127.0.0.1", "-p", str(port), "-U", "0", "-t", "4", "-m", "64", "-u", "nobody"]


def terminate(pid, _port):
    """To the server itself: under lockhound the process started first may be its parent."""
    children = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True).stdout.split()
    for target in children or [pid]:
        os.kill(int(target), signal.SIGTERM)


# ---- redis -----------------------------------------------------------------------------------------------------------

def redis_command(port, folder):
    return [program("redis-server"), "--port", str(port), "--bind", "127.0.0.1", "--io-threads", "4",
            "--io-threads-do-reads", "yes", "--save", "", "--appendonly", "yes", "--appendfsync", "no", "--dir", folder]


def redis_load(port):
    subprocess.run([program("redis-benchmark"), "-p", str(port), "-n", "3000", "-c", "20", "-q", "-P", "4",
                    "-t", "set,get,incr,lpush,hset"], check=True, capture_output=True, timeout=45)
    answers = []
    for command in (["set", "a", "1"], ["incr", "a"], ["bgsave"], ["get", "a"], ["llen", "mylist"], ["flushall", "async"],
                    ["dbsize"]):
        answers.append(subprocess.run([program("redis-cli"), "-p", str(port), *command], check=True, capture_output=True,
                                      timeout=20).stdout)
    return answers


def redis_stop(_pid, port):
    subprocess.run([program("redis-cli"), "-p", str(port), "shutdown", "nosave"], capture_output=True, timeout=20)


def memcached(_folder):
    yield Server("memcached", memcached_command, memcached_load, terminate)


def redis(_folder):
    yield Server("redis-server", redis_command, redis_load, redis_stop)


CASES = {"memcached": memcached, "redis": redis}
