#include "report/format_html.h"

#include <inttypes.h>
#include <string.h>

#include "lockhound/version.h"
#include "report/assets.h"
#include "report/escape.h"
#include "report/format_graphs.h"
#include "report/format_text.h"
#include "report/graphviz.h"
#include "report/path.h"
#include "report/resolve.h"

#define PARTIES_SHOWN  64
#define FINDINGS_DRAWN 50

struct page {
    struct buffer *out;
    struct source_cache *sources;
};

static void add_thread(struct buffer *out, const struct run_thread *thread)
{
    buffer_printf(out, "T%" PRIu32, thread->id);
    if (*thread->name) {
        buffer_string(out, " '");
        escape_xml(out, thread->name);
        buffer_string(out, "'");
    }
    if (*thread->process) {
        buffer_printf(out, " of process %" PRId64 " (", thread->pid);
        escape_xml(out, thread->process);
        buffer_string(out, ")");
    }
}

static void add_code(struct buffer *out, const char *text)
{
    buffer_string(out, "<code>");
    escape_xml(out, text);
    buffer_string(out, "</code>");
}

/* A sentence of message.c: what it names between backticks is shown as code. */
static void add_sentence(struct buffer *out, const char *text)
{
    bool is_name = false;
    for (const char *end; (end = strchr(text, '`')) != NULL && (is_name || strchr(end + 1, '`')); text = end + 1) {
        struct buffer part = {0};
        buffer_add(&part, text, (size_t)(end - text));
        escape_xml(out, part.data);
        buffer_string(out, is_name ? "</code>" : "<code>");
        buffer_free(&part);
        is_name = !is_name;
    }
    escape_xml(out, text);
}

/* Long paths may break where they have a slash, and only then elsewhere. */
static void add_path(struct buffer *out, const char *path)
{
    struct buffer part = {0};
    for (const char *slash; (slash = strchr(path, '/')) != NULL; path = slash + 1) {
        part.length = 0;
        buffer_add(&part, path, (size_t)(slash + 1 - path));
        escape_xml(out, part.data);
        buffer_string(out, "<wbr>");
    }
    buffer_free(&part);
    escape_xml(out, path);
}

/* ---- stacks ----------------------------------------------------------------------------------------------------- */

static void add_frame(struct page *page, const struct symbol_frame *frame)
{
    struct buffer *out = page->out;
    buffer_string(out, "<li>");
    add_code(out, frame->function ? frame->function : "??");
    buffer_string(out, " <span class=\"faint\">");
    if (frame->file) {
        add_path(out, frame->file);
        buffer_printf(out, ":%" PRIu32, frame->line);
    } else if (frame->module) {
        add_path(out, frame->module->path);
        buffer_printf(out, "+0x%" PRIx64, frame->offset);
    }
    buffer_string(out, frame->is_inlined ? " (inlined)</span>" : "</span>");
    size_t at;
    const char *line = source_line(page->sources, frame, &at);
    if (line && *line) {
        buffer_string(out, "<pre class=\"source\">");
        escape_xml(out, line);
        buffer_string(out, "</pre>");
    }
    buffer_string(out, "</li>\n");
}

static void add_signal_mark(struct page *page, const struct run_stack *stack, size_t i)
{
    if (stack_follows_handler(stack, i)) {
        buffer_string(page->out, "<li class=\"signal\">");
        escape_xml(page->out, STACK_SIGNAL_MARK);
        buffer_string(page->out, "</li>\n");
    }
}

static void add_stack(struct page *page, const struct run_stack *stack)
{
    if (stack->user_first == stack->user_end) {
        buffer_string(page->out, "<p class=\"faint\">(no stack)</p>\n");
        return;
    }
    buffer_string(page->out, "<ol class=\"stack\" start=\"0\">\n");
    for (size_t i = stack->user_first; i < stack->user_end; i++) {
        if (!stack_is_folded(stack, i)) {
            add_signal_mark(page, stack, i);
            add_frame(page, &stack->symbols[i]);
        }
    }
    buffer_string(page->out, "</ol>\n");
}

/* ---- a finding -------------------------------------------------------------------------------------------------- */

