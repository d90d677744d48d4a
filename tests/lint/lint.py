#!/usr/bin/env python3
"""lint.py: runs rules of the tree and prints what breaks them.

usage: lint.py --root FOLDER [--build FOLDER] RULE...
"""

import argparse
import sys

import rule_contexts
import rule_docs
import rule_exports
import rule_headers
import rule_includes
import rule_length
import rule_names
import rule_words
from tree import Tree

SOURCE_RULES = {
    "contexts": rule_contexts.check,
    "docs": rule_docs.check,
    "includes": rule_includes.check,
    "length": rule_length.check,
    "names": rule_names.check,
    "words": rule_words.check,
}
BUILD_RULES = {
    "exports": rule_exports.check,
    "headers": rule_headers.check,
}


def main():
    parser = argparse.ArgumentParser(description="Checks the rules of the tree.")
    parser.add_argument("--root", required=True)
    parser.add_argument("--build")
    parser.add_argument("rules", nargs="+", choices=sorted({**SOURCE_RULES, **BUILD_RULES}))
    arguments = parser.parse_args()

    tree = Tree(arguments.root)
    complaints = []
    for rule in arguments.rules:
        if rule in SOURCE_RULES:
            complaints += SOURCE_RULES[rule](tree)
        else:
            complaints += BUILD_RULES[rule](tree, arguments.build)
    for complaint in complaints:
        print(complaint)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
