/* fuzz_names.c: any name is made readable within bounds or left alone. */
#include "fuzz.h"
#include "report/demangle.h"
#include "report/rust_name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pool pool = {0};
    struct buffer readable = {0};
    char *text = fuzz_text(data, size);
    bool is_name = rust_name_read(text, &readable);
    FUZZ_CHECK(is_name == (readable.length > 0) && readable.length <= RUST_NAME_LONGEST);
    const char *full = is_name ? readable.data : text, *name = demangle_without_parameters(&pool, full);
    FUZZ_CHECK(strncmp(full, name, strlen(name)) == 0);
    buffer_free(&readable);
    pool_free(&pool);
    free(text);
    return 0;
}
