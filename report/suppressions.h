/* suppressions.h: rules that keep known findings out of a report.
 *
 *   FILE --suppressions_load()--> rules --suppressions_match(finding)--> the rule that fits, counted
 *
 * Three spellings, in one file if need be:
 *
 *   # a comment
 *   lock-order-inversion:cache_*            kind:pattern    any frame's function, file or module, or any object's name,
 *   deadlock@top:pool_grow                  kind@top:...    contains the pattern ('*', '^', '$'); @top: innermost
 *                                                           user frame only.  ThreadSanitizer's files read the same
 * way. [the pool of libfoo]                    a block         every line must hold; globs on whole names; "frame"
 * lines kind: lock-order-inversion                              are met in this order, innermost first, in one stack
 *   frame: pool_grow
 *   frame: pool_get
 *   module: libfoo.so*
 *   object: pool_lock
 *
 *   { name  Helgrind:LockOrder  fun:...  obj:...  ... }      Valgrind's form, of Helgrind and DRD
 *
 * Model:     a finding is suppressed when one rule fits it.  Inlined functions count as frames.
 * Source:    LLVM's ThreadSanitizerSuppressions page; Valgrind's manual core, section 2.5; google/sanitizers issue 471
 * for why every stack counts and not only the first.
 */
#ifndef LOCKHOUND_REPORT_SUPPRESSIONS_H
#define LOCKHOUND_REPORT_SUPPRESSIONS_H

#include "report/model.h"

enum rule_style { RULE_LINE, RULE_BLOCK, RULE_VALGRIND };

enum term_field {
    TERM_ANY,
    TERM_FRAME,
    TERM_FUNCTION,
    TERM_FILE,
    TERM_MODULE,
    TERM_OBJECT,
    TERM_FINGERPRINT,
    TERM_INNERMOST, /* of each party */
    TERM_ELLIPSIS
};

struct suppression_term {
    enum term_field field;
    const char *pattern;
    struct suppression_term *next;
};

struct suppression_rule {
    enum rule_style style;
    const char *file;
    unsigned line;
    const char *text;  /* as a message names it */
    const char *kinds; /* slugs or globs of slugs, separated by commas */
    bool is_top_only;
    bool is_compiled_in;
    /* Of another tool, or of data races, which a run that is not woven cannot meet: never "unused". */
    bool is_for_other_kind;
    struct suppression_term *terms;
    uint64_t used;
    struct suppression_rule *next;
};

struct suppressions {
    struct pool pool;
    struct suppression_rule *rules;
    struct suppression_rule **last;
};

/* Adds the rules of `path`.  Mistakes are added to `errors` as "FILE:LINE: text" lines.
 * Returns: true when there was none. */
bool suppressions_load(struct suppressions *s, const char *path, struct buffer *errors);
/* The same from memory; `name` stands for the file in messages. */
bool suppressions_parse(struct suppressions *s, const char *name, const char *text, size_t length,
                        struct buffer *errors);
/* Adds the compiled-in rules, for findings of others that are known and defensible. */
void suppressions_add_defaults(struct suppressions *s);
/* Returns: those rules as a file. */
const char *suppressions_defaults(void);
/* Returns: the first rule that fits the resolved finding, its use counted, or NULL. */
const struct suppression_rule *suppressions_match(struct suppressions *s, const struct run_finding *finding);
/* Adds a line for each rule that matched nothing or would match everything. */
void suppressions_review(const struct suppressions *s, struct buffer *out);
void suppressions_free(struct suppressions *s);

#endif
