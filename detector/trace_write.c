#include "detector/trace_write.h"

#include "detector/trace_words.h"

/* Where the next byte goes; one byte is kept for the newline. */
struct cursor {
    char *at;
    char *end;
};

static void put_byte(struct cursor *out, char byte)
{
    if (out->at < out->end)
        *out->at++ = byte;
}

static void put_text(struct cursor *out, const char *text)
{
    for (; *text; text++)
        put_byte(out, *text);
}

static void put_number(struct cursor *out, uint64_t number, unsigned base)
{
    char digits[20];
    size_t count = 0;
    do {
        digits[count++] = "0123456789abcdef"[number % base];
        number /= base;
    } while (number);
    while (count > 0)
        put_byte(out, digits[--count]);
}

static void put_thread(struct cursor *out, uint32_t label)
{
    put_byte(out, 'T');
    put_number(out, label, 10);
}

static void put_address(struct cursor *out, uint64_t address)
{
    put_text(out, "0x");
    put_number(out, address, 16);
}

static void put_operand(struct cursor *out, const struct event *event)
{
    switch (event_rules[event->kind].operand) {
    case OPERAND_NOTHING:
        break;
    case OPERAND_OBJECT:
        put_address(out, event->object);
        break;
    case OPERAND_OBJECT_AND_MUTEX:
        put_address(out, event->object);
        put_byte(out, ',');
        put_address(out, event->mutex);
        break;
    case OPERAND_THREAD:
        put_thread(out, event->target);
        break;
    case OPERAND_NUMBER:
        put_number(out, event->object, 10);
        break;
    case OPERAND_ANYTHING:
        if (event->object)
            put_address(out, event->object);
        break;
    }
}

static void put_word(struct cursor *out, const char *word)
{
    put_byte(out, ',');
    put_text(out, word);
}

static void put_words(struct cursor *out, const struct event *event)
{
    uint32_t flags = event->flags & event_rules[event->kind].flags;
    if (flags & EVENT_HAS_KIND)
        put_word(out, trace_kind_words[event->object_kind]);
    for (size_t i = 0; i < TRACE_FLAG_WORD_COUNT; i++)
        if (flags & trace_flag_words[i].flag)
            put_word(out, trace_flag_words[i].word);
    if (flags & EVENT_HAS_ORDER)
        put_word(out, trace_order_words[event->order]);
    if (flags & EVENT_HAS_SIZE) {
        put_word(out, TRACE_SIZE_KEY);
        put_number(out, event->size, 10);
    }
    if (flags & EVENT_HAS_COUNT) {
        put_word(out, TRACE_COUNT_KEY);
        put_number(out, event->count, 10);
    }
}

static void put_site(struct cursor *out, const char *site)
{
    for (; *site; site++)
        put_byte(out, *site == '\n' || *site == '\r' || *site == '|' ? '_' : *site);
}

size_t trace_write_event(char *buffer, size_t size, const struct event *event, const char *site)
{
    if (size < TRACE_EVENT_MAX)
        return 0;
    struct cursor out = {buffer, buffer + size - 1};
    put_thread(&out, event->thread);
    put_byte(&out, '|');
    put_text(&out, event_rules[event->kind].word);
    put_byte(&out, '(');
    put_operand(&out, event);
    put_words(&out, event);
    put_text(&out, ")|");
    if (site)
        put_site(&out, site);
    else
        put_number(&out, event->at.v, 10);
    *out.at++ = '\n';
    return (size_t)(out.at - buffer);
}
