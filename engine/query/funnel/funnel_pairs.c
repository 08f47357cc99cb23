/*
 * Funnel scan, pairs: entrants where events of steps 1 and 2 are bits. Of each user is found the
 * first event of step 2 whose window holds the last entry before it: the attempt that first comes
 * to step 2. A word with both steps' bits of a user takes a handful of operations, whatever number
 * of events that is, and times are read of two rows: these ascend with the rows, so that they are
 * on their way.
 *
 * Rows ascend in time over the slabs too (scan->timeless), so that what is known of a user is
 * carried from word to word and from slab to slab. Who has two rows of one time where that could
 * matter is odd.
 */
#include "engine/match/rows/words.h"
#include "engine/query/funnel/funnel_scan_form.h"

#define NONE RC_FUNNEL_NO_PLACE

/* What reading a slab's rows takes. */
struct reading {
    struct rc_funnel_scan_lane *lane;
    const struct rc_funnel_scan_slab *slab;
    uint64_t slab_place; /* The slab << 32. */
    const struct rc_walk_block *block;
    uint32_t user;                            /* Index of who has the row at hand, */
    uint32_t passed;                          /* and rows before it are done. */
    uint32_t timed_user;                      /* Of a timed slab: whom begins and ends are of. */
    uint32_t begins[RC_FUNNEL_BIT_STEPS_MAX]; /* By step: rows in its time. */
    uint32_t ends[RC_FUNNEL_BIT_STEPS_MAX];
};

static int64_t
time_of(const struct rc_funnel_scan *scan, uint64_t place)
{
    const struct rc_funnel_scan_slab *slab = &scan->slabs[place >> 32];
    return slab->info->window_start_ms + slab->times[(uint32_t)place];
}

/* The user at hand is odd if a row beside one of its rows has that one's time. */
static inline void
ask_twin(const struct reading *reading, uint64_t place)
{
    const struct rc_funnel_scan *scan = reading->lane->scan;
    const struct rc_funnel_scan_slab *slab = &scan->slabs[place >> 32];
    if (rc_slab_rows_has_twin(slab->times, slab->info->row_count, (uint32_t)place))
        rc_walk_mark(scan->odd, reading->slab->users[reading->user]);
}

/* Leaves the bits of rows in a step's time; the word's first row is row. */
static uint64_t
in_time(struct reading *reading, uint32_t step, uint32_t row, uint64_t bits)
{
    const struct rc_funnel_scan_slab *slab = reading->slab;
    if (reading->timed_user != reading->user) {
        const uint32_t begin = slab->starts[reading->user];
        const uint32_t end = slab->starts[reading->user + 1];
        const struct rc_stream *streams = reading->lane->scan->entrants.streams;
        const int64_t start_ms = slab->info->window_start_ms;
        reading->timed_user = reading->user;
        for (uint32_t s = 0; s < RC_FUNNEL_BIT_STEPS_MAX; s++) {
            reading->begins[s] =
                rc_slab_rows_from(slab->times, begin, end, streams[s].from_ms - start_ms);
            reading->ends[s] = rc_slab_rows_from(slab->times, reading->begins[s], end,
                                                 streams[s].until_ms - start_ms);
        }
    }
    if (reading->begins[step] > row)
        bits &= ~rc_word_below(reading->begins[step] - row);
    return reading->ends[step] > row ? bits & rc_word_below(reading->ends[step] - row) : 0;
}

/* Takes the rows of one user in a word: bits of entries and of events of step 2. */
static inline void
take_word(const struct reading *reading,
          struct rc_funnel_pair *pair,
          uint32_t row,
          uint64_t entries,
          uint64_t seconds)
{
    const struct rc_funnel_scan *scan = reading->lane->scan;
    const int64_t window_ms = scan->query->rules.window_ms;
    const uint64_t place = reading->slab_place | row;
    if (pair->entry == NONE) {
        if (entries == 0)
            return;
        pair->first = pair->entry = place + (uint64_t)__builtin_ctzll(entries);
        ask_twin(reading, pair->first);
        seconds &= ~(entries ^ (entries - 1)); /* Behind it. */
    }
    while (seconds != 0) {
        const uint64_t second = seconds & -seconds;
        const uint64_t before = entries & (second - 1);
        if (before != 0)
            pair->entry = place + 63 - (uint64_t)__builtin_clzll(before);
        pair->second = place + (uint64_t)__builtin_ctzll(second);
        ask_twin(reading, pair->second);
        if (window_ms < 0 || time_of(scan, pair->second) - time_of(scan, pair->entry) <= window_ms)
            break;
        /* The next entry, which may be that event itself, and events behind it. */
        pair->second = NONE;
        entries &= ~(second - 1);
        if (entries == 0)
            return;
        pair->entry = place + (uint64_t)__builtin_ctzll(entries);
        ask_twin(reading, pair->entry);
        seconds &= ~(entries ^ (entries - 1));
    }
    if (pair->second == NONE && entries != 0)
        pair->entry = place + 63 - (uint64_t)__builtin_clzll(entries);
    else if (pair->second != NONE)
        ask_twin(reading, pair->entry);
}