/* What the line called that made the access, when it did not do so itself; otherwise the words before the place. */
static void add_way(struct buffer *out, const struct run_party *party)
{
    struct buffer library = {0};
    if (party->has_access && party_add_library(&library, party)) {
        buffer_string(out, party->access.has_value ? " through " : ", through ");
        add_code(out, library.data);
        buffer_string(out, " called at</h4>\n");
    } else {
        buffer_string(out, party_is_holder(party)    ? ", taken at</h4>\n"
                           : party->is_timed         ? " (with a time limit) at</h4>\n"
                           : party_is_by_libc(party) ? ", through a function of libc called at</h4>\n"
                                                     : " at</h4>\n");
    }
    buffer_free(&library);
}

static void add_party(struct page *page, const struct run_finding *f, const struct run_party *party)
{
    struct buffer *out = page->out;
    buffer_string(out, "<section class=\"side\"><h3>");
    add_thread(out, party->thread);
    buffer_string(out, party_has_ended(f, party) ? ", which has ended</h3>\n" : "</h3>\n");
    for (size_t i = 0; i < party->held_count; i++) {
        if (party_is_holder(party) && party->held[i].object == party->object)
            continue;
        buffer_string(out, "<h4>holds ");
        add_code(out, party->held[i].object->name);
        bool is_for_reading = party->held[i].is_shared && strcmp(party->held[i].object->kind, "semaphore") != 0;
        buffer_string(out, is_for_reading ? " for reading, taken at</h4>\n" : ", taken at</h4>\n");
        add_stack(page, &party->held[i].stack);
    }
    for (size_t i = 0; i < party->gone_count; i++) {
        buffer_string(out, "<h4>holds a lock that is gone by now, taken at</h4>\n");
        add_stack(page, &party->gone[i].stack);
    }
    buffer_string(out, "<h4>");
    escape_xml(out, party_verb(f, party));
    if (party->object) {
        buffer_string(out, " ");
        size_t before = out->length;
        party_add_size(out, party);
        bool has_size = out->length > before;
        buffer_string(out, strcmp(party->role, "frees") == 0 ? "the block of "
                           : has_size                        ? party_size_word(party)
                                                             : "");
        add_code(out, party->object->name);
    }
    if (party->access.has_value)
        buffer_printf(out, ", where 0x%" PRIx64 " stood,", party->access.value);
    add_way(out, party);
    if (party->access.is_lost) {
        buffer_string(out, "<p class=\"faint\">Too long ago: its stack and locks have aged out of the thread's history."
                           "</p>\n");
    } else {
        add_stack(page, &party->stack);
        bool is_bare = party->has_access && !party->held_count && !party->gone_count;
        buffer_string(out, is_bare ? "<h4>holds no lock</h4>\n" : "");
    }
    buffer_string(out, "</section>\n");
}

/* Where the order between the two sides of a race ends. */
static void add_heard(struct page *page, const struct run_heard *heard)
{
    if (!*heard->message)
        return;
    buffer_string(page->out, "<section class=\"heard\"><h4>");
    add_sentence(page->out, heard->message);
    buffer_string(page->out, heard->stack.symbol_count ? ", at</h4>\n" : "</h4>\n");
    if (heard->stack.symbol_count)
        add_stack(page, &heard->stack);
    buffer_string(page->out, "</section>\n");
}

static void add_memory_kind(struct buffer *out, const struct run_object *memory)
{
    if (memory->where == WHERE_DESCRIPTOR || memory->where == WHERE_LIBC) {
        buffer_string(out, " is ");
        escape_xml(out, object_account(memory));
    } else {
        buffer_printf(out, " is %" PRIu64 " bytes", memory->size);
    }
}

static void add_object(struct page *page, const struct run_object *object, bool is_memory)
{
    struct buffer *out = page->out;
    buffer_string(out, "<section class=\"side\"><h4>");
    add_code(out, object->name);
    if (is_memory) {
        add_memory_kind(out, object);
    } else {
        buffer_string(out, " is a ");
        escape_xml(out, object->type ? object->type : object->kind);
    }
    if (object->where != WHERE_DESCRIPTOR && object->where != WHERE_LIBC)
        buffer_printf(out, " at 0x%" PRIx64, object->address);
    buffer_string(out, "</h4>\n");
    if (object->named_by) {
        buffer_string(out, "<p>called so in ");
        add_code(out, object->named_by);
        if (object->elements)
            buffer_printf(out, ", if the block is an array of %" PRIu64, object->elements);
        buffer_string(out, "</p>\n");
    }
    if (object->block_size) {
        buffer_printf(out, "<p>byte %" PRIu64 " of a heap block of %" PRIu64 "</p>\n", object->address - object->block,
                      object->block_size);
    }
    if (object->init_stack.symbol_count) {
        buffer_printf(out, "<p>%s at</p>\n", object_origin_verb(object));
        add_stack(page, &object->init_stack);
    }
    buffer_string(out, "</section>\n");
}

