"""A program that runs while something is asked of it."""
import os
import subprocess


def clean_environment(**more):
    return {**{k: v for k, v in os.environ.items() if k not in ("LOCKHOUND_OPTIONS", "LD_PRELOAD")}, **more}


class Subject:
    """Started with the library alone, and ready: its number is its own."""

    def __init__(self, *arguments, **environment):
        self.process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, env=clean_environment(**environment))
        self.pid = self.process.pid

    def __enter__(self):
        assert self.process.stdout.readline() == "ready\n"
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate(timeout=30)