/* Takes a word of rows of any users. */
static inline void
take_users(struct reading *reading, uint32_t row, uint64_t entries, uint64_t seconds)
{
    const struct rc_funnel_scan_slab *slab = reading->slab;
    if (reading->passed > row) {
        const uint64_t left = ~rc_word_below(reading->passed - row);
        entries &= left;
        seconds &= left;
    }
    while ((entries | seconds) != 0) {
        const uint32_t at = row + (uint32_t)__builtin_ctzll(entries | seconds);
        reading->user =
            rc_slab_rows_next_owner(slab->starts, slab->info->user_count, reading->user, at);
        const uint32_t end = slab->starts[reading->user + 1];
        const uint64_t mine = end - row < 64 ? rc_word_below(end - row) : UINT64_MAX;
        const uint32_t ordinal = slab->users[reading->user];
        const uint64_t *skip = reading->block->skip;
        struct rc_funnel_pair *pair = &reading->lane->pairs[ordinal - reading->block->first];
        if (pair->second == NONE && (skip == NULL || !rc_words_has(skip, ordinal))) {
            uint64_t bits[RC_FUNNEL_BIT_STEPS_MAX] = {entries & mine, seconds & mine};
            for (uint32_t s = 0; slab->timed && s < RC_FUNNEL_BIT_STEPS_MAX; s++)
                bits[s] = in_time(reading, s, row, bits[s]);
            take_word(reading, pair, row, bits[0], bits[1]);
        } else {
            reading->passed = end;
        }
        entries &= ~mine;
        seconds &= ~mine;
    }
}

enum rc_status
rc_funnel_pairs_note(struct rc_funnel_scan_lane *lane,
                     const struct rc_walk_block *block,
                     uint32_t plan_slab,
                     uint32_t begin,
                     uint32_t end)
{
    const struct rc_funnel_scan_slab *slab = &lane->scan->slabs[plan_slab];
    struct reading reading = {
        .lane = lane,
        .slab = slab,
        .slab_place = (uint64_t)plan_slab << 32,
        .block = block,
        .user = rc_slab_rows_owner(slab->starts, slab->info->user_count, 0, begin),
        .timed_user = UINT32_MAX,
    };
    for (uint32_t s = 0; s < RC_FUNNEL_BIT_STEPS_MAX; s++)
        RC_TRY(rc_slab_rows_open(&lane->rows[s], &lane->scan->entrants, plan_slab, s));
    for (uint32_t stop; begin < end; begin = stop) {
        const uint64_t *words[RC_FUNNEL_BIT_STEPS_MAX];
        uint64_t none[RC_FUNNEL_BIT_STEPS_MAX]; /* Of a step without rows in the piece. */
        const uint32_t base = begin & ~(RC_PIECE_ROWS - 1);
        stop = end - base < RC_PIECE_ROWS ? end : base + RC_PIECE_ROWS;
        for (uint32_t s = 0; s < RC_FUNNEL_BIT_STEPS_MAX; s++)
            none[s] = rc_slab_rows_piece(&lane->rows[s], base, &words[s]) ? UINT64_MAX : 0;
        for (uint32_t row = begin & ~63u; row < stop && (none[0] | none[1]) != 0; row += 64) {
            const uint64_t inside = rc_word_within(row, begin, stop);
            uint64_t bits[RC_FUNNEL_BIT_STEPS_MAX];
            for (uint32_t s = 0; s < RC_FUNNEL_BIT_STEPS_MAX; s++)
                bits[s] = none[s] == 0 || words[s] == NULL
                              ? none[s] & inside
                              : words[s][row % RC_PIECE_ROWS / 64] & inside;
            take_users(&reading, row, bits[0], bits[1]);
        }
    }
    return RC_OK;
}

/* The event at a place. */
static struct rc_hit
hit_at(const struct rc_funnel_scan *scan, uint64_t place, int64_t time_ms)
{
    return (struct rc_hit){.time_ms = time_ms,
                           .mask = 1,
                           .source = scan->slabs[place >> 32].index,
                           .row = (uint32_t)place};
}

enum rc_status
rc_funnel_pairs_count(struct rc_funnel_scan_lane *lane, uint32_t slot, bool *ret_further)
{
    static const struct rc_funnel_attempt attempt = {.depth = 2, .filled = 3, .hits = {1, 2}};
    const struct rc_funnel_scan *scan = lane->scan;
    const struct rc_funnel_pair *pair = &lane->pairs[slot];
    const uint32_t user = lane->first + slot;
    *ret_further = false;
    if (pair->first == NONE || rc_funnel_scan_has(scan->odd, user))
        return RC_OK;
    /* Without a time: no row of a split hangs on it. */
    const struct rc_hit first = hit_at(scan, pair->first, 0);
    if (pair->second == NONE) {
        bool counted;
        RC_TRY(rc_funnel_scan_count(lane->lane, user, &first, 1, &counted));
        if (!counted)
            rc_walk_mark(scan->odd, user);
        return RC_OK;
    }
    lane->chain[0] = first;
    lane->chain[1] = hit_at(scan, pair->entry, time_of(scan, pair->entry));
    lane->chain[2] = hit_at(scan, pair->second, time_of(scan, pair->second));
    lane->lane->person = user;
    lane->lane->hits = lane->chain;
    lane->lane->hit_count = 3;
    *ret_further = true;
    return rc_funnel_lane_add_plain(lane->lane, &attempt, RC_FUNNEL_NO_BUCKET, NULL, NULL);
}
