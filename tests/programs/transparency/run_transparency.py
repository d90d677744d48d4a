#!/usr/bin/env python3
"""run_transparency.py: runs a correct program natively and under lockhound in the same surroundings; nothing may differ.

    run_transparency.py --tool LOCKHOUND [--closed 2] [--full 2] [--address-space MIB] [--descriptors N]
                        [--preload LIBRARY] [--misuse] -- PROGRAM ARGUMENT...

Compares standard output, standard error and status, and wants no finding.  With --misuse the program makes mistakes on
purpose, to see what the calls return: findings are then no complaint.  Exit: 0 the same, 1 not, 77 cannot be run here.
"""

import argparse
import os
import resource
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import launch  # noqa: E402

LIMIT_S = 60


def surroundings(arguments):
    """Returns: what subprocess needs so that the program starts in the surroundings asked for."""
    environment = dict(os.environ)
    if arguments.preload:
        environment["LD_PRELOAD"] = " ".join(arguments.preload)

    def prepare():
        for fd in arguments.full:
            os.dup2(os.open("/dev/full", os.O_WRONLY), fd)
        for fd in arguments.closed:
            os.close(fd)
        if arguments.address_space:
            limit = arguments.address_space << 20
            resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        if arguments.descriptors:
            resource.setrlimit(resource.RLIMIT_NOFILE, (arguments.descriptors, arguments.descriptors))

    return {"env": environment, "preexec_fn": prepare}


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tool", required=True)
    parser.add_argument("--closed", type=int, action="append", default=[], help="start with this descriptor closed")
    parser.add_argument("--full", type=int, action="append", default=[], help="start with this descriptor on a full disk")
    parser.add_argument("--address-space", type=int, help="limit of address space, in MiB")
    parser.add_argument("--descriptors", type=int, help="limit of open files")
    parser.add_argument("--preload", action="append", help="library to preload in both runs")
    parser.add_argument("--misuse", action="store_true", help="findings are no complaint")
    parser.add_argument("--option", action="append", default=[], help="a further option of lockhound")
    parser.add_argument("command", nargs="+")
    return parser.parse_args()


def main():
    arguments = parse()
    for library in arguments.preload or []:
        if not os.path.exists(library):
            print(f"skipped: {library} is not installed")
            sys.exit(launch.SKIPPED)
    around = surroundings(arguments)
    plain = launch.native(arguments.command, LIMIT_S, **around)
    if plain.timed_out or b"FAILED" in plain.stdout:
        sys.exit(f"the program itself is at fault: status {plain.status}, {launch.shorten(plain.stdout)}")
    options = arguments.option + (["--error-exitcode", "0"] if arguments.misuse else [])
    under = launch.checked(arguments.tool, arguments.command, options, LIMIT_S, **around)
    complaints = list(launch.differences(plain, under))
    if not arguments.misuse:
        complaints += [launch.describe(finding) for finding in under.findings]
    if "unreadable" in under.report:
        complaints.append(f"no report: {under.report['unreadable']}")
    for complaint in complaints:
        print(complaint)
    sys.exit(1 if complaints else 0)


if __name__ == "__main__":
    main()
