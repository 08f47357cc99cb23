/*
 * Retention, returns. A return event is not looked at by itself: of 64 rows of a user, which are in
 * order of time, the first that is a return says which period it is in, and those before the
 * period's end are then done, by comparing all 64 times with that end. So a person costs its
 * periods, and not its events.
 */
#include "engine/query/retention/retention_returns.h"

#include <string.h>

#include "engine/base/assert.h"
#include "engine/match/rows/words.h"

#define NO_BLOCK UINT32_MAX
#define TIMES_A_LINE 16u
#define AHEAD_STRETCHES 8u /* Of so many the times are under way. */
#define AHEAD_ROWS 128u    /* Of each of them so many: more follow while these are read. */

/* What reading returns of a slab takes. */
struct rc_retention_slab {
    const struct rc_slab_info *info;
    uint32_t index; /* In rc_view_slabs. */
    const uint32_t *times;
    const uint64_t *dead;
    const struct rc_rowset *set;
    bool is_full;
    bool is_sparse;
    const struct rc_bucket_table *table;
    uint32_t *ends; /* By place: its end as an offset, or UINT32_MAX. */
};

typedef uint64_t (*reading)(struct rc_retention_reader *reader,
                            const struct rc_retention_slab *slab,
                            const struct rc_walk_stretch *stretches,
                            uint32_t count);

/* ---- Some rows of a user --------------------------------------------------------------------- */

/* Up to 64 rows of a user. */
struct rows {
    uint32_t row;
    uint32_t count;
    uint64_t bits;
    const uint32_t *times; /* Of 64 rows. */
};

/* The bits [at, at + count) of words, at most 64. */
static inline uint64_t
cut(const uint64_t *words, uint32_t at, uint32_t count)
{
    const uint32_t shift = at % 64;
    uint64_t bits = words[at / 64] >> shift;
    if (shift + count > 64)
        bits |= words[at / 64 + 1] << (64 - shift);
    return bits & rc_word_below(count);
}

static uint64_t
sparse_bits(const struct rc_rowset *set, uint32_t row, uint32_t count)
{
    uint32_t rows[64];
    uint32_t cursor = row;
    uint64_t bits = 0;
    const uint32_t found = rc_rowset_read(set, &cursor, row + count, rows, 64);
    for (uint32_t i = 0; i < found; i++)
        bits |= (uint64_t)1 << (rows[i] - row);
    return bits;
}

/* The returns among some rows, which lie in one block of the set. */
static inline uint64_t
returns_among(struct rc_retention_reader *reader,
              const struct rc_retention_slab *slab,
              uint32_t row,
              uint32_t count)
{
    const uint32_t block = row / RC_BLOCK_ROWS;
    uint64_t bits = rc_word_below(count);
    if (slab->is_sparse)
        return sparse_bits(slab->set, row, count);
    if (!slab->is_full) {
        if (reader->block != block) {
            reader->block = block;
            reader->kind = rc_rowset_block(slab->set, block, reader->scratch, &reader->words);
        }
        if (reader->kind == RC_BLOCK_EMPTY)
            return 0;
        if (reader->kind == RC_BLOCK_MIXED)
            bits = cut(reader->words, row % RC_BLOCK_ROWS, count);
    }
    return bits;
}

/* Whether the person has a return of cell 0: not before the start in its period, and not the start
 * itself. mine: returns of the period. */
static inline bool
comes_again(const struct rc_retention_returns *returns,
            const struct rc_retention_slab *slab,
            const struct rc_hit *start,
            const struct rows *rows,
            uint64_t mine)
{
    if (start->time_ms > slab->info->time_max_ms)
        return false;
    if (start->time_ms > slab->info->window_start_ms)
        mine &=
            ~returns->below(rows->times, (uint32_t)(start->time_ms - slab->info->window_start_ms));
    if (start->source == slab->index && start->row - rows->row < rows->count)
        mine &= ~((uint64_t)1 << (start->row - rows->row));
    return mine != 0;
}

/* Adds the periods of the rows that are left to the person. */
static inline void
add_periods(const struct rc_retention_returns *returns,
            const struct rc_retention_slab *slab,
            uint32_t beginner,
            struct rows *rows)
{
    struct rc_retention_person *person = &returns->beginners->persons[beginner];
    while (rows->bits != 0) {
        const uint32_t time = rows->times[__builtin_ctzll(rows->bits)];
        const uint32_t place = rc_bucket_table_find(slab->table, time);
        RC_ASSERT(place < slab->table->bucket_count);
        const uint64_t bit = returns->times.kinds[place].bit;
        const uint64_t done = slab->ends[place] == UINT32_MAX
                                  ? UINT64_MAX
                                  : returns->below(rows->times, slab->ends[place]);
        person->events |= bit;
        if ((person->starts & ~person->again & bit) != 0 &&
            comes_again(returns, slab,
                        rc_retention_beginners_start(returns->beginners, beginner, bit), rows,
                        rows->bits & done))
            person->again |= bit;
        rows->bits &= ~done;
    }
}

