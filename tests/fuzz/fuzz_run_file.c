/* fuzz_run_file.c: any file is read to its end as a run file; every finding kept is whole. */
#include "fuzz.h"
#include "report/run_reader.h"

#include <sys/mman.h>
#include <unistd.h>

static void take(void *ctx, struct run *run, struct run_finding *finding)
{
    (void)ctx;
    for (size_t i = 0; i < finding->party_count; i++) {
        FUZZ_CHECK(finding->parties[i].role != NULL);
        FUZZ_CHECK(finding->parties[i].held_count == 0 || finding->parties[i].held != NULL);
    }
    FUZZ_CHECK(finding->kind != NULL && finding->process != NULL);
    snprintf(finding->fingerprint, sizeof finding->fingerprint, "%016zx", run->finding_count);
    run_merge_finding(run, finding);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int fd = -1;
    static char path[32];
    if (fd < 0) {
        fd = memfd_create("fuzz.lockhound", MFD_CLOEXEC);
        FUZZ_CHECK(fd >= 0);
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    }
    FUZZ_CHECK(ftruncate(fd, 0) == 0 && pwrite(fd, data, size, 0) == (ssize_t)size);

    struct run run = {0};
    struct run_reader reader;
    FUZZ_CHECK(run_reader_open(&reader, path, &run, take, NULL) == 0);
    FUZZ_CHECK(run_reader_poll(&reader) == 0);
    run_reader_close(&reader);
    run_free(&run);
    return 0;
}
