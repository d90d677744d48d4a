"""rule_contexts.py: every function that preload/ declares says in which context it may run.

The tags come from a closed list, after "Context:" in the comment above the declaration or, for a whole header, in the
comment at its top.  A declaration that follows another without a comment of its own shares the comment above both;
"Context of all:" holds for every declaration after it.
"""

import re

from tree import line_of

TAG = re.compile(r"(?:loader-lock|in-malloc|signal|reentrant|early|late|fork-child|may-block"
                 r"|(?:takes|holds)\([A-Za-z_]+\)) *(?:\([^)]*\))?")
CONTEXT = re.compile(r"Context(?: of both| of all)?:\s*([^.]*)\.")
OF_ALL = re.compile(r"Context of all:")
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
DECLARATION = re.compile(r"^(?!static|typedef|return|#)(?:extern\s+)?[A-Za-z_][\w \t*]*?[ *](?!__attribute__)(\w+)"
                         r"\([^;{}]*\)(?:\s*__attribute__\(\(.*?\)\))?;", re.MULTILINE)


def tags_of(comment):
    """The tags that a comment states, or None when it states none."""
    match = CONTEXT.search(re.sub(r"\n\s*\*", " ", comment))
    if match is None:
        return None
    return [tag.strip() for tag in match.group(1).split(",")]


def comment_above(text, offset):
    """The comment that the declaration at `offset` belongs to: no blank line may stand between."""
    above = text[:offset]
    paragraph = above[above.rfind("\n\n") + 1:]
    comments = COMMENT.findall(paragraph)
    return comments[-1] if comments else ""


def check(tree):
    for path in tree.matching(".h", under="preload/"):
        text = tree.text(path)
        top = COMMENT.search(text)
        whole_file = top is not None and tags_of(top.group(0)) is not None
        for comment in COMMENT.finditer(text):
            for tag in tags_of(comment.group(0)) or ():
                if not TAG.fullmatch(tag):
                    yield f"{path}:{line_of(text, comment.start())}: '{tag}' is no context tag"
        plain = COMMENT.sub(lambda match: re.sub(r"[^\n]", " ", match.group(0)), text)
        for declaration in DECLARATION.finditer(plain):
            if whole_file or OF_ALL.search(text, 0, declaration.start()):
                continue
            if tags_of(comment_above(text, declaration.start())) is None:
                yield f"{path}:{line_of(text, declaration.start())}: {declaration.group(1)}() has no 'Context:'"
