/*
 * Explain, as text: a tree for a terminal. What was expected stands beside what came, with the
 * factor between them; a way that was not taken says what it would have taken and why it lost.
 */
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "engine/query/plan/explain.h"
#include "engine/query/plan/explain_predicate.h"

struct text {
    struct rc_arena *arena;
    char *data; /* NULL: no memory. */
    size_t size;
    size_t capacity;
};

static void
add(struct text *text, const char *format, ...) RC_PRINTF(2, 3);

static void
add(struct text *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const int needed = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (text->data == NULL || needed < 0)
        return;
    if (text->size + (size_t)needed + 1 > text->capacity) {
        const size_t capacity = 2 * text->capacity + (size_t)needed;
        char *data = rc_arena_alloc(text->arena, capacity);
        if (data != NULL)
            memcpy(data, text->data, text->size);
        text->data = data;
        text->capacity = capacity;
        if (data == NULL)
            return;
    }
    va_start(arguments, format);
    (void)vsnprintf(text->data + text->size, text->capacity - text->size, format, arguments);
    va_end(arguments);
    text->size += (size_t)needed;
}

#define AMOUNT_BYTES 32

/* "1.23 ms". Returns out. */
static const char *
write_ns(char out[AMOUNT_BYTES], double ns)
{
    if (isinf(ns))
        (void)snprintf(out, AMOUNT_BYTES, "-");
    else if (ns < 1e3)
        (void)snprintf(out, AMOUNT_BYTES, "%.0f ns", ns);
    else if (ns < 1e6)
        (void)snprintf(out, AMOUNT_BYTES, "%.1f us", ns / 1e3);
    else if (ns < 1e9)
        (void)snprintf(out, AMOUNT_BYTES, "%.2f ms", ns / 1e6);
    else
        (void)snprintf(out, AMOUNT_BYTES, "%.2f s", ns / 1e9);
    return out;
}

static const char *
write_bytes(char out[AMOUNT_BYTES], double bytes)
{
    if (bytes < 1e3)
        (void)snprintf(out, AMOUNT_BYTES, "%.0f B", bytes);
    else if (bytes < 1e6)
        (void)snprintf(out, AMOUNT_BYTES, "%.1f kB", bytes / 1e3);
    else
        (void)snprintf(out, AMOUNT_BYTES, "%.1f MB", bytes / 1e6);
    return out;
}

static const char *
write_count(char out[AMOUNT_BYTES], double count)
{
    (void)snprintf(out, AMOUNT_BYTES, "%.0f", count);
    return out;
}

/* "x1.2": by how much what came differs from what was expected; empty for two small numbers. */
static void
add_factor(struct text *text, double expected, double actual)
{
    if (actual <= 0 && expected < 1)
        add(text, "  as estimated");
    else if (expected <= 0 || actual <= 0)
        add(text, "  off");
    else
        add(text, "  x%.2f", actual / expected);
}

static void
add_pair(struct text *text,
         const char *indent,
         const char *name,
         double expected,
         double actual,
         bool ran,
         const char *(*write)(char out[AMOUNT_BYTES], double amount))
{
    char a[AMOUNT_BYTES];
    char b[AMOUNT_BYTES];
    add(text, "%s%-6s estimated %12s", indent, name, write(a, expected));
    if (ran) {
        add(text, "   actual %12s", write(b, actual));
        add_factor(text, expected, actual);
    }
    add(text, "\n");
}

static void
add_way(struct text *text,
        const char *indent,
        const struct rc_explain_selector *selector,
        enum rc_access access,
        bool ran)
{
    char a[AMOUNT_BYTES];
    const struct rc_explain_way *way = &selector->ways[access];
    const bool here = way->slabs_chosen > 0 || (ran && way->slabs_actual > 0);
    add(text, "%s%-10s chosen in %u", indent, rc_access_name(access), way->slabs_chosen);
    if (way->slabs_chosen > 0)
        add(text, ", estimated %s", write_ns(a, way->estimate_chosen_ns));
    if (ran && here)
        add(text, "; happened in %u, actual %s", way->slabs_actual,
            write_ns(a, (double)way->actual_ns));
    if (way->slabs_chosen < selector->slabs) {
        add(text, "; possible in %u", way->slabs_possible);
        if (way->slabs_possible > 0)
            add(text, " (estimated %s)", write_ns(a, way->estimate_ns));
        const char *separator = "; lost: ";
        for (uint32_t r = RC_REASON_DEARER; r < RC_REASON_COUNT; r++) {
            if (way->reasons[r] == 0)
                continue;
            add(text, "%s%s (%u)", separator, rc_explain_reason_text((enum rc_explain_reason)r),
                way->reasons[r]);
            separator = ", ";
        }
    }
    add(text, "\n");
}

static void
add_slabs(struct text *text, const char *indent, const struct rc_explain_selector *selector)
{
    char a[AMOUNT_BYTES];
    char b[AMOUNT_BYTES];
    for (uint32_t i = 0; i < selector->slab_count; i++) {
        const struct rc_explain_slab *slab = &selector->slab_list[i];
        add(text, "%s  slab %" PRIu64 ", %u rows: %s, estimated %s and %.0f rows", indent, slab->id,
            slab->rows, rc_access_name(slab->planned), write_ns(a, slab->estimate_ns),
            slab->rows_estimate);
        if (slab->actual != RC_ACCESS_NONE)
            add(text, "; actual %s, %s and %" PRIu64 " rows", rc_access_name(slab->actual),
                write_ns(b, (double)slab->actual_ns), slab->rows_actual);
        add(text, "\n");
    }
}

