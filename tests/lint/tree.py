"""tree.py: the files of the tree, as the rules see them.

    git ls-files --> Tree.files --> rule(tree) --> "path:line: what is wrong"

A rule is a function that takes a Tree and yields complaints.  A Tree can also be made from a dictionary, so that each
rule is itself tested on text that breaks it.
"""

import os
import re
import subprocess

SKIPPED_FOLDERS = ("build", ".git")


class Tree:
    """Paths relative to the root, with their text."""

    def __init__(self, root=None, texts=None):
        self.root = root
        self._texts = dict(texts or {})
        self.files = sorted(self._texts) if root is None else sorted(_list_files(root))

    def text(self, path):
        if path not in self._texts:
            with open(os.path.join(self.root, path), encoding="utf-8", errors="replace") as file:
                self._texts[path] = file.read()
        return self._texts[path]

    def has(self, path):
        return path in self.files

    def matching(self, *suffixes, under=""):
        return [path for path in self.files if path.endswith(suffixes) and path.startswith(under)]

    def c_files(self, under=""):
        return self.matching(".c", ".h", under=under)


def _list_files(root):
    """What git knows or would add; every file when the tree is not a clone."""
    command = ["git", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(command, capture_output=True, check=True).stdout
        paths = os.fsdecode(listed).split("\0")
    except (OSError, subprocess.CalledProcessError):
        paths = _walk(root)
    return [path for path in paths if path and os.path.isfile(os.path.join(root, path))]


def _walk(root):
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith(SKIPPED_FOLDERS)]
        for name in names:
            yield os.path.relpath(os.path.join(folder, name), root)


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def blank_comments(text):
    """The same text with comments and the insides of strings blanked out, newlines kept."""
    pattern = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)

    def blank(match):
        found = match.group(0)
        if found[0] in "\"'":
            return found[0] + " " * (len(found) - 2) + found[-1]
        return re.sub(r"[^\n]", " ", found)

    return pattern.sub(blank, text)
