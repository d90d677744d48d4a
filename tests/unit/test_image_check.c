/* test_image_check.c: an image that the writer made is believed; one that was damaged anywhere is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "weaver/image_check.h"
#include "weaver/image_hash.h"
#include "weaver/image_writer.h"

struct image {
    struct image_header *header;
    size_t size;
};

static void fill(struct image_draft *draft)
{
    draft_begin(draft);
    for (uint32_t i = 0; i < 100; i++) {
        struct image_site site = {.code = 16 * i, .module = 4096 + 16 * i, .size = 4, .cfa = IMAGE_CFA_RSP};
        draft_bytes(draft, IMAGE_MARK_OPCODE, IMAGE_MARK_AT);
        draft_u32(draft, image_mark(&site));
        draft_bytes(draft, "\x90\x90\x90\x90\x90\x90\x90\x90\x90", 9);
        *(struct image_entry *)draft_add(draft, &draft->entries) = (struct image_entry){4096 + 16 * i, 8 * i};
        *(struct image_call *)draft_add(draft, &draft->calls) = (struct image_call){4104 + 16 * i, 8 * i};
        *(struct image_hop *)draft_add(draft, &draft->hops) = (struct image_hop){16384 + 16 * i, 16390 + 16 * i};
        struct image_pad pad = {16390 + 16 * i, 8 * i, 16384 + 16 * i};
        *(struct image_pad *)draft_add(draft, &draft->pads) = pad;
        *(uint32_t *)draft_add(draft, &draft->fixups) = 16 * i + 8;
        *(struct image_place *)draft_add(draft, &draft->places) = (struct image_place){8 * i, 4096 + 16 * i};
        *(struct image_site *)draft_add(draft, &draft->sites) = site;
        *(struct image_gate *)draft_add(draft, &draft->gates) = (struct image_gate){8 + i, IMAGE_GATE_TAKES};
        struct image_range range = {4096 + 16 * i, 4108 + 16 * i};
        *(struct image_range *)draft_add(draft, &draft->containers) = range;
    }
    draft_leave(draft, 4096, 3, "main", "for a test");
}

static struct image load(const char *path)
{
    struct image image = {NULL, 0};
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    image.size = (size_t)ftell(file);
    rewind(file);
    image.header = malloc(image.size);
    assert_int_equal(fread(image.header, 1, image.size, file), image.size);
    fclose(file);
    return image;
}

static struct image written(void)
{
    char path[] = "/tmp/lockhound-image-XXXXXX";
    const char *message = NULL;
    struct elf_module module = {.size = 123, .build_id_size = 20};
    struct image_draft draft;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    fill(&draft);
    assert_int_equal(image_write(&draft, &module, path, 0, &message), 0);
    draft_end(&draft);
    struct image image = load(path);
    unlink(path);
    return image;
}

/* After a change to what the checksum covers. */
static void seal(struct image *image)
{
    struct image_header *header = image->header;
    header->checksum = image_hash(IMAGE_HASH_START, header + 1, image->size - sizeof *header);
}

static void written_image_is_believed(void **unused)
{
    (void)unused;
    struct image image = written();
    assert_null(image_check(image.header, image.size));
    assert_int_equal(image.header->entries.count, 100);
    free(image.header);
}

static void short_files_are_refused(void **unused)
{
    (void)unused;
    struct image image = written();
    for (size_t size = 0; size < image.size; size += size < 1024 ? 1 : 509) {
        struct image_header *part = malloc(size + 1);
        memcpy(part, image.header, size);
        assert_non_null(image_check(part, size));
        free(part);
    }
    free(image.header);
}

static void damage_is_seen(void **unused)
{
    (void)unused;
    struct image image = written();
    for (size_t i = sizeof *image.header; i < image.size; i += 37) {
        ((uint8_t *)image.header)[i] ^= 0x10;
        assert_non_null(image_check(image.header, image.size));
        ((uint8_t *)image.header)[i] ^= 0x10;
    }
    assert_null(image_check(image.header, image.size));
    free(image.header);
}

static void header_alone_is_looked_at_when_that_is_asked_for(void **unused)
{
    (void)unused;
    struct image image = written();
    ((uint8_t *)image.header)[image.size - 1] ^= 1;
    assert_non_null(image_check(image.header, image.size));
    assert_null(image_check_header(image.header, image.size));
    image.header->entries.offset = image.size;
    assert_non_null(image_check_header(image.header, image.size));
    free(image.header);
}

static void tables_out_of_bounds_are_refused(void **unused)
{
    (void)unused;
    static const uint64_t wrong[] = {UINT64_MAX, UINT64_MAX - 7, UINT64_C(1) << 63, UINT64_C(1) << 32, 1, 8};
    struct image image = written();
    struct image_table *tables[] = {&image.header->entries, &image.header->calls, &image.header->fixups,
                                    &image.header->hops,    &image.header->pads,  &image.header->places,
                                    &image.header->sites,   &image.header->gates, &image.header->containers,
                                    &image.header->left};
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        struct image_table sound = *tables[i];
        for (size_t k = 0; k < sizeof wrong / sizeof wrong[0]; k++) {
            tables[i]->offset = wrong[k];
            assert_non_null(image_check(image.header, image.size));
            *tables[i] = sound;
            if (wrong[k] > 100) {
                tables[i]->count = wrong[k];
                assert_non_null(image_check(image.header, image.size));
                *tables[i] = sound;
            }
        }
    }
    free(image.header);
}