/* The rows of a stretch, some at a time. */
static inline __attribute__((always_inline)) uint64_t
read_stretch(struct rc_retention_reader *reader,
             const struct rc_retention_slab *slab,
             uint32_t beginner,
             const struct rc_walk_stretch *stretch)
{
    const struct rc_retention_returns *returns = reader->returns;
    const struct rc_retention_span *span = &returns->beginners->spans[beginner];
    const int64_t from = span->from_ms - slab->info->window_start_ms;
    const int64_t until = span->until_ms - slab->info->window_start_ms;
    const bool cut_before = span->from_ms > slab->info->time_min_ms;
    const bool cut_behind = span->until_ms <= slab->info->time_max_ms;
    uint64_t hit_count = 0;
    uint32_t copy[64];
    for (uint32_t row = stretch->begin; row < stretch->end;) {
        const uint32_t block_left = RC_BLOCK_ROWS - row % RC_BLOCK_ROWS;
        struct rows rows = {.row = row, .count = stretch->end - row, .times = slab->times + row};
        rows.count = rows.count < 64 ? rows.count : 64;
        rows.count = rows.count < block_left ? rows.count : block_left;
        row += rows.count;
        rows.bits = returns_among(reader, slab, rows.row, rows.count);
        if (slab->dead != NULL)
            rows.bits &= ~cut(slab->dead, rows.row, rows.count);
        if (rows.bits == 0)
            continue;
        if (rows.row + 64 > slab->info->row_count) { /* What is behind the last must not be read. */
            memset(copy, 0, sizeof(copy));
            memcpy(copy, rows.times, rows.count * sizeof(copy[0]));
            rows.times = copy;
        }
        if (cut_before)
            rows.bits &= ~returns->below(rows.times, (uint32_t)from);
        if (cut_behind)
            rows.bits &= returns->below(rows.times, (uint32_t)until);
        hit_count += (uint64_t)__builtin_popcountll(rows.bits);
        add_periods(returns, slab, beginner, &rows);
    }
    return hit_count;
}

/* Asks for the times of some rows: nobody's are near them. */
static inline void
ask_for_times(const struct rc_retention_slab *slab, const struct rc_walk_stretch *stretch)
{
    const uint32_t rows = stretch->end - stretch->begin;
    const uint32_t end = stretch->begin + (rows < AHEAD_ROWS ? rows : AHEAD_ROWS);
    for (uint32_t row = stretch->begin; row < end; row += TIMES_A_LINE)
        __builtin_prefetch(&slab->times[row]);
}

/* Reads some stretches; the returns that were looked at. */
static inline __attribute__((always_inline)) uint64_t
read_stretches(struct rc_retention_reader *reader,
               const struct rc_retention_slab *slab,
               const struct rc_walk_stretch *stretches,
               uint32_t count)
{
    uint64_t hit_count = 0;
    uint32_t soon = 0;
    for (uint32_t i = 0; i < count; i++) {
        for (; soon < count && soon < i + AHEAD_STRETCHES; soon++)
            ask_for_times(slab, &stretches[soon]);
        hit_count += read_stretch(reader, slab, reader->first + stretches[i].slot, &stretches[i]);
    }
    return hit_count;
}

static uint64_t
read_plain(struct rc_retention_reader *reader,
           const struct rc_retention_slab *slab,
           const struct rc_walk_stretch *stretches,
           uint32_t count)
{
    return read_stretches(reader, slab, stretches, count);
}

#if defined(__x86_64__)

/* The build's baseline has no instruction that counts bits. */
__attribute__((target("popcnt,bmi"))) static uint64_t
read_counting(struct rc_retention_reader *reader,
              const struct rc_retention_slab *slab,
              const struct rc_walk_stretch *stretches,
              uint32_t count)
{
    return read_stretches(reader, slab, stretches, count);
}

static reading
choose_reading(void)
{
    return __builtin_cpu_supports("popcnt") && __builtin_cpu_supports("bmi") ? read_counting
                                                                             : read_plain;
}

#else

static reading
choose_reading(void)
{
    return read_plain;
}

#endif

