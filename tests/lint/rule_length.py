"""rule_length.py: a file past 600 lines is two ideas."""

LONGEST = 600


def check(tree):
    for path in tree.matching(".c", ".h", ".cc", ".cpp", ".py", ".sh"):
        lines = tree.text(path).count("\n")
        if lines >= LONGEST:
            yield f"{path}:{lines}: {lines} lines; split it ({LONGEST} at most)"
