/* suppressions_parse.c: reads the three spellings of suppressions.h, line by line, with every mistake by file and line.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "report/assets.h"
#include "report/catalogue.h"
#include "report/demangle.h"
#include "report/pattern.h"
#include "report/suppressions.h"

#define FILE_LIMIT ((size_t)16 << 20)

struct parser {
    struct suppressions *s;
    struct pool *pool;
    const char *file;
    unsigned line;
    const char *at, *end;
    struct buffer *errors;
    bool failed;
};

static void complain(struct parser *p, unsigned line, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void complain(struct parser *p, unsigned line, const char *format, ...)
{
    va_list arguments;
    buffer_printf(p->errors, "%s:%u: ", p->file, line);
    va_start(arguments, format);
    buffer_vprintf(p->errors, format, arguments);
    va_end(arguments);
    buffer_string(p->errors, "\n");
    p->failed = true;
}

/* Returns: the next line without blanks at its ends, in the pool, or NULL at the end of the file. */
static char *next_line(struct parser *p)
{
    if (p->at >= p->end)
        return NULL;
    const char *newline = memchr(p->at, '\n', (size_t)(p->end - p->at));
    const char *begin = p->at, *stop = newline ? newline : p->end;
    p->at = newline ? newline + 1 : p->end;
    p->line++;
    while (begin < stop && isspace((unsigned char)*begin))
        begin++;
    while (stop > begin && isspace((unsigned char)stop[-1]))
        stop--;
    return pool_copy(p->pool, begin, (size_t)(stop - begin));
}

static struct suppression_rule *add_rule(struct parser *p, enum rule_style style, const char *text)
{
    struct suppression_rule *rule = pool_alloc(p->pool, sizeof *rule);
    rule->style = style;
    rule->file = p->file;
    rule->line = p->line;
    rule->text = text;
    rule->kinds = "*";
    if (!p->s->last)
        p->s->last = &p->s->rules;
    *p->s->last = rule;
    p->s->last = &rule->next;
    return rule;
}

static void add_term(struct parser *p, struct suppression_rule *rule, enum term_field field, const char *pattern)
{
    struct suppression_term **at = &rule->terms;
    while (*at)
        at = &(*at)->next;
    *at = pool_alloc(p->pool, sizeof **at);
    (*at)->field = field;
    (*at)->pattern = pattern;
}

/* ---- kinds ------------------------------------------------------------------------------------------------------ */

/* How other tools call what a rule of theirs is about. */
struct foreign_kind {
    const char *name, *kinds;
};

#define MISUSE                                                                                                         \
    "unlock-*,destroy-*,use-*,double-*,invalid-object,cond-*,rwlock-*,sem-*,barrier-*,robust-*,lock-held-*,thread-"    \
    "leak,"                                                                                                            \
    "join-self,fork-*,signal-unsafe-lock,blocking-*"

static const struct foreign_kind tsan_kinds[] = {
    {"race", "data-race"},    {"race_top", "data-race"},        {"thread", "thread-leak"},
    {"mutex", MISUSE},        {"signal", "signal-unsafe-lock"}, {"deadlock", "lock-order-inversion,deadlock"},
    {"called_from_lib", "*"},
};

static const struct foreign_kind valgrind_kinds[] = {
    {"Race", "data-race"},
    {"ConflictingAccess", "data-race"},
    {"LockOrder", "lock-order-inversion"},
    {"UnlockUnlocked", "unlock-not-locked,rwlock-unlock-not-held"},
    {"UnlockForeign", "unlock-not-owned"},
    {"UnlockBogus", "invalid-object,use-*"},
    {"Dubious", "cond-*"},
    {"PthAPIerror", MISUSE},
    {"Misc", MISUSE},
    {"MutexErr", MISUSE},
    {"CondErr", "cond-*"},
    {"CondDestrErr", "destroy-with-waiters"},
    {"CondRaceErr", "cond-signal-unlocked"},
    {"CondWaitErr", "cond-*"},
    {"SemaphoreErr", "sem-*"},
    {"BarrierErr", "barrier-*"},
    {"RwlockErr", "rwlock-*"},
    {"HoldtimeErr", "lock-held-too-long"},
    {"GenericErr", MISUSE},
};

static const char *foreign(const struct foreign_kind *table, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(table[i].name, name) == 0)
            return table[i].kinds;
    return NULL;
}