uint64_t
rc_retention_read(struct rc_retention_reader *reader,
                  uint32_t plan_slab,
                  const struct rc_walk_stretch *stretches,
                  uint32_t count)
{
    const struct rc_retention_slab *slab = &reader->returns->slabs[plan_slab];
    const struct rc_retention_span *spans = reader->returns->beginners->spans + reader->first;
    struct rc_walk_stretch wanted[RC_WALK_STRETCHES_MAX];
    uint32_t wanted_count = 0;
    if (reader->slab != slab) {
        reader->slab = slab;
        reader->block = NO_BLOCK;
    }
    for (uint32_t i = 0; i < count; i++) {
        const struct rc_retention_span *span = &spans[stretches[i].slot];
        wanted[wanted_count] = stretches[i];
        wanted_count +=
            span->from_ms <= slab->info->time_max_ms && span->until_ms > slab->info->time_min_ms;
    }
    return reader->returns->read(reader, slab, wanted, wanted_count);
}

bool
rc_retention_read_hit(const struct rc_retention_returns *returns,
                      uint32_t beginner,
                      const struct rc_hit *hit)
{
    const struct rc_retention_times *times = &returns->times;
    const struct rc_retention_span *span = &returns->beginners->spans[beginner];
    struct rc_retention_person *person = &returns->beginners->persons[beginner];
    if (hit->time_ms < span->from_ms || hit->time_ms >= span->until_ms)
        return false;
    const uint64_t bit = times->kinds[rc_bucket_map_find(&times->map, hit->time_ms)].bit;
    person->events |= bit;
    if ((person->starts & bit) != 0) {
        const struct rc_hit *start =
            rc_retention_beginners_start(returns->beginners, beginner, bit);
        if (hit->time_ms >= start->time_ms &&
            (hit->source != start->source || hit->row != start->row))
            person->again |= bit;
    }
    return true;
}

/* ---- Slabs and readers ----------------------------------------------------------------------- */

static enum rc_status
open_slabs(struct rc_retention_returns *returns)
{
    uint32_t count;
    const struct rc_query_context *context = returns->plan.context;
    const struct rc_view_slab *slabs = rc_view_slabs(context->view, &count);
    const uint32_t places = returns->times.map.count;
    returns->slabs =
        RC_ARENA_ARRAY(context->arena, struct rc_retention_slab, returns->plan.slab_count);
    if (returns->slabs == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < returns->plan.slab_count; i++) {
        const struct rc_plan_slab *planned = &returns->plan.slabs[i];
        const struct rc_view_slab *at = &slabs[planned->index];
        struct rc_retention_slab *slab = &returns->slabs[i];
        *slab = (struct rc_retention_slab){
            .info = rc_slab_get_info(at->slab),
            .index = planned->index,
            .times = rc_slab_times(at->slab),
            .dead = at->dead,
            .set = planned->sets[0],
            .is_full = rc_rowset_cardinality(planned->sets[0]) == planned->row_count,
            .is_sparse = rc_rowset_is_sparse(planned->sets[0]),
            .table = &returns->times.tables[i],
            .ends = RC_ARENA_ARRAY(context->arena, uint32_t, places),
        };
        if (slab->ends == NULL)
            return RC_NO_MEMORY;
        for (uint32_t place = 0; place < places; place++) {
            const int64_t end = returns->times.map.ends_ms[place] - slab->info->window_start_ms;
            slab->ends[place] = end < 0 ? 0 : end < UINT32_MAX ? (uint32_t)end : UINT32_MAX;
        }
    }
    return RC_OK;
}

enum rc_status
rc_retention_returns_open(struct rc_retention_beginners *beginners,
                          struct rc_retention_returns *ret_returns)
{
    struct rc_retention_returns *returns = ret_returns;
    const struct rc_retention *retention = beginners->retention;
    *returns = (struct rc_retention_returns){
        .beginners = beginners, .below = rc_times_below_best(), .read = choose_reading()};
    RC_TRY(rc_plan_narrow(retention->plan, retention->return_bit, &returns->plan));
    returns->plan.persons = beginners->marked;
    RC_TRY(rc_retention_times_make(retention, &returns->plan, 0, &returns->times));
    rc_retention_beginners_span(beginners, &returns->times);
    return open_slabs(returns);
}

enum rc_status
rc_retention_reader_open(const struct rc_retention_returns *returns,
                         struct rc_retention_reader *ret_reader)
{
    *ret_reader = (struct rc_retention_reader){.returns = returns};
    ret_reader->scratch =
        rc_alloc_in(returns->plan.context->account, RC_BLOCK_WORDS * sizeof(*ret_reader->scratch));
    return ret_reader->scratch == NULL ? RC_NO_MEMORY : RC_OK;
}

void
rc_retention_reader_close(struct rc_retention_reader *reader)
{
    reader->scratch = rc_alloc_free(reader->scratch);
}
