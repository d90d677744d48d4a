/* symbols.h: from module + offset to function, file:line and the names of variables, outside the program.
 *
 *   frame --> [cache] --> symbol_module (the file whose build-id is the recorded one)
 *                              |-- .debug_info: function, inlined calls, file:line:column; variables and types
 *                              |-- .symtab/.dynsym: function or variable
 *                              +-- neither: module+offset, and symbols_visit_gaps() says why
 *
 * Model:     a frame is one or more functions, innermost first: those inlined at the address, then the one that holds
 *            it.  The module's file is taken only when its build-id is the recorded one; else the separate debug file
 *            of that build-id (/usr/lib/debug/.build-id, debuginfod when DEBUGINFOD_URLS is set).
 * Memory:    answers live as long as the struct symbols; each address is looked up once.
 * Source:    elfutils' libdwfl and libdw, which also follow .gnu_debuglink, .gnu_debugaltlink and .gnu_debugdata.
 */
#ifndef LOCKHOUND_REPORT_SYMBOLS_H
#define LOCKHOUND_REPORT_SYMBOLS_H

#include "report/model.h"

struct symbols;

/* One function of a frame. */
struct symbol_frame {
    const char *function; /* demangled, with parameters; NULL when unknown */
    const char *name;     /* without parameters and without suffixes of the compiler; NULL when unknown */
    const char *file;     /* NULL when unknown */
    uint32_t line, column;
    bool is_inlined;
    bool is_at_name;     /* the place is that of the function's name in its declaration */
    bool is_interrupted; /* here a signal arrived, whose handler is further in */
    bool is_runtime;     /* of libc, the C++ runtime or lockhound itself */
    const struct run_module *module;
    uint64_t offset; /* of the instruction, as in the ELF file */
};

struct symbols *symbols_new(void);
void symbols_free(struct symbols *symbols);

/* Sets *frames to the functions at `frame`.  Returns: how many, at least 1.  Owns: `symbols`. */
size_t symbols_find(struct symbols *symbols, const struct run_frame *frame, const struct symbol_frame **frames);

/* Names what stands at `offset` of `module`: "log_mutex", "accounts[2].lock".  `size` is the size of the object meant:
 * members and elements are followed until they are no larger.
 * Returns: the name, in `pool`, or NULL when no symbol covers it; *type is then a type's name or NULL, *type_size its size or 0. */
const char *symbols_name_variable(struct symbols *symbols, const struct run_module *module, uint64_t offset,
                                  size_t size, struct pool *pool, const char **type, uint64_t *type_size);

/* What code calls something, by symbol_code.h; cached.  Each returns NULL when that is not known.  *type stays as it is unless the
 * type of that name has `size` bytes. */
/* The `size` bytes that begin `delta` bytes behind those that the instruction at `frame` accesses; *identity is then what does not
 * depend on whose pointer it is, by symbol_place_identity(). */
const char *symbols_name_access(struct symbols *symbols, const struct run_frame *frame, int64_t delta, size_t size,
                                struct pool *pool, const char **type, const char **identity);
/* What the first argument of the call at `frame` points to, when it is of one of these types, by a typedef's name too. */
const char *symbols_name_argument(struct symbols *symbols, const struct run_frame *frame, size_t size,
                                  const char *const types[], struct pool *pool);
/* The `size` bytes at `at` of the block of `block_size` that the call at `frame` returned, by the variable that receives it;
 * *elements is how many objects of that type the block must be, or 1. */
const char *symbols_name_result(struct symbols *symbols, const struct run_frame *frame, uint64_t at,
                                uint64_t block_size, size_t size, struct pool *pool, const char **type,
                                uint64_t *elements);

/* Calls `visit` for each module whose symbols could not be used, with the reason. */
void symbols_visit_gaps(const struct symbols *symbols, void (*visit)(void *ctx, const char *path, const char *why),
                        void *ctx);

#endif
