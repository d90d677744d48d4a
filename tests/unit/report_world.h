/* report_world.h: run files and resolved findings made in memory, for the tests of report/. */
#ifndef TESTS_UNIT_REPORT_WORLD_H
#define TESTS_UNIT_REPORT_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "report/intake.h"

/* An anonymous file that a reader opens by `path`. */
struct world_file {
    int fd;
    char path[32];
};

void world_file_open(struct world_file *file);
void world_file_append(struct world_file *file, const char *text);
void world_file_close(struct world_file *file);

#define WORLD_PROCESS "{\"r\":\"process\",\"format\":1,\"pid\":7,\"exe\":\"/bin/x\",\"argv\":[\"x\"]}\n"
#define WORLD_SUMMARY "{\"r\":\"summary\",\"pid\":7,\"reason\":\"exit\",\"counts\":{\"events\":3}}\n"

/* Appends a finding of symbolic frames: thread 1 in `function` called by main makes `kind`, on the mutex 1. */
void world_file_append_finding(struct world_file *file, const char *kind, const char *function);

#endif
