#!/usr/bin/python3
"""Correct: everybody sleeps until a signal comes, for which the program has a handler of its own.

/* expect: none */
"""

import os
import signal
import subprocess
import sys
import threading

stop = threading.Event()
signal.signal(signal.SIGINT, lambda number, frame: stop.set())
worker = threading.Thread(target=stop.wait)
worker.start()
killer = subprocess.Popen([sys.executable, "-c", f"import os, time; time.sleep(0.5); os.kill({os.getpid()}, 2)"])
stop.wait()
worker.join()
print("stopped", killer.wait())
