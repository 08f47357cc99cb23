/*
 * Measuring lines by how values are spread. Values are codes that ascend with the number
 * (property_numbers.h) or just tell values apart (groups.h); a pass counts (place, part of the
 * code), in arrays of a bounded size, whatever the number of events.
 *
 * Percentiles: selection by digits. The first pass counts the highest bits of the codes of each
 * place; then each of a percentile's two ranks knows in which of these bins it lies, and the next
 * pass counts the next bits of what is in that bin. One pass is enough where places times values
 * fit the array; a million values and ten thousand places take seven.
 *
 * Distinct values: pairs of place and value (place_values.h), as many values a pass as there is
 * room for; one pass is enough for a million pairs.
 *
 * Histograms: the bins lie between the least and the greatest number, which takes a pass before.
 */
#include <math.h>
#include <string.h>

#include "engine/base/assert.h"
#include "engine/query/number/percentile.h"
#include "engine/query/series/place_values.h"
#include "engine/query/series/series_line.h"
#include "engine/query/series/series_scan.h"

#define COUNTERS_MAX ((uint64_t)1 << 22) /* Of a lane: 16 MiB. */

enum pass { PASS_ENDS, PASS_BINS, PASS_VALUES, PASS_DIGITS };

/* What a pass looks for; read-only while it walks. */
struct spread {
    const struct rc_series_frame *frame;
    const struct rc_series_line *line; /* NULL with PASS_ENDS: without rows. */
    uint32_t series;
    enum pass pass;
    uint64_t place_count;
    uint64_t counter_count; /* Of a lane. */
    uint32_t bin_count;     /* BINS */
    const uint32_t *bin_of; /* By code. */
    uint32_t shift;         /* DIGITS: what is below the digit, */
    uint32_t digit_bits;    /* the digit, */
    bool has_prefix;        /* and what must stand above it: */
    uint32_t *prefixes;     /* two a place. */
    uint64_t *ranks;        /* Two a place: left of them in the bin. */
    struct rc_pair *shares; /* By place. */
    uint32_t lane_count;
    struct lane *lanes;
};

struct lane {
    const struct spread *spread;
    struct rc_series_rows rows;
    uint32_t least; /* ENDS: codes. */
    uint32_t greatest;
    uint32_t *counters;            /* BINS, DIGITS. */
    struct rc_place_values values; /* VALUES. */
};

static void
spread_close(struct spread *spread)
{
    for (uint32_t i = 0; i < spread->lane_count; i++) {
        rc_series_rows_close(&spread->lanes[i].rows);
        rc_alloc_free(spread->lanes[i].counters);
        rc_place_values_close(&spread->lanes[i].values);
    }
    rc_alloc_free(spread->prefixes);
    rc_alloc_free(spread->ranks);
    rc_alloc_free(spread->shares);
}

static enum rc_status
spread_open(struct spread *spread)
{
    const struct rc_query_context *context = spread->frame->context;
    spread->lanes = RC_ARENA_ARRAY(context->arena, struct lane, context->parallel_max);
    if (spread->lanes == NULL)
        return RC_NO_MEMORY;
    spread->lane_count = context->parallel_max;
    for (uint32_t i = 0; i < spread->lane_count; i++)
        spread->lanes[i] = (struct lane){
            .spread = spread, .least = UINT32_MAX, .rows = {.account = context->account}};
    if (spread->line != NULL)
        spread->place_count =
            (uint64_t)spread->line->row_count * rc_line_places(spread->frame, spread->line);
    return RC_OK;
}

/* One value in one place. */
static inline enum rc_status
add_code(struct lane *lane, uint64_t place, uint32_t code)
{
    const struct spread *spread = lane->spread;
    const uint32_t mask = ((uint32_t)1 << spread->digit_bits) - 1;
    switch (spread->pass) {
    case PASS_ENDS:
        break;
    case PASS_BINS:
        lane->counters[place * spread->bin_count + spread->bin_of[code]]++;
        break;
    case PASS_VALUES:
        return rc_place_values_add(&lane->values, place, code);
    case PASS_DIGITS:
        if (!spread->has_prefix) {
            lane->counters[(place << spread->digit_bits) + ((code >> spread->shift) & mask)]++;
            break;
        }
        for (uint64_t slot = 2 * place; slot < 2 * place + 2; slot++)
            if (code >> spread->shift >> spread->digit_bits == spread->prefixes[slot])
                lane->counters[(slot << spread->digit_bits) + ((code >> spread->shift) & mask)]++;
        break;
    }
    return RC_OK;
}

