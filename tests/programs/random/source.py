"""source.py: the text of a random program, in C or in C++."""

from arrays import TOTALS
from program import AREA, COUNTS, TABLE


def declarations(program):
    text = " ".join(step.code for step in program.steps)
    lines = ["#include \"turns.h\"", "extern const char blank[64]; const char blank[64] = {0};",
             "sem_t turnstile; const struct timespec late = {1L << 40, 0};"]
    lines += [f"char sink_{thread}[64];" for thread in sorted({step.thread for step in program.steps})]
    atomic = "std::atomic<int>" if program.cxx else "_Atomic int"
    for number in range(COUNTS["area"]):
        lines.append(f"unsigned char area_{number}[{AREA}] __attribute__((aligned(64)));")
    kinds = (("mutex", "pthread_mutex_t mutex_{} = PTHREAD_MUTEX_INITIALIZER;"), ("spin", "pthread_spinlock_t spin_{};"),
             ("rwlock", "pthread_rwlock_t rwlock_{} = PTHREAD_RWLOCK_INITIALIZER;"), ("mtx", "mtx_t mtx_{};"),
             ("recursive", "pthread_mutex_t recursive_{} = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;"),
             ("builtin", "long builtin_{};"),
             ("semaphore", "sem_t semaphore_{};"), ("once", "pthread_once_t once_{} = PTHREAD_ONCE_INIT;"),
             ("atomic", f"struct random_word_{{0}} {{ _Alignas(8) {atomic} it; }} word_{{0}};\n#define atomic_{{0}} word_{{0}}.it"
              .replace("_Alignas(8)", "alignas(8)" if program.cxx else "_Alignas(8)")),
             ("mixed", "struct random_mixed mixed_{} __attribute__((aligned(8)));"),
             ("object", "struct random_object object_{};"), ("counter", "int counter_{} __attribute__((aligned(8)));"),
             ("table", f"short table_{{}}[{TABLE}] __attribute__((aligned(64)));"), ("wide", "long wide_{};"))
    if not program.has_atomics:
        kinds = [(kind, form) for kind, form in kinds if kind != "atomic"]
    for kind, form in kinds:
        lines += [form.replace("{0}", str(n)).replace("_{}", f"_{n}") for n in range(COUNTS[kind])]
    for number in range(10):
        if f"flag_{number}" in text:
            lines.append(f"pthread_cond_t condition_{number} = PTHREAD_COND_INITIALIZER; int flag_{number};")
    barriers = {step.code.split("&")[1].rstrip(");") for step in program.steps if "barrier_wait" in step.code}
    lines += [f"pthread_barrier_t {name};" for name in sorted(barriers)]
    return lines, barriers


def array_lines(program):
    """Returns: what declares the arrays, and what main() does with them first."""
    if not program.arrays:
        return [], []
    declared = ["#include \"loops.h\"", *(f"{kind} total_{kind};" for kind in TOTALS)]
    begun = ["loop_open();", *(f'loop_show("total_{kind}", &total_{kind});' for kind in TOTALS)]
    for array in program.arrays:
        number, size = array.number, array.size * array.length
        name = f"array_{number}"
        text = f"{array.kind} {name}[{array.length}] __attribute__((aligned(64)));"
        if array.where == "global":
            declared.append(text)
        elif array.where == "frame":
            begun += [text, f"memset({name}, 0, {size});"]
        begun.append(f"loop_where[{number}] = {f'calloc(1, {size})' if array.where == 'heap' else name};")
        begun.append(f'loop_show("{array.region}", loop_where[{number}]);')
    return declared, begun


def bodies(program):
    """Each thread's lines: its steps, between turns."""
    steps = [step for step in program.steps if step.code]
    lines = {thread: [] for thread in {step.thread for step in program.steps}}
    present = 0
    for step, after in zip(steps, [*steps[1:], None]):
        body = lines[step.thread]
        if step.thread != present:
            body.append(f"turn_wait({step.thread});")
        call = f"step_{step.number}({'local' if 'local' in step.code else ''});"
        passes = [] if after is None or after.thread == step.thread else [f"turn_pass({after.thread});"]
        body += passes + [call] if step.blocks else [call] + passes
        present = step.thread
    return lines


def source(program):
    program.numbered()
    lines, barriers = declarations(program)
    declared, begun = array_lines(program)
    lines += declared
    if program.has_atomics:
        lines.insert(0, "#define RANDOM_ATOMIC " + ("std::atomic<int>" if program.cxx else "_Atomic int"))
        lines.insert(0, "#include <atomic>" if program.cxx else "#include <stdatomic.h>")
    if program.inline:
        lines.insert(0, "#define RANDOM_INLINE")
    for thread in sorted({step.thread for step in program.steps} - {0}):
        lines.append(f"static void *thread_{thread}(void *unused);")
    for number, code in program.once.items():
        lines.append(f"static void routine_{number}(void) {{ FENCED({code}) ; }}")
    for step in program.steps:
        if step.code:
            parameter = "char *local" if "local" in step.code else "void"
            lines.append(f"STEP step_{step.number}({parameter}) {{ FENCED({step.code}); }}")
    for thread, body in bodies(program).items():
        local = f"char local[{AREA}]; __asm__ volatile(\"\" ::\"r\"(local) : \"memory\");"
        head = f"static void *thread_{thread}(void *unused) {{ {local}" if thread else "static void run(void) {"
        lines += [head, *body, "return NULL; }" if thread else "}"]
    lines += ["int main(void) { turn_open();", *begun]
    lines += [f"pthread_spin_init(&spin_{n}, 0);" for n in range(COUNTS["spin"])]
    lines += [f"mtx_init(&mtx_{n}, mtx_plain);" for n in range(COUNTS["mtx"])]
    lines.append("sem_init(&turnstile, 0, 0);")
    lines += [f"sem_init(&semaphore_{n}, 0, 0);" for n in range(COUNTS["semaphore"])]
    for name in sorted(barriers):
        parties = sum(1 for step in program.steps if f"barrier_wait(&{name})" in step.code)
        lines.append(f"pthread_barrier_init(&{name}, NULL, {parties});")
    return "\n".join(lines + ["run(); return 0; }", ""])
