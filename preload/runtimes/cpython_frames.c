#include "preload/runtimes/cpython_frames.h"

#include <string.h>
#include <sys/uio.h>

#include "preload/dynamic_symbol.h"
#include "preload/raw.h"
#include "preload/symbolic.h"

/* ---- what the interpreter exports ---------------------------------------------------------------------------------- */

#define FUNCTIONS(X)                                                                                                   \
    X(void *, PyGILState_GetThisThreadState, (void))                                                                   \
    X(void *, PyThreadState_GetFrame, (void *))                                                                        \
    X(void *, PyFrame_GetCode, (void *))                                                                               \
    X(int, PyFrame_GetLasti, (void *))                                                                                 \
    X(int, PyCode_Addr2Line, (void *, int))                                                                            \
    X(void *, PyCode_GetCode, (void *))                                                                                \
    X(const char *, PyUnicode_AsUTF8, (void *))                                                                        \
    X(char *, PyBytes_AsString, (void *))                                                                              \
    X(void, PyErr_Fetch, (void **, void **, void **))                                                                  \
    X(void, PyErr_Restore, (void *, void *, void *))                                                                   \
    X(int, PyGC_Disable, (void))                                                                                       \
    X(int, PyGC_Enable, (void))                                                                                        \
    X(void, Py_DecRef, (void *))

static struct {
#define X(result, name, parameters) result(*name) parameters;
    FUNCTIONS(X)
#undef X
    void *(*current_thread)(void); /* who holds the GIL */
    int (*is_finalizing)(void);
    const void *code_type;
} python;

/* Offsets in the interpreter's structures.  Units: bytes. */
struct layout {
    uint32_t version;                   /* 0x030b: 3.11 */
    bool has_record;                    /* the thread points to a record that points to the frame */
    uint8_t thread_frame, record_frame; /* in the thread's state; in that record */
    uint8_t frame_code, frame_previous, frame_instruction, frame_owner;
    uint8_t code_instructions;
    uint8_t with_opcode, call_opcode, precall_opcode;
};

enum { OWNED_BY_C_STACK = 3 /* a frame that only marks where C code entered the interpreter */ };

static const struct layout layouts[] = {
    {0x030b, true, 56, 8, 32, 48, 56, 69, 184, 53, 171, 166},
    {0x030c, true, 56, 0, 0, 8, 56, 70, 192, 53, 171, 171},
    {0x030d, false, 72, 0, 0, 8, 56, 70, 200, 2, 53, 53},
};

static const struct layout *layout;

/* Where a code object keeps what; its type says so itself. */
static struct {
    size_t file, name, lines;
} members;

static void *load(const void *base, size_t offset)
{
    void *value;
    memcpy(&value, (const char *)base + offset, sizeof value);
    return value;
}

/* ---- start ---------------------------------------------------------------------------------------------------------- */

/* The public PyMemberDef, and where a type keeps its table of them. */
struct member {
    const char *name;
    int type;
    ptrdiff_t offset;
    int flags;
    const char *doc;
};
enum { TYPE_MEMBERS = 240, OBJECT_TYPE = 8 };

static bool find_members(const void *code_type)
{
    const struct member *m = load(code_type, TYPE_MEMBERS);
    for (; m != NULL && m->name != NULL; m++)
        if (strcmp(m->name, "co_filename") == 0)
            members.file = (size_t)m->offset;
        else if (strcmp(m->name, "co_qualname") == 0)
            members.name = (size_t)m->offset;
        else if (strcmp(m->name, "co_linetable") == 0)
            members.lines = (size_t)m->offset;
    return members.file != 0 && members.name != 0 && members.lines != 0;
}

/* Sets the function pointer at `member`. */
static bool resolve(void *member, const char *name, const char *other_name)
{
    uintptr_t found = dynamic_symbol_find(name);
    if (found == 0 && other_name != NULL)
        found = dynamic_symbol_find(other_name);
    memcpy(member, &found, sizeof found);
    return found != 0;
}

bool cpython_frames_init(void)
{
    enum { VERSION_SHIFT = 16 };
    const unsigned long *version = (const unsigned long *)dynamic_symbol_find("Py_Version");
    for (size_t i = 0; version != NULL && i < sizeof layouts / sizeof *layouts; i++)
        if (layouts[i].version == *version >> VERSION_SHIFT)
            layout = &layouts[i];
    if (layout == NULL)
        return false;

    bool found = resolve(&python.current_thread, "_PyThreadState_UncheckedGet", "PyThreadState_GetUnchecked") &&
                 resolve(&python.is_finalizing, "_Py_IsFinalizing", "Py_IsFinalizing");
#define X(result, name, parameters) found = found && resolve(&python.name, #name, NULL);
    FUNCTIONS(X)
#undef X
    python.code_type = (const void *)dynamic_symbol_find("PyCode_Type");
    return found && python.code_type != NULL && find_members(python.code_type);
}

void *cpython_frames_thread(void)
{
    void *thread = python.PyGILState_GetThisThreadState();
    bool holds_gil = thread != NULL && python.current_thread() == thread;
    return holds_gil && !python.is_finalizing() ? thread : NULL;
}

/* ---- walking -------------------------------------------------------------------------------------------------------- */

static void *innermost(void *thread)
{
    void *place = load(thread, layout->thread_frame);
    return layout->has_record && place != NULL ? load(place, layout->record_frame) : place;
}