/* The codes of the hit that the rows were turned to. */
static enum rc_status
add_codes(struct lane *lane, const uint32_t *codes, uint32_t code_count, int64_t time_ms)
{
    uint32_t row_count;
    const struct spread *spread = lane->spread;
    const struct rc_series_frame *frame = spread->frame;
    const uint32_t places = rc_line_places(frame, spread->line);
    const uint32_t bucket = places == 1 ? 0 : rc_bucket_map_find(&frame->map, time_ms);
    RC_TRY(rc_line_rows(frame, spread->line, &lane->rows, &row_count));
    for (uint32_t r = 0; r < row_count; r++) {
        const uint64_t begin = (uint64_t)lane->rows.rows[r] * places;
        for (uint32_t i = 0; i < code_count; i++) {
            RC_TRY(add_code(lane, begin + places - 1, codes[i]));
            if (places > 1)
                RC_TRY(add_code(lane, begin + bucket, codes[i]));
        }
    }
    return RC_OK;
}

static enum rc_status
fold_hits(void *state,
          const struct rc_walk_block *block,
          const struct rc_hit *hits,
          const uint32_t *slots,
          uint32_t count)
{
    struct lane *lane = state;
    const struct spread *spread = lane->spread;
    const struct rc_series_frame *frame = spread->frame;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t code_count;
        uint32_t group;
        const uint32_t *codes;
        const uint32_t person = rc_walk_person(block, slots[i]);
        if (((hits[i].mask >> frame->bit_of[spread->series]) & 1) == 0)
            continue;
        if (frame->values[spread->series] != NULL) {
            group = rc_groups_of(frame->values[spread->series], person, &hits[i]);
            codes = rc_groups_list(frame->values[spread->series], &group, &code_count);
        } else {
            codes = rc_numbers_of(frame->numbers[spread->series], &hits[i], &code_count);
        }
        for (uint32_t c = 0; spread->pass == PASS_ENDS && c < code_count; c++) {
            lane->least = codes[c] < lane->least ? codes[c] : lane->least;
            lane->greatest = codes[c] > lane->greatest ? codes[c] : lane->greatest;
        }
        if (spread->pass == PASS_ENDS || code_count == 0)
            continue;
        rc_series_rows_turn(&lane->rows, person, &hits[i]);
        RC_TRY(add_codes(lane, codes, code_count, hits[i].time_ms));
    }
    return RC_OK;
}

static enum rc_status
walk(struct spread *spread)
{
    const struct rc_series_frame *frame = spread->frame;
    void **states = RC_ARENA_ARRAY(frame->context->arena, void *, spread->lane_count);
    uint64_t hit_count = 0;
    if (states == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < spread->lane_count; i++)
        states[i] = &spread->lanes[i];
    const struct rc_fold fold = {
        .purpose = "the spread of a property",
        .anonymous = !rc_series_frame_reads_person(frame),
        .lane_count = spread->lane_count,
        .lanes = states,
        .hits = fold_hits,
    };
    return rc_walk(frame->plan, &fold, &hit_count);
}

/* Zeroes the lanes' counters, walks, and adds them up in the first lane. */
static enum rc_status
tally(struct spread *spread)
{
    const size_t bytes = spread->counter_count * sizeof(*spread->lanes[0].counters);
    for (uint32_t i = 0; i < spread->lane_count; i++) {
        struct lane *lane = &spread->lanes[i];
        rc_alloc_free(lane->counters);
        lane->counters = rc_alloc_in(spread->frame->context->account, bytes);
        if (lane->counters == NULL)
            return RC_NO_MEMORY;
        memset(lane->counters, 0, bytes);
    }
    RC_TRY(walk(spread));
    for (uint32_t i = 1; i < spread->lane_count; i++)
        for (uint64_t c = 0; c < spread->counter_count; c++)
            spread->lanes[0].counters[c] += spread->lanes[i].counters[c];
    return RC_OK;
}

/* ---- Percentiles ----------------------------------------------------------------------------- */

/* The bits of the next digit: as many as the counters hold. */
static uint32_t
digit_bits_of(uint64_t slot_count, uint32_t bits_left)
{
    uint32_t bits = 1;
    while (bits < bits_left && bits < 24 && slot_count << (bits + 1) <= COUNTERS_MAX)
        bits++;
    return bits;
}

