/*
 * Funnel entries. A user's rows of a slab ascend in time, so the last entry before an event of the
 * same slab is the last bit before its row, mostly in the same word; other slabs are looked at only
 * if their times reach behind what was found: they are in the order of their windows, so that those
 * that do lie together. What was searched is remembered: the next event of the user is searched
 * from there.
 */
#include "engine/query/funnel/funnel_entries.h"

#include <string.h>

#include "engine/base/assert.h"
#include "engine/match/rows/words.h"
#include "engine/query/slab/slab_rows.h"

#define NONE UINT32_MAX

/* A slab with entries. */
struct source {
    uint32_t plan_slab;
    uint32_t index; /* In rc_view_slabs. */
    const struct rc_slab_info *info;
    const uint32_t *users;
    const uint32_t *starts;
    const uint32_t *times;
    int64_t latest_ms; /* Of its times and those of the sources before. */
    struct rc_slab_rows rows;
    uint32_t piece;        /* That words are of, or NONE. */
    bool some;             /* It has rows; */
    const uint64_t *words; /* NULL: all are. */
    uint32_t user;         /* Index of the last user who was sought, or of the next one there is. */
    uint64_t begun;        /* The turn for which searched and last are, */
    uint64_t sought;       /* and that for which begin and end are. */
    /* Of the user at hand: */
    uint32_t begin; /* Its rows that may be entries. */
    uint32_t end;
    uint32_t searched; /* Rows before it were searched, */
    uint32_t last;     /* and this is the last entry of them, or NONE. */
};

struct rc_funnel_entries {
    const struct rc_plan *plan;
    int64_t from_ms; /* Of the stream. */
    int64_t until_ms;
    uint32_t user;
    uint64_t turn; /* Counts users. */
    uint32_t view_count;
    const struct rc_view_slab *view_slabs;
    uint32_t *source_of; /* By index in the view, or NONE. */
    uint32_t source_count;
    struct source sources[]; /* In the order of the view. */
};

enum rc_status
rc_funnel_entries_new(const struct rc_plan *plan, struct rc_funnel_entries **ret_entries)
{
    struct rc_account *account = plan->context->account;
    const size_t bytes = plan->slab_count * sizeof(struct source);
    RC_ASSERT(plan->stream_count == 1);
    RC_CLEANUP(rc_funnel_entries_freep)
    struct rc_funnel_entries *entries = rc_alloc_in(account, sizeof(*entries) + bytes);
    if (entries == NULL)
        return RC_NO_MEMORY;
    memset(entries, 0, sizeof(*entries) + bytes);
    entries->plan = plan;
    entries->turn = 1;
    entries->from_ms = plan->streams[0].from_ms;
    entries->until_ms = plan->streams[0].until_ms;
    entries->view_slabs = rc_view_slabs(plan->context->view, &entries->view_count);
    entries->source_of =
        rc_alloc_in(account, (entries->view_count + 1) * sizeof(*entries->source_of));
    if (entries->source_of == NULL)
        return RC_NO_MEMORY;
    memset(entries->source_of, 0xff, entries->view_count * sizeof(*entries->source_of));
    int64_t latest_ms = INT64_MIN;
    for (uint32_t i = 0; i < plan->slab_count; i++) {
        const struct rc_slab *slab = entries->view_slabs[plan->slabs[i].index].slab;
        const struct rc_slab_info *info = rc_slab_get_info(slab);
        latest_ms = info->time_max_ms > latest_ms ? info->time_max_ms : latest_ms;
        entries->source_of[plan->slabs[i].index] = i;
        entries->sources[i] = (struct source){
            .plan_slab = i,
            .index = plan->slabs[i].index,
            .info = info,
            .users = rc_slab_users(slab),
            .starts = rc_slab_starts(slab),
            .times = rc_slab_times(slab),
            .latest_ms = latest_ms,
            .rows = {.account = account},
            .piece = NONE,
        };
        entries->source_count++;
    }
    *ret_entries = RC_TAKE(entries);
    return RC_OK;
}

struct rc_funnel_entries *
rc_funnel_entries_free(struct rc_funnel_entries *entries)
{
    if (entries == NULL)
        return NULL;
    for (uint32_t i = 0; i < entries->source_count; i++)
        rc_slab_rows_close(&entries->sources[i].rows);
    rc_alloc_free(entries->source_of);
    return rc_alloc_free(entries);
}

void
rc_funnel_entries_of(struct rc_funnel_entries *entries, uint32_t user)
{
    entries->user = user;
    entries->turn++;
}

/* ---- A user's rows in a slab ----------------------------------------------------------------- */

/* The first of rows [begin, end), which are one user's, whose time is not below time_ms. */
static uint32_t
row_at(const struct source *source, uint32_t begin, uint32_t end, int64_t time_ms)
{
    return rc_slab_rows_from(source->times, begin, end, time_ms - source->info->window_start_ms);
}