static void add_creation(struct page *page, const struct run_thread *thread)
{
    struct buffer *out = page->out;
    buffer_string(out, "<section class=\"side\"><h4>");
    add_thread(out, thread);
    buffer_string(out, thread->created.symbol_count ? " was created at</h4>\n" : "</h4>\n");
    if (thread->created.symbol_count)
        add_stack(page, &thread->created);
    buffer_string(out, "</section>\n");
}

static void add_background(struct page *page, const struct run_finding *f)
{
    buffer_string(page->out, "<details><summary>Objects and threads</summary><div class=\"sides\">\n");
    for (size_t i = 0; i < f->object_count; i++)
        add_object(page, &f->objects[i], &f->objects[i] == f->memory);
    for (size_t i = 0; i < f->thread_count; i++)
        add_creation(page, &f->threads[i]);
    buffer_string(page->out, "</div></details>\n");
}

/* Of an inversion and the deadlock that it became, where the other one is. */
static void add_counterpart(struct buffer *out, const struct run_finding *f)
{
    const struct run_finding *other = f->came_true ? f->came_true : f->foretold;
    buffer_printf(out, "<p>%s <a href=\"#f-%s\">%s</a>.</p>\n",
                  f->came_true ? "It came true, over the same locks, taken at the same places: the"
                               : "The order of these locks is a finding of its own, the",
                  other->fingerprint, f->came_true ? "deadlock" : "lock-order inversion");
}

static void add_finding(struct page *page, const struct run_finding *f)
{
    struct buffer *out = page->out;
    const char *remedy = finding_remedy(f), *caveats[CAVEATS_MOST];
    buffer_printf(out, "<article id=\"f-%s\" data-severity=\"%s\" tabindex=\"-1\">\n<h2>", f->fingerprint, f->severity);
    add_sentence(out, f->message);
    buffer_printf(out, "</h2>\n<p class=\"faint\"><span class=\"badge %s\">%s</span> ", f->severity, f->severity);
    escape_xml(out, f->kind);
    buffer_printf(out, ", fingerprint <code>%s</code>, seen %" PRIu64 " time%s, process %" PRId64 "</p>\n",
                  f->fingerprint, f->count, f->count == 1 ? "" : "s", f->process->pid);
    for (size_t i = 0, count = finding_caveats(f, caveats); i < count; i++)
        buffer_printf(out, "<p>%s</p>\n", caveats[i]);
    if (f->is_certain_hang)
        buffer_string(out, "<p class=\"error\">No thread of the program can ever run again.</p>\n");
    if (f->came_true || f->foretold)
        add_counterpart(out, f);
    if (remedy) {
        buffer_string(out, "<p class=\"mend\">What usually mends it: ");
        escape_xml(out, remedy);
        buffer_string(out, "</p>\n");
    }
    format_html_figures(out, f);
    buffer_string(out, "<div class=\"sides\">\n");
    for (size_t i = 0; i < f->party_count && i < PARTIES_SHOWN; i++)
        if (!party_is_repeat(f, &f->parties[i]))
            add_party(page, f, &f->parties[i]);
    buffer_string(out, "</div>\n");
    if (f->party_count > PARTIES_SHOWN)
        buffer_printf(out, "<p>... and %zu more threads</p>\n", f->party_count - PARTIES_SHOWN);
    add_heard(page, &f->heard);
    add_background(page, f);
    buffer_string(out, "</article>\n");
}

/* ---- the page --------------------------------------------------------------------------------------------------- */

static void add_title(struct buffer *out, const struct run *run)
{
    buffer_printf(out, "lockhound: %zu finding%s", run->finding_count, run->finding_count == 1 ? "" : "s");
    if (run->processes) {
        buffer_string(out, " in ");
        escape_xml(out, path_base(run->processes->exe));
    }
    if (run->process_count > 1) {
        size_t more = run->process_count - 1;
        buffer_printf(out, " and %zu more process%s", more, more == 1 ? "" : "es");
    }
}