/* Where the two ranks of each place lie, from how many values it has. */
static void
set_ranks(struct spread *spread, double percentile)
{
    for (uint64_t place = 0; place < spread->place_count; place++) {
        uint64_t count = 0;
        const uint32_t *counters = spread->lanes[0].counters + (place << spread->digit_bits);
        for (uint32_t bin = 0; bin >> spread->digit_bits == 0; bin++)
            count += counters[bin];
        spread->shares[place].high = NAN;
        if (count == 0)
            continue;
        const struct rc_percentile_rank rank = rc_percentile_rank_of(percentile, count);
        spread->ranks[2 * place] = rank.low;
        spread->ranks[2 * place + 1] = rank.high;
        spread->shares[place] = rank.share;
    }
}

/* Appends to each prefix the digit in whose bin the rank lies. */
static void
descend(struct spread *spread)
{
    for (uint64_t slot = 0; slot < 2 * spread->place_count; slot++) {
        if (isnan(spread->shares[slot / 2].high))
            continue;
        const uint64_t from = spread->has_prefix ? slot : slot / 2;
        const uint32_t *counters = spread->lanes[0].counters + (from << spread->digit_bits);
        uint32_t bin = 0;
        while (spread->ranks[slot] >= counters[bin]) {
            spread->ranks[slot] -= counters[bin];
            bin++;
            RC_ASSERT(bin >> spread->digit_bits == 0);
        }
        spread->prefixes[slot] = spread->prefixes[slot] << spread->digit_bits | bin;
    }
}

static enum rc_status
measure_percentile(struct spread *spread, double percentile)
{
    struct rc_account *account = spread->frame->context->account;
    const struct rc_numbers *numbers = spread->frame->numbers[spread->series];
    const uint64_t slots = 2 * spread->place_count;
    const uint32_t count = rc_numbers_count(numbers);
    for (uint64_t place = 0; place < spread->place_count; place++)
        spread->line->values[place] = NAN;
    if (count == 0)
        return RC_OK;
    spread->pass = PASS_DIGITS;
    spread->prefixes = rc_alloc_in(account, slots * sizeof(*spread->prefixes));
    spread->ranks = rc_alloc_in(account, slots * sizeof(*spread->ranks));
    spread->shares = rc_alloc_in(account, slots * sizeof(*spread->shares));
    if (spread->prefixes == NULL || spread->ranks == NULL || spread->shares == NULL)
        return RC_NO_MEMORY;
    memset(spread->prefixes, 0, slots * sizeof(*spread->prefixes));
    uint32_t bits_left = 1;
    while (bits_left < 32 && (count - 1) >> bits_left != 0)
        bits_left++;
    while (bits_left > 0) {
        const uint64_t counted = spread->has_prefix ? slots : spread->place_count;
        spread->digit_bits = digit_bits_of(counted, bits_left);
        bits_left -= spread->digit_bits;
        spread->shift = bits_left;
        spread->counter_count = counted << spread->digit_bits;
        RC_TRY(tally(spread));
        if (!spread->has_prefix)
            set_ranks(spread, percentile);
        descend(spread);
        spread->has_prefix = true;
    }
    for (uint64_t place = 0; place < spread->place_count; place++)
        if (!isnan(spread->shares[place].high))
            spread->line->values[place] = rc_percentile_between(
                rc_numbers_all(numbers)[spread->prefixes[2 * place]],
                rc_numbers_all(numbers)[spread->prefixes[2 * place + 1]], spread->shares[place]);
    return RC_OK;
}

/* ---- Distinct values, histograms ------------------------------------------------------------- */

/* Puts the lanes' values together in the one that holds the fewest codes. */
static enum rc_status
join_values(struct spread *spread, struct rc_place_values **ret_values)
{
    struct rc_place_values *least = &spread->lanes[0].values;
    for (uint32_t i = 1; i < spread->lane_count; i++)
        if (spread->lanes[i].values.width < least->width)
            least = &spread->lanes[i].values;
    for (uint32_t i = 0; i < spread->lane_count; i++)
        if (&spread->lanes[i].values != least)
            RC_TRY(rc_place_values_join(least, &spread->lanes[i].values));
    *ret_values = least;
    return RC_OK;
}

static enum rc_status
measure_distinct(struct spread *spread)
{
    struct rc_place_values *values;
    const uint32_t code_count = rc_groups_count(spread->frame->values[spread->series]);
    spread->pass = PASS_VALUES;
    for (uint64_t place = 0; place < spread->place_count; place++)
        spread->line->values[place] = 0;
    for (uint32_t first = RC_GROUP_NULL + 1; first < code_count; first += values->width) {
        for (uint32_t i = 0; i < spread->lane_count; i++)
            rc_place_values_open(&spread->lanes[i].values, spread->frame->context,
                                 spread->place_count, first, code_count - first);
        RC_TRY(walk(spread));
        RC_TRY(join_values(spread, &values));
        RC_TRY(rc_place_values_count(values, spread->line->values));
    }
    return RC_OK;
}

