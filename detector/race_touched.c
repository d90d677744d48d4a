#include "detector/race_touched.h"

#include "detector/prefetch.h"
#include "detector/race_ahead.h"

void race_touch_marked(const struct race_engine *engine, struct race_part *part)
{
    for (uint32_t word = 0; word < race_chunk_count(engine) / 64; word++) {
        for (uint64_t bits = part->marked[word]; bits != 0; bits &= bits - 1) {
            uint32_t chunk = word * 64 + (uint32_t)__builtin_ctzll(bits);
            race_touch(part, chunk, RACE_ALL_LINES, true);
        }
    }
}

void race_mark_page(struct race_engine *engine, struct race_part *part, uint32_t page, bool writes)
{
    relaxed_store(&part->pages, relaxed_load(&part->pages) + 1);
    atomic_fetch_add_explicit(&engine->pages, 1, memory_order_relaxed); /* a measure */
    race_ahead(engine, part, page, writes);
}

/* Has the lines of a word come while others are looked at. */
static void fetch_word(const struct race_engine *engine, const struct race_plane *plane, uint32_t word)
{
    const struct race_part *part = race_part(plane);
    for (uint64_t lines = part->touched[word]; lines != 0; lines &= lines - 1) {
        uint32_t low = (word * 64 + (uint32_t)__builtin_ctzll(lines)) << RACE_LINE_SHIFT;
        prefetch_write(plane->tags + low);
        if ((part->written[word] & lines & -lines) != 0)
            prefetch_write(plane->writes + low);
        prefetch_write(&engine->chunks[low >> RACE_CHUNK_SHIFT]);
    }
}

static void visit_word(struct race_engine *engine, struct race_plane *plane, uint32_t word, race_chunk_visit *visit)
{
    uint64_t *touched = &race_part(plane)->touched[word], *written = &race_part(plane)->written[word];
    for (uint64_t left = *touched; left != 0;) {
        uint32_t shift = (uint32_t)__builtin_ctzll(left) / RACE_CHUNK_LINES * RACE_CHUNK_LINES;
        uint64_t lines = left >> shift & RACE_ALL_LINES;
        uint64_t stay = visit(engine, plane, (word * 64 + shift) / RACE_CHUNK_LINES, lines);
        *touched &= ~((lines & ~stay) << shift);
        *written &= *touched;
        left &= ~(lines << shift);
    }
}

/* The lines of a word are few and lie apart: those of some words ahead are under way meanwhile. */
static void visit_words(struct race_engine *engine, struct race_plane *plane, uint32_t s, race_chunk_visit *visit)
{
    enum { AHEAD = 6 };
    struct race_part *part = race_part(plane);
    uint64_t words = part->summary[s], ahead = words;
    for (uint32_t i = 0; i < AHEAD && ahead != 0; i++, ahead &= ahead - 1)
        fetch_word(engine, plane, s * 64 + (uint32_t)__builtin_ctzll(ahead));
    for (; words != 0; words &= words - 1, ahead &= ahead - 1) {
        uint32_t word = s * 64 + (uint32_t)__builtin_ctzll(words);
        if (ahead != 0)
            fetch_word(engine, plane, s * 64 + (uint32_t)__builtin_ctzll(ahead));
        visit_word(engine, plane, word, visit);
        if (part->touched[word] == 0)
            part->summary[s] &= ~(UINT64_C(1) << word % 64);
    }
}

void race_touched_visit(struct race_engine *engine, struct race_plane *plane, race_chunk_visit *visit)
{
    struct race_part *part = race_part(plane);
    for (uint32_t o = 0; o < RACE_LINES_MOST / 64 / 64 / 64; o++) {
        for (uint64_t summaries = part->overview[o]; summaries != 0; summaries &= summaries - 1) {
            uint32_t s = o * 64 + (uint32_t)__builtin_ctzll(summaries);
            visit_words(engine, plane, s, visit);
            if (part->summary[s] == 0)
                part->overview[o] &= ~(UINT64_C(1) << s % 64);
        }
    }
}
