/* fuzz_options.c: any LOCKHOUND_OPTIONS leaves options that are within their ranges, and complains inside the text. */
#include "fuzz.h"
#include "preload/options.h"

#include <stdlib.h>

static const char *begin, *end;

static void complain(const char *what, const char *word, size_t word_length)
{
    FUZZ_CHECK(what != NULL && what[0] != '\0');
    if (word != NULL && word_length > 0 && word >= begin && word <= end)
        FUZZ_CHECK(word + word_length <= end);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size);
    struct options options;
    begin = text;
    end = text + strlen(text);
    options_default(&options);
    options_parse(&options, text, complain);
    FUZZ_CHECK(options.on_deadlock <= ON_DEADLOCK_ABORT);
    FUZZ_CHECK(memchr(options.output, '\0', sizeof options.output) != NULL);
    free(text);
    return 0;
}
