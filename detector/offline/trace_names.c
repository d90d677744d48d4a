#include "detector/offline/trace_names.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Numbered names live where no address or T<n> of a recorded trace can be. */
#define NAMED_LABEL_BASE   UINT32_C(0x80000000)
#define NAMED_ADDRESS_BASE UINT64_C(0xff00000000000000)
enum { NAMED_ADDRESS_STEP = 4096, FIRST_CAPACITY = 64, MAX_NAMES = 0x7fffffff };

void trace_names_init(struct trace_names *names, const struct detector_host *host)
{
    *names = (struct trace_names){.host = host};
    hash_table_init(&names->by_text, host);
}

void trace_names_release(struct trace_names *names)
{
    hash_table_release(&names->by_text);
    if (names->texts)
        names->host->free(names->host->ctx, names->texts, names->capacity * sizeof *names->texts);
    names->texts = NULL;
    names->count = names->capacity = 0;
}

/* ---- numbering -------------------------------------------------------------------------------------------------- */

static uint64_t text_hash(struct trace_slice text)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a */
    for (size_t i = 0; i < text.length; i++)
        hash = (hash ^ (unsigned char)text.text[i]) * UINT64_C(0x100000001b3);
    return hash_mix(hash, text.length);
}

/* The table's items are positions in `texts`, as pointers into it would move; a key brings both. */
struct name_key {
    const struct trace_names *names;
    struct trace_slice text;
};

static void *item_of(size_t number)
{
    return (void *)number;
}

static bool name_matches(const void *item, const void *key)
{
    const struct name_key *wanted = key;
    struct trace_slice text = wanted->names->texts[(uintptr_t)item - 1];
    return text.length == wanted->text.length && memcmp(text.text, wanted->text.text, text.length) == 0;
}

static bool reserve(struct trace_names *names)
{
    if (names->count < names->capacity)
        return true;
    size_t capacity = names->capacity ? names->capacity * 2 : FIRST_CAPACITY;
    struct trace_slice *texts = names->host->alloc(names->host->ctx, capacity * sizeof *texts);
    if (!texts)
        return false;
    if (names->texts) {
        memcpy(texts, names->texts, names->count * sizeof *texts);
        names->host->free(names->host->ctx, names->texts, names->capacity * sizeof *texts);
    }
    names->texts = texts;
    names->capacity = capacity;
    return true;
}

/* Returns: the number of the name, from 1, or 0 when there is no memory. */
static uint32_t number_of(struct trace_names *names, struct trace_slice text)
{
    const struct name_key key = {names, text};
    uint64_t hash = text_hash(text);
    uintptr_t known = (uintptr_t)hash_table_find(&names->by_text, hash, name_matches, &key);
    if (known)
        return (uint32_t)known;
    if (names->count == MAX_NAMES || !reserve(names))
        return 0;
    names->texts[names->count] = text;
    if (!hash_table_insert(&names->by_text, hash, item_of(names->count + 1)))
        return 0;
    return (uint32_t)++names->count;
}

static int digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Returns: true when the text from `skip` on is a number below `limit` just as trace_write.c would write it. */
static bool parse_canonical(struct trace_slice text, size_t skip, unsigned base, uint64_t limit, uint64_t *number)
{
    if (text.length <= skip || (text.text[skip] == '0' && text.length > skip + 1))
        return false;
    uint64_t value = 0;
    for (size_t i = skip; i < text.length; i++) {
        int digit = digit_value(text.text[i]);
        if (digit < 0 || (unsigned)digit >= base || value > (limit - 1 - (unsigned)digit) / base)
            return false;
        value = value * base + (unsigned)digit;
    }
    *number = value;
    return true;
}

static bool resolve_thread(struct trace_names *names, struct trace_slice text, uint32_t *label)
{
    uint64_t number = 0;
    if (text.text[0] == 'T' && parse_canonical(text, 1, 10, NAMED_LABEL_BASE, &number)) {
        *label = (uint32_t)number;
        return true;
    }
    uint32_t name = number_of(names, text);
    *label = NAMED_LABEL_BASE + name;
    return name != 0;
}

/* A name, unlike an address, stands for one object for ever: static, in the words of the detector. */
static bool resolve_object(struct trace_names *names, struct trace_slice text, uint64_t *address, uint32_t *flags)
{
    if (text.length > 2 && text.text[0] == '0' && text.text[1] == 'x' &&
        parse_canonical(text, 2, 16, NAMED_ADDRESS_BASE, address))
        return true;
    uint32_t name = number_of(names, text);
    *flags |= EVENT_STATIC;
    *address = NAMED_ADDRESS_BASE + (uint64_t)name * NAMED_ADDRESS_STEP;
    return name != 0;
}

bool trace_names_resolve(struct trace_names *names, const struct trace_record *record, struct event *event)
{
    *event = (struct event){
        .kind = record->kind,
        .flags = record->flags,
        .object = record->number,
        .size = record->size,
        .count = record->count,
        .object_kind = record->object_kind,
        .order = record->order,
    };
    bool is_number = event_rules[record->kind].operand == OPERAND_NUMBER;
    if (!resolve_thread(names, record->thread, &event->thread))
        return false;
    if (record->target.length && !resolve_thread(names, record->target, &event->target))
        return false;
    if (record->object.length && !is_number && !resolve_object(names, record->object, &event->object, &event->flags))
        return false;
    if (record->mutex.length && !resolve_object(names, record->mutex, &event->mutex, &event->flags))
        return false;
    if (record->site.length)
        event->at.v = number_of(names, record->site);
    return !record->site.length || event->at.v != 0;
}

/* ---- and back --------------------------------------------------------------------------------------------------- */

static struct trace_slice text_of(const struct trace_names *names, uint64_t number)
{
    return number >= 1 && number <= names->count ? names->texts[number - 1] : (struct trace_slice){"?", 1};
}

struct trace_slice trace_names_thread(const struct trace_names *names, uint32_t label, char buffer[TRACE_NAME_MAX])
{
    if (label >= NAMED_LABEL_BASE)
        return text_of(names, label - NAMED_LABEL_BASE);
    int length = snprintf(buffer, TRACE_NAME_MAX, "T%" PRIu32, label);
    return (struct trace_slice){buffer, (size_t)length};
}

struct trace_slice trace_names_object(const struct trace_names *names, uint64_t address, char buffer[TRACE_NAME_MAX])
{
    if (address >= NAMED_ADDRESS_BASE)
        return text_of(names, (address - NAMED_ADDRESS_BASE) / NAMED_ADDRESS_STEP);
    int length = snprintf(buffer, TRACE_NAME_MAX, "0x%" PRIx64, address);
    return (struct trace_slice){buffer, (size_t)length};
}

struct trace_slice trace_names_site(const struct trace_names *names, struct stack_id site)
{
    return site.v ? text_of(names, site.v) : (struct trace_slice){"-", 1};
}