static void ranges_that_overlap_are_refused(void **unused)
{
    (void)unused;
    struct image image = written();
    struct image_range *ranges = (void *)((char *)image.header + image.header->containers.offset);
    ranges[50].high = ranges[51].low + 1;
    seal(&image);
    assert_non_null(image_check(image.header, image.size));
    ranges[50].high = ranges[50].low;
    seal(&image);
    assert_non_null(image_check(image.header, image.size));
    ranges[50].high = ranges[51].low;
    seal(&image);
    assert_null(image_check(image.header, image.size));
    free(image.header);
}

static void offsets_out_of_the_code_are_refused(void **unused)
{
    (void)unused;
    struct image image = written();
    char *bytes = (char *)image.header;
    uint32_t *fields[] = {&((struct image_entry *)(void *)(bytes + image.header->entries.offset))[99].code,
                          &((struct image_call *)(void *)(bytes + image.header->calls.offset))[99].code,
                          &((struct image_pad *)(void *)(bytes + image.header->pads.offset))[99].code,
                          &((struct image_pad *)(void *)(bytes + image.header->pads.offset))[99].entry,
                          &((struct image_hop *)(void *)(bytes + image.header->hops.offset))[99].pad,
                          &((uint32_t *)(void *)(bytes + image.header->fixups.offset))[99],
                          &((struct image_place *)(void *)(bytes + image.header->places.offset))[99].code,
                          &((struct image_site *)(void *)(bytes + image.header->sites.offset))[99].code,
                          &((struct image_gate *)(void *)(bytes + image.header->gates.offset))[99].code,
                          &((struct image_gate *)(void *)(bytes + image.header->gates.offset))[99].kind,
                          &((struct image_left *)(void *)(bytes + image.header->left.offset))[0].reason};
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        uint32_t sound = *fields[i];
        *fields[i] = UINT32_MAX;
        seal(&image);
        assert_non_null(image_check(image.header, image.size));
        *fields[i] = 1601;
        seal(&image);
        assert_non_null(image_check(image.header, image.size));
        *fields[i] = sound;
    }
    seal(&image);
    assert_null(image_check(image.header, image.size));
    free(image.header);
}

static void patches_that_overlap_are_refused(void **unused)
{
    (void)unused;
    struct image image = written();
    struct image_entry *entries = (void *)((char *)image.header + image.header->entries.offset);
    entries[7].module = entries[6].module + 4;
    seal(&image);
    assert_non_null(image_check(image.header, image.size));
    free(image.header);
}

static void marks_say_what_their_sites_say(void **unused)
{
    (void)unused;
    static const uint32_t sizes[] = {0, 1, 2, 3, 4, 8, 10, 16, 32, 62, 64};
    static const int16_t offsets[] = {0, 8, -8, 4096, INT16_MAX, INT16_MIN};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        for (size_t k = 0; k < sizeof offsets / sizeof offsets[0]; k++) {
            const struct image_site site = {.size = sizes[i],
                                            .flags = (uint8_t)(1 << (i + k) % 8),
                                            .cfa = (uint8_t)((i + k) % (IMAGE_CFA_OTHER + 1)),
                                            .cfa_offset = offsets[k]};
            const struct image_site read = image_mark_read(image_mark(&site));
            assert_int_equal(read.size, site.size);
            assert_int_equal(read.flags, site.flags);
            assert_int_equal(read.cfa, site.cfa);
            assert_int_equal(read.cfa_offset, site.cfa_offset);
        }
    }
}

static void other_marks_are_refused(void **unused)
{
    (void)unused;
    struct image image = written();
    struct image_site *sites = (void *)((char *)image.header + image.header->sites.offset);
    sites[7].flags ^= IMAGE_SITE_WRITE;
    seal(&image);
    assert_non_null(image_check(image.header, image.size));
    sites[7].flags ^= IMAGE_SITE_WRITE;
    sites[7].code++;
    seal(&image);
    assert_non_null(image_check(image.header, image.size));
    free(image.header);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(written_image_is_believed),
        cmocka_unit_test(short_files_are_refused),
        cmocka_unit_test(damage_is_seen),
        cmocka_unit_test(header_alone_is_looked_at_when_that_is_asked_for),
        cmocka_unit_test(tables_out_of_bounds_are_refused),
        cmocka_unit_test(ranges_that_overlap_are_refused),
        cmocka_unit_test(offsets_out_of_the_code_are_refused),
        cmocka_unit_test(marks_say_what_their_sites_say),
        cmocka_unit_test(other_marks_are_refused),
        cmocka_unit_test(patches_that_overlap_are_refused),
    };
    return cmocka_run_group_tests_name("image_check", tests, NULL, NULL);
}
