"""primitives.py: what the primitives cost beside bare pthreads and, where it is installed, GLib: the table of lhp-bench.

The program itself alternates the sides of each row in short slices; here it is only run, and the load of the machine
noted, for it decides how far the figures can be believed.
"""

import os

from measure import Tool, run


def measure(context):
    """Returns the table by its name on the page."""
    before = os.getloadavg()[0]
    table = run(Tool("native"), [os.path.join(context.build, "bin", "lhp-bench"), str(context.rounds)]).output.decode().strip()
    after = os.getloadavg()[0]
    return {"primitives": f"{table}\n\n{context.machine} Load average before and after: {before:.1f} and {after:.1f}."}
