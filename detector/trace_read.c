#include "detector/trace_read.h"

#include <string.h>

#include "detector/trace_words.h"

/* The line at hand: what is left of it to read, and the first error met. */
struct line {
    const char *begin;
    const char *at;
    const char *end;
    const char *message; /* NULL: no error so far */
    const char *wrong;   /* where */
};

void trace_reader_init(struct trace_reader *reader, const char *text, size_t length)
{
    *reader = (struct trace_reader){.text = text, .length = length};
}

static bool fail(struct line *line, const char *where, const char *message)
{
    line->message = message;
    line->wrong = where;
    return false;
}

static bool slice_is(struct trace_slice slice, const char *word)
{
    return slice.length == strlen(word) && memcmp(slice.text, word, slice.length) == 0;
}

static struct trace_slice trim(const char *begin, const char *end)
{
    while (begin < end && (*begin == ' ' || *begin == '\t'))
        begin++;
    while (begin < end && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    return (struct trace_slice){begin, (size_t)(end - begin)};
}

/* Takes the text up to `stop`, which is passed over, or to `end` when there is none. */
static struct trace_slice take_until(const char **at, const char *end, char stop)
{
    const char *begin = *at;
    const char *found = begin < end ? memchr(begin, stop, (size_t)(end - begin)) : NULL;
    *at = found ? found + 1 : end;
    return trim(begin, found ? found : end);
}

/* Returns: true and sets *number when the slice is a decimal number that fits. */
static bool parse_number(struct trace_slice slice, uint64_t *number)
{
    uint64_t value = 0;
    for (size_t i = 0; i < slice.length; i++) {
        if (slice.text[i] < '0' || slice.text[i] > '9')
            return false;
        unsigned digit = (unsigned)(slice.text[i] - '0');
        if (value > (UINT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *number = value;
    return slice.length > 0;
}

/* ---- words after the operand ------------------------------------------------------------------------------------ */

static bool starts_with(struct trace_slice slice, const char *key)
{
    return slice.length >= strlen(key) && memcmp(slice.text, key, strlen(key)) == 0;
}

/* Returns: the flag that the word stands for, having set its value in *record, or 0 when it is no such word. */
static uint32_t parse_word(struct trace_slice word, struct trace_record *record)
{
    for (size_t i = 0; i < TRACE_FLAG_WORD_COUNT; i++)
        if (slice_is(word, trace_flag_words[i].word))
            return trace_flag_words[i].flag;
    for (unsigned kind = 0; kind < OBJECT_KIND_COUNT; kind++) {
        if (slice_is(word, trace_kind_words[kind])) {
            record->object_kind = (enum object_kind)kind;
            return EVENT_HAS_KIND;
        }
    }
    for (unsigned order = 0; order < ORDER_COUNT; order++) {
        if (slice_is(word, trace_order_words[order])) {
            record->order = (enum event_order)order;
            return EVENT_HAS_ORDER;
        }
    }
    return 0;
}

/* As parse_word(), for size=N and count=N. */
static uint32_t parse_setting(struct trace_slice word, struct trace_record *record)
{
    bool is_size = starts_with(word, TRACE_SIZE_KEY);
    size_t key_length = strlen(is_size ? TRACE_SIZE_KEY : TRACE_COUNT_KEY);
    uint64_t number = 0;
    if (!is_size && !starts_with(word, TRACE_COUNT_KEY))
        return 0;
    if (!parse_number((struct trace_slice){word.text + key_length, word.length - key_length}, &number))
        return 0;
    if (is_size) {
        record->size = number;
        return EVENT_HAS_SIZE;
    }
    if (number > UINT32_MAX)
        return 0;
    record->count = (uint32_t)number;
    return EVENT_HAS_COUNT;
}

static bool parse_words(struct line *line, const char *at, const char *end, struct trace_record *record)
{
    while (at < end) {
        struct trace_slice word = take_until(&at, end, ',');
        uint32_t flag = parse_word(word, record);
        if (!flag)
            flag = parse_setting(word, record);
        if (!flag)
            return fail(line, word.text, "unknown word after the operand");
        if (!(event_rules[record->kind].flags & flag))
            return fail(line, word.text, "this operation does not take this word");
        if (record->flags & flag)
            return fail(line, word.text, "said twice");
        record->flags |= flag;
    }
    return true;
}

/* ---- operation and operand -------------------------------------------------------------------------------------- */

static bool parse_kind(struct line *line, struct trace_slice word, struct trace_record *record)
{
    for (unsigned kind = 0; kind < EVENT_KIND_COUNT; kind++) {
        if (slice_is(word, event_rules[kind].word)) {
            record->kind = (enum event_kind)kind;
            return true;
        }
    }
    return fail(line, word.text, "unknown operation; docs/trace-format.md lists them all");
}

/* Parses what stands between the parentheses. */
static bool parse_operand(struct line *line, const char *at, const char *end, struct trace_record *record)
{
    enum event_operand shape = event_rules[record->kind].operand;
    if (shape == OPERAND_ANYTHING) {
        record->object = trim(at, end);
        return true;
    }
    if (shape == OPERAND_NOTHING)
        return trim(at, end).length == 0 || fail(line, at, "this operation takes no operand");
    const char *begin = at;
    struct trace_slice first = take_until(&at, end, ',');
    if (first.length == 0)
        return fail(line, begin, "the operand is missing");
    if (shape == OPERAND_NUMBER && !parse_number(first, &record->number))
        return fail(line, first.text, "a decimal number is expected");
    *(shape == OPERAND_THREAD ? &record->target : &record->object) = first;
    if (shape == OPERAND_OBJECT_AND_MUTEX) {
        record->mutex = take_until(&at, end, ',');
        if (record->mutex.length == 0)
            return fail(line, at, "a condition and its mutex are expected, as in wait(c,m)");
    }
    return parse_words(line, at, end, record);
}

/* Parses op(operand): the last ')' ends it, because names of other tools may hold parentheses. */
static bool parse_operation(struct line *line, struct trace_slice text, struct trace_record *record)
{
    const char *end = text.text + text.length;
    const char *open = text.length ? memchr(text.text, '(', text.length) : NULL;
    if (!open)
        return fail(line, text.text, "an operation with parentheses is expected, as in acq(l)");
    if (end[-1] != ')')
        return fail(line, end, "the closing parenthesis of the operation is missing");
    return parse_kind(line, trim(text.text, open), record) && parse_operand(line, open + 1, end - 1, record);
}

static bool parse_line(struct line *line, struct trace_record *record)
{
    *record = (struct trace_record){.flags = 0};
    record->thread = take_until(&line->at, line->end, '|');
    if (record->thread.length == 0)
        return fail(line, line->begin, "the thread is missing; a line is thread|operation(operand)|site");
    if (line->at == line->end)
        return fail(line, line->end, "the operation is missing; a line is thread|operation(operand)|site");
    struct trace_slice operation = take_until(&line->at, line->end, '|');
    if (!parse_operation(line, operation, record))
        return false;
    record->site = trim(line->at, line->end);
    return true;
}

/* ---- lines ------------------------------------------------------------------------------------------------------ */

/* Returns: false at the end of the text. */
static bool next_line(struct trace_reader *reader, struct line *line)
{
    if (reader->offset >= reader->length)
        return false;
    const char *begin = reader->text + reader->offset;
    size_t left = reader->length - reader->offset;
    const char *newline = memchr(begin, '\n', left);
    const char *end = newline ? newline : begin + left;
    reader->offset += (size_t)(end - begin) + (newline != NULL);
    reader->line++;
    if (end > begin && end[-1] == '\r')
        end--;
    *line = (struct line){.begin = begin, .at = begin, .end = end};
    return true;
}

static bool says_nothing(const struct line *line)
{
    struct trace_slice content = trim(line->begin, line->end);
    return content.length == 0 || content.text[0] == '#';
}

enum trace_status trace_read_next(struct trace_reader *reader, struct trace_record *record, struct trace_error *error)
{
    struct line line;
    do {
        if (!next_line(reader, &line))
            return TRACE_END;
    } while (says_nothing(&line));
    if (parse_line(&line, record))
        return TRACE_RECORD;
    *error = (struct trace_error){reader->line, (size_t)(line.wrong - line.begin) + 1, line.message};
    return TRACE_ERROR;
}