/* The index of the first user at or above one, from an index that is not behind it on. */
static uint32_t
seek_user(const struct source *source, uint32_t index, uint32_t user)
{
    const uint32_t count = source->info->user_count;
    uint32_t step = 1;
    while (index + step <= count && source->users[index + step - 1] < user) {
        index += step;
        step *= 2;
    }
    for (; step > 0; step /= 2)
        if (index + step <= count && source->users[index + step - 1] < user)
            index += step;
    return index;
}

static enum rc_status
open_rows(struct rc_funnel_entries *entries, struct source *source)
{
    return source->rows.scratch != NULL
               ? RC_OK
               : rc_slab_rows_open(&source->rows, entries->plan, source->plan_slab, 0);
}

/* Finds the rows of the user at hand. */
static enum rc_status
seek(struct rc_funnel_entries *entries, struct source *source)
{
    const uint32_t user = entries->user;
    if (source->sought == entries->turn)
        return RC_OK;
    RC_TRY(open_rows(entries, source));
    const bool back = source->user > 0 && source->users[source->user - 1] >= user;
    source->user = seek_user(source, back ? 0 : source->user, user);
    source->sought = entries->turn;
    source->begin = source->end = 0;
    if (source->user < source->info->user_count && source->users[source->user] == user) {
        source->begin = source->starts[source->user];
        source->end = source->starts[source->user + 1];
        if (source->info->time_min_ms < entries->from_ms)
            source->begin = row_at(source, source->begin, source->end, entries->from_ms);
        if (source->info->time_max_ms >= entries->until_ms)
            source->end = row_at(source, source->begin, source->end, entries->until_ms);
    }
    if (source->begun != entries->turn) {
        source->searched = source->begin;
        source->last = NONE;
        source->begun = entries->turn;
    }
    return RC_OK;
}

/* The same of rows up to one of an event, where the user's first row is known. */
static enum rc_status
begin_at(struct rc_funnel_entries *entries, struct source *source, uint32_t first_row)
{
    if (source->begun == entries->turn)
        return RC_OK;
    if (source->info->time_min_ms < entries->from_ms ||
        source->info->time_max_ms >= entries->until_ms)
        return seek(entries, source);
    source->searched = first_row;
    source->last = NONE;
    source->begun = entries->turn;
    return open_rows(entries, source);
}

/* The word with a row. */
static uint64_t
word_of(struct source *source, uint32_t row)
{
    const uint32_t piece = row & ~(RC_PIECE_ROWS - 1);
    if (source->piece != piece) {
        source->piece = piece;
        source->some = rc_slab_rows_piece(&source->rows, piece, &source->words);
    }
    if (!source->some)
        return 0;
    return source->words == NULL ? UINT64_MAX : source->words[row % RC_PIECE_ROWS / 64];
}

/* The last entry of the user's rows before end, or NONE. */
static uint32_t
last_before(const struct rc_funnel_entries *entries, struct source *source, uint32_t end)
{
    const uint32_t begin = source->searched;
    if (source->sought == entries->turn && end > source->end)
        end = source->end;
    if (end <= begin)
        return source->last;
    source->searched = end;
    for (uint32_t row = (end - 1) & ~63u;; row -= 64) {
        uint64_t bits = word_of(source, row);
        if (end - row < 64)
            bits &= rc_word_below(end - row);
        if (begin > row)
            bits &= ~rc_word_below(begin - row);
        if (bits != 0) {
            source->last = row + 63 - (uint32_t)__builtin_clzll(bits);
            return source->last;
        }
        if (row <= begin)
            return source->last;
    }
}

/* The first of the user's rows from one on, or NONE. */
static uint32_t
first_from(struct source *source, uint32_t begin)
{
    begin = begin > source->begin ? begin : source->begin;
    for (uint32_t row = begin & ~63u; row < source->end; row += 64) {
        uint64_t bits = word_of(source, row);
        if (begin > row)
            bits &= ~rc_word_below(begin - row);
        if (source->end - row < 64)
            bits &= rc_word_below(source->end - row);
        if (bits != 0)
            return row + (uint32_t)__builtin_ctzll(bits);
    }
    return NONE;
}

static struct rc_hit
hit_of(const struct source *source, uint32_t row)
{
    return (struct rc_hit){
        .time_ms = source->info->window_start_ms + source->times[row],
        .mask = 1,
        .source = source->index,
        .row = row,
    };
}

/* ---- Over all slabs -------------------------------------------------------------------------- */

/* How many of the sources have windows that begin at a time or before; own is one of them, or
 * NONE. */
static uint32_t
sources_begun(const struct rc_funnel_entries *entries, uint32_t own, int64_t time_ms)
{
    uint32_t count = own == NONE ? 0 : own + 1;
    while (count < entries->source_count &&
           entries->sources[count].info->window_start_ms <= time_ms)
        count++;
    return count;
}