static void add_head(struct buffer *out, const struct run *run)
{
    buffer_string(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                       "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                       "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                       "style-src 'unsafe-inline'; script-src 'unsafe-inline'\">\n<title>");
    add_title(out, run);
    buffer_string(out, "</title>\n<style>\n");
    buffer_string(out, report_style);
    buffer_string(out,
                  "</style>\n</head>\n<body>\n<a class=\"skip\" href=\"#findings\">To the findings</a>\n<header><h1>");
    add_title(out, run);
    buffer_string(out, "</h1>\n<p class=\"faint\"><code>");
    for (size_t i = 0; run->processes && i < run->processes->argc; i++) {
        buffer_string(out, i ? " " : "");
        escape_xml(out, run->processes->argv[i]);
    }
    buffer_string(out, "</code></p></header>\n");
}

static void add_filter(struct buffer *out)
{
    static const char *const severities[] = {"error", "warning", "note"};
    buffer_string(out, "<form id=\"filter\" role=\"search\" hidden>\n<input id=\"words\" type=\"search\" "
                       "aria-label=\"Filter by words\" placeholder=\"Filter: kind, function, file, lock  ( / )\">\n");
    for (size_t i = 0; i < sizeof severities / sizeof severities[0]; i++) {
        buffer_printf(out, "<label><input type=\"checkbox\" id=\"show-%s\" checked> %s</label>\n", severities[i],
                      severities[i]);
    }
    buffer_string(out, "<span id=\"shown\" class=\"faint\" role=\"status\"></span>\n</form>\n");
}

static void add_list(struct buffer *out, const struct run *run)
{
    buffer_string(out, "<nav aria-label=\"Findings\"><ol class=\"list\">\n");
    for (const struct run_finding *f = run->findings; f; f = f->next) {
        buffer_printf(out, "<li id=\"entry-f-%s\"><span class=\"badge %s\">%s</span> <a href=\"#f-%s\">",
                      f->fingerprint, f->severity, f->severity, f->fingerprint);
        add_sentence(out, f->message);
        buffer_printf(out, "</a> <span class=\"faint\">%" PRIu64 "&#215;</span></li>\n", f->count);
    }
    buffer_string(out, "</ol></nav>\n");
}

static void add_summary(struct buffer *out, const struct run *run, const struct symbols *symbols)
{
    static const struct text_style plain = {false, NULL};
    struct buffer text = {0};
    format_text_summary(&text, run, symbols, NULL, &plain);
    buffer_string(out, "<section><h2>Summary</h2>\n<pre>");
    for (char *line = text.data; *line;) {
        char *end = strchr(line, '\n');
        *end = '\0';
        escape_xml(out, line);
        buffer_string(out, "\n");
        line = end + 1;
    }
    buffer_printf(out, "</pre>\n<p class=\"faint\">lockhound %s</p></section>\n", LOCKHOUND_VERSION);
    buffer_free(&text);
}

/* What all findings speak of at once, where Graphviz can lay it out. */
static void add_overview(struct buffer *out, bool (*make)(struct buffer *out, const struct run *run),
                         const struct run *run, const char *title, const char *label)
{
    struct buffer graph = {0}, drawing = {0};
    if (run->finding_count <= FINDINGS_DRAWN && make(&graph, run) && graphviz_draw(&graph, &drawing)) {
        buffer_printf(out,
                      "<details class=\"overview\"><summary>%s</summary>\n<div class=\"wide\" tabindex=\"0\" "
                      "role=\"img\" aria-label=\"%s\">\n",
                      title, label);
        buffer_string(out, drawing.data);
        buffer_string(out, "</div></details>\n");
    }
    buffer_free(&graph);
    buffer_free(&drawing);
}

void format_html(struct buffer *out, const struct run *run, const struct symbols *symbols)
{
    struct page page = {out, source_cache_new()};
    add_head(out, run);
    if (run->finding_count) {
        add_filter(out);
        add_list(out, run);
    } else {
        buffer_string(out, "<p>Nothing was found.</p>\n");
    }
    buffer_string(out, "<main id=\"findings\">\n");
    for (const struct run_finding *f = run->findings; f; f = f->next)
        add_finding(&page, f);
    buffer_string(out, "</main>\n");
    add_overview(out, format_graph_of_orders, run, "All lock orders in one graph",
                 "An arrow from each lock held to the one wanted");
    add_overview(out, format_graph_of_waits, run, "Who waits for whom, in one graph",
                 "An arrow from each thread to what it waits for, and from that to the thread that holds it");
    format_html_contention(out, run);
    add_summary(out, run, symbols);
    buffer_string(out, "<script>\n");
    buffer_string(out, report_script);
    buffer_string(out, "</script>\n</body>\n</html>\n");
    source_cache_free(page.sources);
}