/* A code object that is gone may have left its address to another: what that is made of tells them apart. */
uint64_t cpython_frames_key(uint64_t key, const struct cpython_frame *frame)
{
    uint64_t identity = frame->instruction ^ (uintptr_t)load(frame->code, members.lines) << 16;
    key = (key ^ identity) * UINT64_C(0x9E3779B97F4A7C15);
    return key ^ key >> 29;
}

void cpython_frames_walk(void *thread, uint32_t max_depth, struct cpython_frames *result)
{
    result->depth = 0;
    result->key = 0;
    const struct layout known = *layout;
    for (void *at = innermost(thread); at != NULL && result->depth < max_depth; at = load(at, known.frame_previous)) {
        struct cpython_frame *frame = &result->frames[result->depth];
        frame->code = load(at, known.frame_code);
        frame->instruction = (uintptr_t)load(at, known.frame_instruction);
        if (((const unsigned char *)at)[known.frame_owner] == OWNED_BY_C_STACK)
            continue;
        result->key = cpython_frames_key(result->key, frame);
        result->depth++;
    }
}

/* ---- one frame ------------------------------------------------------------------------------------------------------ */

/* Units: bytes from the first instruction of its code. */
static int offset_of(const struct cpython_frame *frame)
{
    return (int)(frame->instruction - (uintptr_t)frame->code - layout->code_instructions);
}

struct frame cpython_frames_describe(const struct cpython_frame *frame)
{
    if (load(frame->code, OBJECT_TYPE) != python.code_type)
        return (struct frame){0};
    void *type, *value, *trace; /* an error that is on its way stays so */
    python.PyErr_Fetch(&type, &value, &trace);
    const char *function = python.PyUnicode_AsUTF8(load(frame->code, members.name));
    const char *file = python.PyUnicode_AsUTF8(load(frame->code, members.file));
    int line = python.PyCode_Addr2Line(frame->code, offset_of(frame));
    struct frame result =
        symbolic_intern(function == NULL ? "?" : function, file == NULL ? "?" : file, line > 0 ? (uint32_t)line : 0);
    python.PyErr_Restore(type, value, trace);
    return result;
}

enum cpython_intent cpython_frames_intent(const struct cpython_frame *frame)
{
    void *type, *value, *trace;
    python.PyErr_Fetch(&type, &value, &trace);
    enum cpython_intent result = CPYTHON_TRIES;
    void *instructions =
        load(frame->code, OBJECT_TYPE) != python.code_type
            ? NULL
            : python.PyCode_GetCode(frame->code); /* as compiled, without what execution made of them */
    if (instructions != NULL) {
        const unsigned char *at = (const unsigned char *)python.PyBytes_AsString(instructions) + offset_of(frame);
        bool is_call = at[0] == layout->call_opcode || at[0] == layout->precall_opcode;
        if (at[0] == layout->with_opcode)
            result = CPYTHON_SCOPED;
        else if (is_call && at[1] == 0)
            result = CPYTHON_WAITS;
        python.Py_DecRef(instructions);
    }
    python.PyErr_Restore(type, value, trace);
    return result;
}

/* ---- the proof of the layout ------------------------------------------------------------------------------------------ */

/* Reads a pointer that may not be one.  Returns: false when nothing is there. */
static bool peek(const void *base, size_t offset, void **value)
{
    struct iovec to = {value, sizeof *value};
    struct iovec from = {(char *)(uintptr_t)base + offset, sizeof *value};
    long self = raw_syscall(SYS_getpid, 0, 0, 0, 0, 0, 0);
    return raw_syscall(SYS_process_vm_readv, self, (long)&to, 1, (long)&from, 1, 0) == (long)sizeof *value;
}

static bool shows(void *thread, const void *code, int offset)
{
    enum { FRAMES_TRIED = 4 }; /* the exported function passes over frames that are being made */
    void *frame, *its_code, *instruction;
    bool there = peek(thread, layout->thread_frame, &frame) &&
                 (!layout->has_record || peek(frame, layout->record_frame, &frame));
    for (int i = 0; there && i < FRAMES_TRIED; i++) {
        if (peek(frame, layout->frame_code, &its_code) && peek(frame, layout->frame_instruction, &instruction) &&
            its_code == code &&
            (uintptr_t)instruction == (uintptr_t)code + layout->code_instructions + (uintptr_t)offset)
            return true;
        there = peek(frame, layout->frame_previous, &frame);
    }
    return false;
}

enum cpython_layout cpython_frames_confirm(void *thread)
{
    void *type, *value, *trace;
    python.PyErr_Fetch(&type, &value, &trace);
    int collects = python.PyGC_Disable();
    void *frame = python.PyThreadState_GetFrame(thread);
    void *code = frame == NULL ? NULL : python.PyFrame_GetCode(frame);
    bool is_right = code != NULL && shows(thread, code, python.PyFrame_GetLasti(frame));
    if (code != NULL)
        python.Py_DecRef(code);
    if (frame != NULL)
        python.Py_DecRef(frame);
    if (collects)
        python.PyGC_Enable();
    python.PyErr_Restore(type, value, trace);
    if (frame == NULL)
        return CPYTHON_LAYOUT_UNTRIED;
    return is_right ? CPYTHON_LAYOUT_CONFIRMED : CPYTHON_LAYOUT_REFUTED;
}