enum rc_status
rc_funnel_entries_before(struct rc_funnel_entries *entries,
                         const struct rc_hit *event,
                         uint32_t first_row,
                         int64_t from_ms,
                         enum rc_funnel_found *ret_found,
                         struct rc_hit *ret_entry)
{
    RC_ASSERT(event->source < entries->view_count);
    const uint32_t own = entries->source_of[event->source];
    const uint32_t begun = sources_begun(entries, own, event->time_ms);
    int64_t best_ms = from_ms;
    *ret_found = RC_FUNNEL_NO_ENTRY;
    for (uint32_t n = 0; n <= begun; n++) {
        /* Its own slab, then the others from the last one on. */
        const uint32_t i = n == 0 ? own : begun - n;
        if (i == NONE || (n > 0 && i == own))
            continue;
        struct source *source = &entries->sources[i];
        if (n > 0 && source->latest_ms < best_ms)
            break; /* So are all before it. */
        if (source->info->time_min_ms > event->time_ms || source->info->time_max_ms < best_ms)
            continue;
        if (i == own && first_row != RC_FUNNEL_NO_ROW)
            RC_TRY(begin_at(entries, source, first_row));
        else
            RC_TRY(seek(entries, source));
        const uint32_t row = last_before(
            entries, source,
            i == own ? event->row : row_at(source, source->begin, source->end, event->time_ms + 1));
        if (row == NONE)
            continue;
        const struct rc_hit entry = hit_of(source, row);
        if (entry.time_ms == event->time_ms ||
            (entry.time_ms == best_ms && *ret_found == RC_FUNNEL_ENTRY)) {
            *ret_found = RC_FUNNEL_TIED;
            return RC_OK;
        }
        if (entry.time_ms < best_ms)
            continue;
        best_ms = entry.time_ms;
        *ret_found = RC_FUNNEL_ENTRY;
        *ret_entry = entry;
    }
    return RC_OK;
}

enum rc_status
rc_funnel_entries_first(struct rc_funnel_entries *entries,
                        enum rc_funnel_found *ret_found,
                        struct rc_hit *ret_entry)
{
    *ret_found = RC_FUNNEL_NO_ENTRY;
    for (uint32_t i = 0; i < entries->source_count; i++) {
        struct source *source = &entries->sources[i];
        if (*ret_found != RC_FUNNEL_NO_ENTRY && source->info->window_start_ms > ret_entry->time_ms)
            break; /* So do all behind it. */
        if (*ret_found != RC_FUNNEL_NO_ENTRY && source->info->time_min_ms > ret_entry->time_ms)
            continue;
        RC_TRY(seek(entries, source));
        const uint32_t row = first_from(source, 0);
        if (row == NONE)
            continue;
        const struct rc_hit entry = hit_of(source, row);
        if (*ret_found != RC_FUNNEL_NO_ENTRY && entry.time_ms == ret_entry->time_ms) {
            *ret_found = RC_FUNNEL_TIED;
            continue;
        }
        if (*ret_found != RC_FUNNEL_NO_ENTRY && entry.time_ms > ret_entry->time_ms)
            continue;
        *ret_found = RC_FUNNEL_ENTRY;
        *ret_entry = entry;
    }
    return RC_OK;
}

enum rc_status
rc_funnel_entries_after(struct rc_funnel_entries *entries,
                        const struct rc_hit *event,
                        bool *ret_found,
                        struct rc_hit *ret_next)
{
    *ret_found = false;
    for (uint32_t i = 0; i < entries->source_count && !*ret_found; i++) {
        struct source *source = &entries->sources[i];
        if (source->info->time_max_ms < event->time_ms)
            continue;
        RC_TRY(seek(entries, source));
        const uint32_t row =
            first_from(source, source->index == event->source ? event->row + 1 : 0);
        *ret_found = row != NONE;
        if (row != NONE)
            *ret_next = hit_of(source, row);
    }
    return RC_OK;
}

void
rc_funnel_entries_soon(const struct rc_funnel_entries *entries, const struct rc_hit *event)
{
    if ((event->source & RC_SOURCE_CHUNK) == 0)
        __builtin_prefetch(rc_slab_times(entries->view_slabs[event->source].slab) + event->row);
}

bool
rc_funnel_entries_is_behind(const struct rc_funnel_entries *entries, uint32_t slab, int64_t time_ms)
{
    return rc_slab_get_info(entries->view_slabs[slab].slab)->time_min_ms > time_ms;
}

int64_t
rc_funnel_entries_time_ms(const struct rc_funnel_entries *entries, const struct rc_hit *event)
{
    return rc_slab_time_ms(entries->view_slabs[event->source].slab, event->row);
}

bool
rc_funnel_entries_has_twin(const struct rc_funnel_entries *entries, const struct rc_hit *event)
{
    const struct rc_slab *slab = entries->view_slabs[event->source].slab;
    return rc_slab_rows_has_twin(rc_slab_times(slab), rc_slab_get_info(slab)->row_count,
                                 event->row);
}
