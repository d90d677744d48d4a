#!/usr/bin/env python3
"""generate.py: the man pages of the library, from its headers, so that the two cannot disagree.

usage: generate.py [--check] HEADERS_FOLDER MAN_FOLDER

A page a family.  SYNOPSIS holds the declarations, DESCRIPTION the header's first comment, FUNCTIONS the comment before each
declaration.  --check writes nothing and fails when a page is not what it would be.
"""

import argparse
import os
import re
import sys

# page: (headers, what NAME says)
PAGES = {
    "lhp_lock": (["lock", "rlock", "semaphore", "rwlock"], "locks and semaphores for threads"),
    "lhp_condition": (["condition", "event", "barrier"], "conditions, events and barriers for threads"),
    "lhp_once": (["once", "local"], "work done once, and data a thread"),
    "lhp_thread": (["thread", "timer"], "threads with a name and a state, and timers"),
    "lhp_queue": (["queue"], "queues between threads"),
    "lhp_future": (["future", "executor"], "futures, waits for several of them, and the thread pool"),
    "lhp_process": (["process", "connection"], "processes and connections between them"),
    "lhp_shared": (["shared"], "synchronisation objects and data shared by processes"),
    "lhp_process_pool": (["process_pool"], "a pool of worker processes"),
    "lhp_coroutine": (["coroutine"], "generators and a round-robin scheduler"),
    "lhp_gil": (["gil"], "a global interpreter lock"),
    "lhp_status": (["status"], "what the operations answer, and time limits"),
}
COMMENT = re.compile(r"/\*(.*?)\*/", re.S)
DECLARATION = re.compile(r"(?:/\*((?:(?!\*/).)*)\*/\n)?((?:LHP_API|static inline)[^;{]*;)", re.S)
NOISE = re.compile(r"\b(?:LHP_API|LHP_NODISCARD|static inline)\s+")


def escape(text):
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return re.sub(r"^([.'])", r"\\&\1", text, flags=re.M)


def comment_lines(text):
    return [re.sub(r"^ \* ?|^ \*$", "", line).rstrip() for line in text.strip().split("\n")]


def read_header(folder, name):
    with open(os.path.join(folder, name + ".h"), encoding="utf-8") as file:
        text = file.read()
    first = COMMENT.search(text)
    functions = [(doc, " ".join(NOISE.sub("", code).split())) for doc, code in DECLARATION.findall(text[first.end():])]
    types = re.findall(r"^((?:struct|enum|union) \w+ \{(?:[^\n]*\};$|.*?^\};))", text, re.S | re.M)
    return comment_lines(first.group(1)), types, functions


def function_name(declaration):
    return re.findall(r"\b(lhp_\w+)\s*\(", declaration)[0]


def synopsis(name, types, functions):
    yield ".nf"
    yield f".B #include <lhp/{name}.h>"
    yield ""
    for declaration in types:
        if declaration.startswith("enum") or "_options" in declaration.split("\n")[0]:
            yield escape(declaration)
            yield ""
    for _, declaration in functions:
        yield escape(declaration)
    yield ".fi"


def grouped(functions):
    """The documented functions; a timed form without words of its own goes with the one before it."""
    groups = []
    for doc, declaration in functions:
        name = function_name(declaration)
        if doc:
            groups.append(([name], doc))
        elif groups and name.endswith("_for"):
            groups[-1][0].append(name)
    return groups


def descriptions(functions):
    for names, doc in grouped(functions):
        text = " ".join(line.strip() for line in comment_lines(doc))
        yield ".TP"
        yield ".BR " + " \", \" ".join(f"{name} ()" for name in names)
        yield escape(re.sub(r"\s+(Returns|Errors|Units):", r"\n.br\n\1:", text)).replace("\n\\&.br\n", "\n.br\n")


def page(folder, title):
    headers, summary = PAGES[title]
    read = {name: read_header(folder, name) for name in headers}
    out = [f'.TH {title.upper()} 3 "" "lockhound" "Library of primitives"', ".ad l", ".nh", ".SH NAME"]
    functions = [function_name(code) for _, _, found in read.values() for _, code in found]
    names = [title] + [name for name in dict.fromkeys(functions) if name != title]
    out.append(", ".join(names) + " \\- " + summary)
    out += [".SH LIBRARY", "Primitives of lockhound", ".RI ( liblhp ,", ".RB \\(lq \\-llhp \\(rq)", ".SH SYNOPSIS"]
    for name in headers:
        out += synopsis(name, read[name][1], read[name][2])
    out.append(".SH DESCRIPTION")
    for name in headers:
        out += [f".SS {name}.h", ".nf", escape("\n".join(read[name][0])).strip("\n"), ".fi"]
    out.append(".SH FUNCTIONS")
    for name in headers:
        out += descriptions(read[name][2])
    others = [f".BR {other} (3)" for other in sorted(PAGES) if other != title]
    out += [".SH SEE ALSO", ",\n".join(others), ""]
    return "\n".join(out)


def main():
    parser = argparse.ArgumentParser(description="Makes the man pages of the primitives from their headers.")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("headers")
    parser.add_argument("pages")
    arguments = parser.parse_args()
    stale = []
    for title in PAGES:
        path = os.path.join(arguments.pages, title + ".3")
        text = page(arguments.headers, title)
        if arguments.check:
            old = open(path, encoding="utf-8").read() if os.path.exists(path) else ""
            stale += [path] if old != text else []
        else:
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
    for path in stale:
        print(f"{path} is not what its headers say: run primitives/man/generate.py", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