static bool names_a_kind(const char *glob)
{
    for (size_t i = 0; i < catalogue_count; i++)
        if (pattern_glob(glob, catalogue[i].slug))
            return true;
    return false;
}

static bool set_kinds(struct parser *p, struct suppression_rule *rule, const char *name)
{
    const char *kinds = foreign(tsan_kinds, sizeof tsan_kinds / sizeof tsan_kinds[0], name);
    rule->kinds = kinds ? kinds : name;
    rule->is_for_other_kind = strcmp(rule->kinds, "data-race") == 0;
    rule->is_top_only |= strcmp(name, "race_top") == 0 || strcmp(name, "called_from_lib") == 0;
    if (!kinds && !rule->is_for_other_kind && !names_a_kind(name)) {
        complain(p, p->line, "'%s' is no kind of finding (lockhound help kinds lists them)", name);
        return false;
    }
    return true;
}

/* ---- kind:pattern ----------------------------------------------------------------------------------------------- */

static void parse_line_rule(struct parser *p, char *line)
{
    char *colon = strchr(line, ':');
    if (!colon || colon == line || !colon[1]) {
        complain(p, p->line, "expected kind:pattern, [name] or {, found '%s'", line);
        return;
    }
    struct suppression_rule *rule = add_rule(p, RULE_LINE, pool_string(p->pool, line));
    *colon = '\0';
    char *scope = strchr(line, '@');
    if (scope) {
        *scope++ = '\0';
        rule->is_top_only = strcmp(scope, "top") == 0;
        if (!rule->is_top_only && strcmp(scope, "any") != 0)
            complain(p, p->line, "after '@' stands 'top' or 'any', not '%s'", scope);
    }
    if (set_kinds(p, rule, line))
        add_term(p, rule, strcmp(line, "called_from_lib") == 0 ? TERM_MODULE : TERM_ANY, colon + 1);
    else
        add_term(p, rule, TERM_FINGERPRINT, "");
}

/* ---- [block] ---------------------------------------------------------------------------------------------------- */

static void parse_block_line(struct parser *p, struct suppression_rule *rule, char *line)
{
    static const struct {
        const char *key;
        enum term_field field;
    } keys[] = {{"frame", TERM_FRAME},        {"function", TERM_FUNCTION}, {"file", TERM_FILE},
                {"module", TERM_MODULE},      {"object", TERM_OBJECT},     {"fingerprint", TERM_FINGERPRINT},
                {"innermost", TERM_INNERMOST}};
    char *colon = strchr(line, ':');
    char *value = colon ? colon + 1 + strspn(colon + 1, " \t") : NULL;
    if (!value || !*value) {
        complain(p, p->line, "expected 'key: value' in the block '%s', found '%s'", rule->text, line);
        return;
    }
    *colon = '\0';
    if (strcmp(line, "kind") == 0) {
        set_kinds(p, rule, value);
        return;
    }
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        if (strcmp(line, keys[i].key) == 0) {
            add_term(p, rule, keys[i].field, value);
            return;
        }
    }
    complain(p, p->line,
             "'%s' is no key of a block: kind, frame, function, file, module, innermost, object, fingerprint", line);
}

static void parse_block(struct parser *p, char *line)
{
    size_t length = strlen(line);
    if (line[length - 1] != ']') {
        complain(p, p->line, "the name of the block has no ']'");
        return;
    }
    struct suppression_rule *rule = add_rule(p, RULE_BLOCK, pool_string(p->pool, line));
    while (p->at < p->end) {
        const char *before = p->at;
        char *next = next_line(p);
        if (*next == '[' || *next == '{') {
            p->at = before;
            p->line--;
            break;
        }
        if (!*next)
            break;
        if (*next != '#')
            parse_block_line(p, rule, next);
    }
    if (!rule->terms)
        complain(p, rule->line, "the block '%s' says nothing to match", rule->text);
}

/* ---- { Valgrind } ----------------------------------------------------------------------------------------------- */

/* "Helgrind:LockOrder", "drd,helgrind:Race".  A rule of another tool of Valgrind's is read and never used. */
static void parse_valgrind_kind(struct parser *p, struct suppression_rule *rule, char *line)
{
    char *colon = strchr(line, ':');
    rule->kinds = "";
    rule->is_for_other_kind = true;
    if (!colon) {
        complain(p, p->line, "expected tool:kind, found '%s'", line);
        return;
    }
    *colon = '\0';
    if (!strcasestr(line, "helgrind") && !strcasestr(line, "drd"))
        return;
    const char *kinds = foreign(valgrind_kinds, sizeof valgrind_kinds / sizeof valgrind_kinds[0], colon + 1);
    if (kinds) {
        rule->kinds = kinds;
        rule->is_for_other_kind = strcmp(kinds, "data-race") == 0;
    }
}

