/* fuzz_suppressions.c: any file of rules is either read or complained of, and what was read can be reviewed. */
#include "fuzz.h"
#include "report/suppressions.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct suppressions rules = {0};
    struct buffer errors = {0}, review = {0};
    char *text = fuzz_text(data, size);
    bool fine = suppressions_parse(&rules, "fuzz.supp", text, size, &errors);
    FUZZ_CHECK(fine == (errors.length == 0));
    suppressions_review(&rules, &review);
    suppressions_free(&rules);
    buffer_free(&errors);
    buffer_free(&review);
    free(text);
    return 0;
}
