#include "report/punycode.h"

#include <string.h>

/* RFC 3492, 5 */
enum { BASE = 36, TMIN = 1, TMAX = 26, SKEW = 38, DAMP = 700, INITIAL_BIAS = 72, INITIAL_LETTER = 0x80 };

enum { LAST_LETTER = 0x10ffff, FIRST_SURROGATE = 0xd800, LAST_SURROGATE = 0xdfff };

bool punycode_add_letter(struct buffer *out, uint32_t letter)
{
    char bytes[4];
    size_t length = letter < 0x80 ? 1 : letter < 0x800 ? 2 : letter < 0x10000 ? 3 : 4;
    static const unsigned char leads[] = {0, 0, 0xc0, 0xe0, 0xf0};
    if (letter > LAST_LETTER || (letter >= FIRST_SURROGATE && letter <= LAST_SURROGATE))
        return false;
    for (size_t i = length; i-- > 1; letter >>= 6)
        bytes[i] = (char)(0x80 | (letter & 0x3f));
    bytes[0] = (char)(leads[length] | letter);
    buffer_add(out, bytes, length);
    return true;
}

static uint32_t adapt(uint32_t delta, uint32_t letters, bool is_first)
{
    uint32_t k = 0;
    delta /= is_first ? DAMP : 2;
    delta += delta / letters;
    for (; delta > (BASE - TMIN) * TMAX / 2; k += BASE)
        delta /= BASE - TMIN;
    return k + (BASE - TMIN + 1) * delta / (delta + SKEW);
}

/* Returns: BASE for what is no digit. */
static uint32_t digit_of(char c)
{
    if (c >= 'a' && c <= 'z')
        return (uint32_t)(c - 'a');
    return c >= '0' && c <= '9' ? (uint32_t)(c - '0') + 26 : BASE;
}

/* Reads one number of variable length.  Returns: false when there is none, or it is too large for any name. */
static bool read_delta(const char **at, const char *end, uint32_t bias, uint32_t *delta)
{
    uint64_t sum = 0, weight = 1;
    for (uint32_t k = BASE; *at < end; k += BASE) {
        uint32_t digit = digit_of(*(*at)++), threshold = k <= bias ? TMIN : k >= bias + TMAX ? TMAX : k - bias;
        sum += digit * weight;
        if (digit == BASE || sum > UINT32_MAX / 2)
            return false;
        if (digit < threshold) {
            *delta = (uint32_t)sum;
            return true;
        }
        weight *= BASE - threshold;
        if (weight > UINT32_MAX)
            return false;
    }
    return false;
}

struct name {
    uint32_t letters[PUNYCODE_LONGEST], count;
};

static bool insert_letters(struct name *name, const char *at, const char *end)
{
    uint32_t letter = INITIAL_LETTER, place = 0, bias = INITIAL_BIAS, delta = 0;
    for (bool is_first = true; at < end; is_first = false) {
        if (name->count == PUNYCODE_LONGEST || !read_delta(&at, end, bias, &delta))
            return false;
        place += delta;
        bias = adapt(delta, name->count + 1, is_first);
        letter += place / (name->count + 1);
        place %= name->count + 1;
        memmove(&name->letters[place + 1], &name->letters[place], (name->count - place) * sizeof name->letters[0]);
        name->letters[place++] = letter;
        name->count++;
    }
    return true;
}

bool punycode_decode(const char *text, size_t length, struct buffer *out)
{
    struct name name = {.count = 0};
    const char *end = text + length, *plain_end = memrchr(text, '_', length), *at = plain_end ? plain_end + 1 : text;
    if (plain_end && plain_end - text > PUNYCODE_LONGEST)
        return false;
    for (const char *c = text; plain_end && c < plain_end; c++)
        name.letters[name.count++] = (unsigned char)*c;
    struct buffer letters = {0};
    bool is_name = insert_letters(&name, at, end);
    for (uint32_t i = 0; is_name && i < name.count; i++)
        is_name = punycode_add_letter(&letters, name.letters[i]);
    if (is_name)
        buffer_add(out, letters.data, letters.length);
    buffer_free(&letters);
    return is_name;
}
