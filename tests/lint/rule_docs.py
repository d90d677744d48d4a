"""rule_docs.py: the documentation says what the tables say.

    detector/findings.def --> docs/findings.md   a section a kind; severity and default as in the table
    preload/options.def   --> docs/**/lockhound.1

And links between pages lead to files and sections that are there.
"""

import os
import re

from tree import line_of

FINDING = re.compile(r'^FINDING\(\s*\w+\s*,\s*"([^"]+)"\s*,\s*(\w+)\s*,\s*(\w+)\s*,', re.MULTILINE)
OPTION = re.compile(r'^OPTION_\w+\(\s*\w+\s*,\s*"([^"]+)"', re.MULTILINE)
LINK = re.compile(r"\]\(([^)#\s:]*)(?:#([^)\s]+))?\)")
SECTION = re.compile(r"^#+ (.*)$", re.MULTILINE)
FINDINGS_PAGE = "docs/findings.md"


def check_findings(tree):
    page = tree.text(FINDINGS_PAGE) if tree.has(FINDINGS_PAGE) else ""
    kinds = FINDING.findall(tree.text("detector/findings.def"))
    if not kinds:
        yield "detector/findings.def:1: no FINDING() found"
    for slug, severity, default in kinds:
        if not re.search(rf"^### {slug}$", page, re.MULTILINE):
            yield f"{FINDINGS_PAGE}:1: no section '### {slug}'"
        words = f"{severity.lower()}, {'on' if default == 'true' else 'off'}"
        if not re.search(rf"^\| \[{slug}\]\(#{slug}\) \| {words} \|", page, re.MULTILINE):
            yield f"{FINDINGS_PAGE}:1: no row '| [{slug}](#{slug}) | {words} |'"
    known = {slug for slug, _, _ in kinds}
    for slug in re.findall(r"^### ([a-z-]+)$", page, re.MULTILINE):
        if slug not in known:
            yield f"{FINDINGS_PAGE}:1: '### {slug}' is no kind of detector/findings.def"


def check_options(tree):
    pages = [path for path in tree.files if path.startswith("docs/") and path.endswith("/lockhound.1")]
    if not pages:
        yield "docs/man/lockhound.1:1: no man page"
        return
    text = tree.text(pages[0]).replace("\\-", "-")
    for key in OPTION.findall(tree.text("preload/options.def")):
        if not re.search(rf"--{re.escape(key)}(?![\w-])", text):
            yield f"{pages[0]}:1: option --{key} is not described"


def anchor_of(heading):
    """The name by which a link finds the section."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def check_links(tree):
    for path in tree.matching(".md"):
        text = tree.text(path)
        for match in LINK.finditer(text):
            name, section = match.groups()
            target = os.path.normpath(os.path.join(os.path.dirname(path), name)) if name else path
            place = f"{path}:{line_of(text, match.start())}"
            if not any(known == target or known.startswith(target + "/") for known in tree.files):
                yield f"{place}: a link to {target}, which is not there"
            elif section and target.endswith(".md") and section not in map(anchor_of, SECTION.findall(tree.text(target))):
                yield f"{place}: a link to {target}#{section}, and no such section"


def check(tree):
    yield from check_findings(tree)
    yield from check_options(tree)
    yield from check_links(tree)
