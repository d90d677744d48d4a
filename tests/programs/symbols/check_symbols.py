"""No function of the installed C and C++ libraries that synchronises is forgotten.

    nm -D libc.so.6, libstdc++.so.6 --> names that look like synchronisation --+
    preload/hooks.def --------------------------------------------------------+--> each in one of the two
    excluded.txt -------------------------------------------------------------/

And what is hooked is resolved in the version that the installed library gives by default.
"""

import argparse
import fnmatch
import os
import re
import subprocess
import sys

# What a name has to do with: threads, locks, processes, contexts, handlers of signals.
SYNCHRONISES = re.compile(r"""^(
    (__)?pthread_\w+ | sem_\w+ | sem(get|op|ctl|timedop) | (mtx|cnd|thrd|tss)_\w+ | call_once | __once_proxy |
    __cxa_guard_\w+ | (__|_)?v?fork | _Fork | forkpty | (__)?clone\d* | f?execv?\w* | posix_spawnp? |
    (get|set|make|swap)context | _?_?[eE]xit | (at_)?quick_exit | __register_atfork |
    (bsd_|s|__sysv_|sysv_)?signal | sig(action|set|vec|ignore|interrupt) | futex\w* |
    _ZSt?\w*(once_call|condition_variable|atomic_futex|notify_all_at_thread_exit)\w* |
    _ZNSt6thread\w*
    )$""", re.VERBOSE)

HOOK = re.compile(r'^HOOK(?:_OPTIONAL|_PLAIN|_OPENS|_OPENS_PATH|_USES|_STATE|_STATE_TOUCHES|_FILLS|_FILLS_USING|_TOUCHES|_CONVERTS|_CONVERTS_OPTIONAL|_VARIADIC)?\(\s*[^,]+,\s*(\w+)\s*,\s*"([^"]+)"', re.MULTILINE)
HOOK_VERSIONED = re.compile(r'^HOOK_VERSIONED\(\s*[^,]+,\s*(\w+)\s*,\s*\w+\s*,\s*"([^"]+)"', re.MULTILINE)


def symbols_of(library):
    """Yields (name, version, is_default) of each function or object that the library defines."""
    listing = subprocess.run(["nm", "-D", "--defined-only", library], check=True, capture_output=True, text=True)
    for line in listing.stdout.splitlines():
        _, kind, symbol = line.split()
        name, _, version = symbol.partition("@")
        if kind != "A":  # which stands for the versions themselves
            yield name, version.lstrip("@"), version.startswith("@")


def read_hooks(path):
    """Returns name -> set of versions, of the table and those that it includes from beside it."""
    hooks = {}
    with open(path, encoding="utf-8") as file:
        text = file.read()
    for part in re.findall(r'^#include "preload/(\w+\.def)"', text, re.MULTILINE):
        with open(os.path.join(os.path.dirname(path), part), encoding="utf-8") as file:
            text += file.read()
    for name, version in HOOK.findall(text) + HOOK_VERSIONED.findall(text):
        hooks.setdefault(name, set()).add(version)
    return hooks


def read_excluded(path):
    """Returns patterns; a line without a reason is an error."""
    patterns = []
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            words = line.split(None, 1)
            if not words or words[0].startswith("#"):
                continue
            if len(words) < 2:
                raise SystemExit(f"{path}:{number}: {words[0]} is excluded without a reason")
            patterns.append(words[0])
    return patterns


def faults_of(symbols, hooks, excluded):
    """Yields a sentence for each symbol that is not accounted for."""
    for name, version, is_default in symbols:
        if name in hooks:
            if is_default and version not in hooks[name]:
                yield f"{name}: the default version is {version}, hooks.def has {', '.join(sorted(hooks[name]))}"
        elif SYNCHRONISES.match(name) and not any(fnmatch.fnmatchcase(name, pattern) for pattern in excluded):
            yield f"{name}: neither hooked nor excluded"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hooks", required=True)
    parser.add_argument("--excluded", required=True)
    parser.add_argument("libraries", nargs="+")
    options = parser.parse_args()

    hooks, excluded = read_hooks(options.hooks), read_excluded(options.excluded)
    faults = [f"{fault} ({library})" for library in options.libraries
              for fault in sorted(set(faults_of(symbols_of(library), hooks, excluded)))]
    faults += [f"{pattern}: excluded, but hooked" for pattern in excluded if pattern in hooks]
    print("\n".join(faults) or f"{len(hooks)} names hooked, every other accounted for")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