static void
add_selector(struct text *text, const struct rc_explain_selector *selector, bool ran)
{
    static const char indent[] = "   |    ";
    add(text, "   |- %s", selector->field);
    if (selector->part_count > 1)
        add(text, " (part %u of %u)", selector->part + 1, selector->part_count);
    add(text, ": ");
    char shown[RC_EXPLAIN_PREDICATE_BYTES];
    add(text, "%s", rc_explain_predicate(selector->predicate, shown));
    add(text, "%s\n", selector->reads_user ? ", of some users" : "");
    add(text, "%sslabs  %u looked at, %u left out by time, %u by users\n", indent, selector->slabs,
        selector->slabs_by_time, selector->slabs_by_users);
    if (selector->slabs == 0)
        return;
    add_pair(text, indent, "rows", selector->rows_estimate, (double)selector->rows_actual, ran,
             write_count);
    add_pair(text, indent, "time", selector->estimate_ns, (double)selector->actual_ns, ran,
             write_ns);
    add_pair(text, indent, "bytes", (double)selector->work_estimate.bytes,
             (double)selector->work_actual.bytes, ran, write_bytes);
    if (ran)
        add(text, "%sbitmaps: %u reused, %u built, %u kept", indent, selector->bitmaps_reused,
            selector->bitmaps_built, selector->bitmaps_kept);
    if (ran && selector->bitmaps_together > 0)
        add(text, "; %u in one pass with others: a share of its time, its bytes not counted",
            selector->bitmaps_together);
    add(text, ran ? "\n" : "");
    for (uint32_t i = RC_ACCESS_BITMAP; i < RC_ACCESS_COUNT; i++)
        add_way(text, indent, selector, (enum rc_access)i, ran);
    add_slabs(text, indent, selector);
}

static void
add_walk(struct text *text, const struct rc_explain_walk *walk, bool ran)
{
    static const char indent[] = "   |    ";
    char a[AMOUNT_BYTES];
    add(text, "   |- walk over %u slabs for %s: %s\n", walk->slabs, walk->purpose,
        rc_explain_feed_name(walk->feed));
    add(text, "%s%u blocks on %u of %u threads, about %s\n", indent, walk->blocks, walk->lanes,
        walk->lanes_max, write_bytes(a, (double)walk->bytes));
    add_pair(text, indent, "events", walk->hits_estimate, (double)walk->hits_actual, ran,
             write_count);
    add_pair(text, indent, "time", walk->estimate_ns, (double)rc_explain_walk_ns(walk), ran,
             write_ns);
    if (!ran)
        return;
    add(text, "%selapsed %s; by thread", indent, write_ns(a, (double)walk->elapsed_ns));
    for (uint32_t i = 0; i < walk->lanes; i++)
        add(text, "%s %s", i == 0 ? "" : ",", write_ns(a, (double)walk->lane_ns[i]));
    add(text, "\n");
}

static void
add_plan(struct text *text, const struct rc_explain_plan *plan, uint32_t number, bool ran)
{
    char a[AMOUNT_BYTES];
    char b[AMOUNT_BYTES];
    char c[AMOUNT_BYTES];
    add(text, "`- plan %u: %u of %u slabs in its time", number, plan->slabs - plan->slabs_by_time,
        plan->slabs);
    if (ran)
        add(text, ", %u with matches", plan->slabs_walked);
    if (plan->users != UINT32_MAX)
        add(text, ", for %u users", plan->users);
    add(text, "\n   compiled in %s, planned in %s", write_ns(a, (double)plan->compile_ns),
        write_ns(b, (double)plan->plan_ns));
    if (ran)
        add(text, ", %u bitmaps on %u threads in %s", plan->fetch_jobs, plan->fetch_lanes,
            write_ns(c, (double)plan->fetch_ns));
    add(text, "\n");
    if (plan->columns_made + plan->columns_reused > 0)
        add(text, "   columns of derived properties: %u reused, %u built\n", plan->columns_reused,
            plan->columns_made);
    for (uint32_t s = 0; s < plan->selector_count; s++)
        add_selector(text, &plan->selectors[s], ran);
    for (const struct rc_explain_feed_choice *at = plan->feeds; at != NULL; at = at->next) {
        if (at->series == RC_EXPLAIN_NO_SERIES)
            add(text, "   |- the walk ");
        else
            add(text, "   |- series[%u] ", at->series);
        add(text, "%s%s: reading rows takes %s, feeding events %s\n",
            at->rows ? "reads rows" : "is fed events", at->hinted ? " by a hint" : "",
            write_ns(a, at->rows_ns), write_ns(b, at->hits_ns));
    }
    for (const struct rc_explain_walk *at = plan->walks; at != NULL; at = at->next)
        add_walk(text, at, ran);
}

struct rc_bytes
rc_explain_text(const struct rc_explain *explain, const char *title, struct rc_arena *arena)
{
    char a[AMOUNT_BYTES];
    char b[AMOUNT_BYTES];
    struct text text = {.arena = arena, .capacity = 4096};
    text.data = rc_arena_alloc(arena, text.capacity);
    const bool ran = !explain->plan_only;
    add(&text, "%s", title);
    if (ran)
        add(&text, ": %s, %s of memory at its end", write_ns(a, (double)explain->elapsed_ns),
            write_bytes(b, (double)explain->memory_bytes));
    add(&text, "; at most %u threads\n", explain->parallel_max);
    const struct rc_explain_total total = rc_explain_total(explain);
    add_pair(&text, "all threads together: ", "time", total.estimate_ns, (double)total.actual_ns,
             ran, write_ns);
    uint32_t number = 0;
    for (const struct rc_explain_plan *at = explain->plans; at != NULL; at = at->next)
        add_plan(&text, at, ++number, ran);
    if (number == 0)
        add(&text, "`- nothing to be found in events\n");
    return (struct rc_bytes){text.data, text.data == NULL ? 0 : text.size};
}
