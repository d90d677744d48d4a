#include "detector/race_ahead.h"

#include "detector/race_touched.h"

enum {
    PAGES_FIRST = 8, /* around a page with a neighbour, aligned */
    PAGES_MOST = 32
};

static bool has_tags(const struct race_part *part, uint32_t page)
{
    return page <= part->window / RACE_PAGE && race_page_is_marked(part, page);
}

/* A window does not begin with a page of memory, so that one more takes part. */
static void ask_window(const struct race_engine *engine, uint8_t *window, uint32_t page, uint32_t pages)
{
    uintptr_t begin = ((uintptr_t)window + (uintptr_t)page * RACE_PAGE) & ~(uintptr_t)(RACE_PAGE - 1);
    engine->host.populate(engine->host.ctx, (void *)begin, ((size_t)pages + 1) * RACE_PAGE);
}

static void ask(const struct race_engine *engine, struct race_part *part, struct race_asked *asked, uint32_t page,
                uint32_t pages, bool writes)
{
    uint32_t rest = part->window / RACE_PAGE + 1 - page;
    *asked = (struct race_asked){.next = page + pages, .pages = pages};
    ask_window(engine, part->tags, page, pages < rest ? pages : rest);
    if (writes)
        ask_window(engine, part->writes, page, pages < rest ? pages : rest);
}

void race_ahead(const struct race_engine *engine, struct race_part *part, uint32_t page, bool writes)
{
    if (engine->host.populate == NULL || engine->host.budget != 0)
        return;
    for (uint32_t i = 0; i < RACE_ASKED; i++) {
        struct race_asked *asked = &part->asked[i];
        if (page == asked->next && asked->pages != 0) {
            ask(engine, part, asked, page, asked->pages < PAGES_MOST ? 2 * asked->pages : PAGES_MOST, writes);
            return;
        }
        if (asked->next - page - 1 < asked->pages)
            return;
    }
    if (has_tags(part, page - 1) || has_tags(part, page + 1)) {
        ask(engine, part, &part->asked[part->asked_last++ % RACE_ASKED], page & ~(uint32_t)(PAGES_FIRST - 1),
            PAGES_FIRST, writes);
    }
}

void race_ahead_forget(struct race_part *part)
{
    for (uint32_t i = 0; i < RACE_ASKED; i++)
        part->asked[i].pages = 0;
}