/* The codes of a series' least and greatest number, by a walk. */
static enum rc_status
find_ends(const struct rc_series_frame *frame,
          uint32_t series,
          uint32_t *ret_least,
          uint32_t *ret_greatest)
{
    RC_CLEANUP(spread_close) struct spread spread = {.frame = frame, .series = series};
    RC_TRY(spread_open(&spread));
    spread.pass = PASS_ENDS;
    RC_TRY(walk(&spread));
    for (uint32_t i = 0; i < spread.lane_count; i++) {
        const struct lane *lane = &spread.lanes[i];
        *ret_least = lane->least < *ret_least ? lane->least : *ret_least;
        *ret_greatest = lane->greatest > *ret_greatest ? lane->greatest : *ret_greatest;
    }
    return RC_OK;
}

enum rc_status
rc_series_widen(const struct rc_series_frame *frame,
                uint32_t series,
                double *least,
                double *greatest)
{
    bool done;
    uint32_t first = UINT32_MAX;
    uint32_t last = 0;
    RC_TRY(rc_series_scan_ends(frame, series, &first, &last, &done));
    if (!done)
        RC_TRY(find_ends(frame, series, &first, &last));
    if (first == UINT32_MAX)
        return RC_OK;
    const double *numbers = rc_numbers_all(frame->numbers[series]);
    *least = numbers[first] < *least ? numbers[first] : *least;
    *greatest = numbers[last] > *greatest ? numbers[last] : *greatest;
    return RC_OK;
}

/* The bins of a histogram series: from its least to its greatest number, in the range and in the
 * time that it is compared with. */
static enum rc_status
find_bins(const struct rc_series_frame *frame, uint32_t series, struct rc_bins *ret_bins)
{
    double least = INFINITY;
    double greatest = -INFINITY;
    RC_TRY(rc_series_widen(frame, series, &least, &greatest));
    if (frame->beside != NULL)
        RC_TRY(rc_series_widen(frame->beside, series, &least, &greatest));
    *ret_bins = (struct rc_bins){.count = 0};
    if (least <= greatest)
        *ret_bins = rc_bins_make(least, greatest, frame->request->series[series].bins);
    return RC_OK;
}

static enum rc_status
measure_histogram(struct spread *spread)
{
    struct rc_bins *bins = spread->line->bins;
    const struct rc_query_context *context = spread->frame->context;
    const struct rc_numbers *numbers = spread->frame->numbers[spread->series];
    for (uint64_t place = 0; place < spread->place_count; place++)
        spread->line->values[place] = NAN;
    if (spread->line->histogram == NULL)
        return RC_OK;
    RC_TRY(find_bins(spread->frame, spread->series, bins));
    if (bins->count == 0)
        return RC_OK;
    uint32_t *bin_of = RC_ARENA_ARRAY(context->arena, uint32_t, rc_numbers_count(numbers));
    if (bin_of == NULL)
        return RC_NO_MEMORY;
    for (uint32_t code = 0; code < rc_numbers_count(numbers); code++) {
        const double number = rc_numbers_all(numbers)[code];
        if (number >= bins->least && number <= bins->greatest)
            bin_of[code] = rc_bins_find(bins, number);
    }
    spread->pass = PASS_BINS;
    spread->bin_of = bin_of;
    spread->bin_count = bins->count;
    spread->counter_count = spread->place_count * bins->count;
    RC_TRY(tally(spread));
    for (uint64_t i = 0; i < spread->counter_count; i++)
        spread->line->histogram[i] = spread->lanes[0].counters[i];
    return RC_OK;
}

enum rc_status
rc_series_spread(const struct rc_series_frame *frame, const struct rc_series_line *line)
{
    RC_CLEANUP(spread_close)
    struct spread spread = {.frame = frame, .line = line, .series = line->series};
    const struct rc_series *series = &frame->request->series[line->series];
    RC_TRY(spread_open(&spread));
    switch (series->measure) {
    case RC_MEASURE_DISTINCT:
        return measure_distinct(&spread);
    case RC_MEASURE_HISTOGRAM:
        return measure_histogram(&spread);
    default:
        return measure_percentile(&spread,
                                  series->measure == RC_MEASURE_MEDIAN ? 50 : series->percentile);
    }
}