static void parse_valgrind_frame(struct parser *p, struct suppression_rule *rule, char *line)
{
    static const struct {
        const char *prefix;
        enum term_field field;
    } prefixes[] = {{"fun:", TERM_FUNCTION}, {"obj:", TERM_MODULE}, {"src:", TERM_FILE}};
    if (strcmp(line, "...") == 0) {
        add_term(p, rule, TERM_ELLIPSIS, "");
        return;
    }
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
        size_t length = strlen(prefixes[i].prefix);
        if (strncmp(line, prefixes[i].prefix, length) == 0 && line[length]) {
            /* Valgrind matches mangled names; a whole one can be made readable, as ours are. */
            bool is_mangled = strncmp(line + length, "_Z", 2) == 0 && !strpbrk(line, "*?");
            add_term(p, rule, prefixes[i].field, is_mangled ? demangle(p->pool, line + length) : line + length);
            return;
        }
    }
    /* Lines such as "Memcheck:Param" names belong to other tools' kinds. */
    if (*rule->kinds)
        complain(p, p->line, "expected fun:, obj:, src: or ..., found '%s'", line);
}

static void parse_valgrind(struct parser *p)
{
    unsigned opened = p->line, field = 0;
    struct suppression_rule *rule = NULL;
    char *line;
    while ((line = next_line(p)) != NULL && strcmp(line, "}") != 0) {
        if (!*line || *line == '#')
            continue;
        if (field == 0) {
            rule = add_rule(p, RULE_VALGRIND, line);
            rule->line = opened;
        } else if (field == 1) {
            parse_valgrind_kind(p, rule, line);
        } else {
            parse_valgrind_frame(p, rule, line);
        }
        field++;
    }
    if (!line)
        complain(p, opened, "the block that begins here has no '}'");
    else if (field < 2 || (*rule->kinds && !rule->terms))
        complain(p, opened, "a block of Valgrind's form needs a name, tool:kind and a frame");
}

/* ---- files ------------------------------------------------------------------------------------------------------ */

bool suppressions_parse(struct suppressions *s, const char *name, const char *text, size_t length,
                        struct buffer *errors)
{
    struct parser p = {.s = s, .pool = &s->pool, .at = text, .end = text + length, .errors = errors};
    char *line;
    p.file = pool_string(&s->pool, name);
    while ((line = next_line(&p)) != NULL)
        if (*line == '[')
            parse_block(&p, line);
        else if (strcmp(line, "{") == 0)
            parse_valgrind(&p);
        else if (*line && *line != '#')
            parse_line_rule(&p, line);
    return !p.failed;
}

const char *suppressions_defaults(void)
{
    return report_default_rules;
}

void suppressions_add_defaults(struct suppressions *s)
{
    struct buffer errors = {0};
    struct suppression_rule **first = s->last;
    suppressions_parse(s, "built in", report_default_rules, sizeof report_default_rules - 1, &errors);
    for (struct suppression_rule *rule = first ? *first : s->rules; rule; rule = rule->next)
        rule->is_compiled_in = true;
    buffer_free(&errors); /* a mistake there fails tests/unit/test_report_suppressions.c */
}

bool suppressions_load(struct suppressions *s, const char *path, struct buffer *errors)
{
    struct buffer text = {0};
    char bytes[16384];
    size_t n;
    FILE *file = fopen(path, "re");
    if (!file) {
        buffer_printf(errors, "%s: %s\n", path, strerror(errno));
        return false;
    }
    while ((n = fread(bytes, 1, sizeof bytes, file)) > 0 && text.length <= FILE_LIMIT)
        buffer_add(&text, bytes, n);
    bool was_read = !ferror(file) && text.length <= FILE_LIMIT;
    if (!was_read)
        buffer_printf(errors, "%s: %s\n", path, ferror(file) ? strerror(errno) : "larger than 16 MiB");
    fclose(file);
    buffer_add(&text, "", 0);
    bool is_good = was_read && suppressions_parse(s, path, text.data, text.length, errors);
    buffer_free(&text);
    return is_good;
}
