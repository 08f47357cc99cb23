/* Cell place: a table of what each kind of answer takes. */
#include "cli/options/cell_place.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/options/cell_words.h"
#include "cli/render/render.h"
#include "cli/render/render_comparisons.h"
#include "cli/session/message.h"
#include "recount/v1/lifecycle.pb-c.h"
#include "recount/v1/paths.pb-c.h"
#include "recount/v1/sessions.pb-c.h"
#include "recount/v1/stickiness.pb-c.h"

struct reading {
    struct rc_arena *arena;
    struct rc_cell_words words;
    Recount__V1__Cell *cell;
};

static bool
has(struct reading *reading, const char *key)
{
    return rc_cell_word_find(&reading->words, key) != NULL;
}

/* ---- Names ----------------------------------------------------------------------------------- */

static const char *
label_name(char text[256], const struct rc_cell_words *words, const void *thing)
{
    (void)words;
    return rc_render_label(text, thing);
}

/* Of what has a label: a row, a node, an end. */
static const char *
labelled_name(char text[256], const struct rc_cell_words *words, const void *thing)
{
    (void)words;
    return rc_render_label(
        text, *(Recount__V1__RowLabel **)rc_message_member((ProtobufCMessage *)thing, "label"));
}

static const char *
bucket_name(char text[256], const struct rc_cell_words *words, const void *thing)
{
    return rc_render_bucket(text, thing, words->unit);
}

static const char *
funnel_bucket_name(char text[256], const struct rc_cell_words *words, const void *thing)
{
    return rc_render_bucket(text, ((const Recount__V1__FunnelBucket *)thing)->bucket, words->unit);
}

static const char *
bracket_name(char text[256], const struct rc_cell_words *words, const void *thing)
{
    const Recount__V1__PeriodBracket *bracket = thing;
    (void)words;
    if (bracket->first == bracket->last)
        snprintf(text, 256, "%u", bracket->first);
    else
        snprintf(text, 256, "%u-%u", bracket->first, bracket->last);
    return text;
}

static const char *
bin_name(char text[256], const struct rc_cell_words *words, const void *thing)
{
    (void)words;
    snprintf(text, 256, "%.15g", ((const Recount__V1__Bin *)thing)->low);
    return text;
}

static const char *
variant_name(char text[256], const struct rc_cell_words *words, const void *thing)
{
    (void)words;
    return rc_render_value(text, 256, ((const Recount__V1__ExperimentVariant *)thing)->value);
}

static const char *
candidate_name(char text[256], const struct rc_cell_words *words, const void *thing)
{
    (void)words;
    return rc_render_candidate(text, thing);
}

static const char *
series_name(char text[256], const struct rc_cell_words *words, const void *thing)
{
    (void)text;
    (void)words;
    return ((const Recount__V1__SeriesResult *)thing)->name;
}

/* The row: by default the total, which is the last, or of some kinds (total_behind) stands behind
 * them all. */
static bool
take_row(struct reading *reading, void *const *rows, size_t count, bool total_behind)
{
    const struct rc_cell_word *word = rc_cell_word_find(&reading->words, "row");
    const bool is_total =
        word == NULL || (word->value != NULL && strcmp(word->value, "total") == 0);
    if (is_total) {
        reading->cell->row = (uint32_t)(total_behind || count == 0 ? count : count - 1);
        return true;
    }
    return rc_cell_word_thing(&reading->words, "row", rows, count, labelled_name,
                              &reading->cell->row);
}

#define PLACE(reading, type, prefix, member, choice)                          \
    __extension__({                                                           \
        (reading)->cell->place_case = RECOUNT__V1__CELL__PLACE_##choice;      \
        (reading)->cell->member = RC_MESSAGE((reading)->arena, type, prefix); \
    })

/* ---- Kinds ----------------------------------------------------------------------------------- */

static bool
read_funnel(struct reading *reading, const ProtobufCMessage *message)
{
    const Recount__V1__FunnelResponse *reply = (const Recount__V1__FunnelResponse *)message;
    Recount__V1__FunnelCell *at =
        PLACE(reading, Recount__V1__FunnelCell, recount__v1__funnel_cell, funnel, FUNNEL);
    void *const *rows = (void *const *)reply->rows;
    size_t row_count = reply->n_rows;
    at->dropped = has(reading, "dropped");
    if (!rc_cell_word_number(&reading->words, "step", &at->step))
        return false;
    if (has(reading, "bucket")) {
        at->optional_bucket_case = RECOUNT__V1__FUNNEL_CELL__OPTIONAL_BUCKET_BUCKET;
        if (!rc_cell_word_thing(&reading->words, "bucket", (void *const *)reply->buckets,
                                reply->n_buckets, funnel_bucket_name, &at->bucket))
            return false;
        rows = (void *const *)reply->buckets[at->bucket]->rows;
        row_count = reply->buckets[at->bucket]->n_rows;
    }
    return take_row(reading, rows, row_count, false);
}

static bool
read_retention(struct reading *reading, const ProtobufCMessage *message)
{
    const Recount__V1__RetentionResponse *reply = (const Recount__V1__RetentionResponse *)message;
    Recount__V1__RetentionCell *at = PLACE(reading, Recount__V1__RetentionCell,
                                           recount__v1__retention_cell, retention, RETENTION);
    if (!rc_cell_word_thing(&reading->words, "cohort", (void *const *)reply->cohorts,
                            reply->n_cohorts, bucket_name, &at->cohort))
        return false;
    if (has(reading, "column")) {
        at->optional_column_case = RECOUNT__V1__RETENTION_CELL__OPTIONAL_COLUMN_COLUMN;
        if (!rc_cell_word_thing(&reading->words, "column", (void *const *)reply->columns,
                                reply->n_columns, bracket_name, &at->column))
            return false;
    }
    return take_row(reading, (void *const *)reply->rows, reply->n_rows, false);
}

/* "A" is the first series of the request, "Z" the 26th, "AA" the next. */
static bool
take_operand(struct reading *reading, Recount__V1__SeriesCell *at)
{
    const struct rc_cell_word *word = rc_cell_word_find(&reading->words, "operand");
    uint32_t place = 0;
    if (word == NULL)
        return true;
    for (const char *letter = word->value == NULL ? "" : word->value; *letter != '\0'; letter++) {
        const uint32_t digit = (uint32_t)(*letter | 0x20) - 'a';
        if (digit > 25 || place > 26)
            place = UINT32_MAX / 32;
        else
            place = place * 26 + digit + 1;
    }
    if (place == 0 || place > 26 * 27) {
        fputs("recount: --users-of takes the letter of a series behind operand=\n", stderr);
        return false;
    }
    at->optional_operand_case = RECOUNT__V1__SERIES_CELL__OPTIONAL_OPERAND_OPERAND;
    at->operand = place - 1;
    return true;
}

/* A bin by its lower end. Those of the total, which is the last row, are those of all rows. */
static bool
take_bin(struct reading *reading, const Recount__V1__SeriesResult *of, Recount__V1__SeriesCell *at)
{
    uint32_t place = 0;
    const Recount__V1__Histogram *all =
        of->n_rows == 0 ? NULL : of->rows[of->n_rows - 1]->total_histogram;
    if (!has(reading, "bin"))
        return true;
    if (!rc_cell_word_thing(&reading->words, "bin", all == NULL ? NULL : (void *const *)all->bins,
                            all == NULL ? 0 : all->n_bins, bin_name, &place))
        return false;
    at->bin = all->bins[place];
    return true;
}

static bool
read_series(struct reading *reading, const ProtobufCMessage *message)
{
    const Recount__V1__SeriesResponse *reply = (const Recount__V1__SeriesResponse *)message;
    Recount__V1__SeriesCell *at =
        PLACE(reading, Recount__V1__SeriesCell, recount__v1__series_cell, series, SERIES);
    if ((reply->n_series != 1 || has(reading, "series")) &&
        !rc_cell_word_thing(&reading->words, "series", (void *const *)reply->series,
                            reply->n_series, series_name, &at->series))
        return false;
    const Recount__V1__SeriesResult *of = reply->series[at->series];
    at->compared = has(reading, "compared");
    if (has(reading, "bucket")) {
        at->optional_bucket_case = RECOUNT__V1__SERIES_CELL__OPTIONAL_BUCKET_BUCKET;
        if (!rc_cell_word_thing(&reading->words, "bucket", (void *const *)reply->buckets,
                                reply->n_buckets, bucket_name, &at->bucket))
            return false;
    }
    if (has(reading, "column")) {
        at->optional_column_case = RECOUNT__V1__SERIES_CELL__OPTIONAL_COLUMN_COLUMN;
        if (!rc_cell_word_thing(&reading->words, "column", (void *const *)of->columns,
                                of->n_columns, label_name, &at->column))
            return false;
    }
    return take_operand(reading, at) &&
           take_row(reading, (void *const *)of->rows, of->n_rows, false) &&
           take_bin(reading, of, at);
}

static bool
read_lifecycle(struct reading *reading, const ProtobufCMessage *message)
{
    static const char *const states[] = {"new", "returning", "resurrecting", "dormant"};
    const Recount__V1__LifecycleResponse *reply = (const Recount__V1__LifecycleResponse *)message;
    Recount__V1__LifecycleCell *at = PLACE(reading, Recount__V1__LifecycleCell,
                                           recount__v1__lifecycle_cell, lifecycle, LIFECYCLE);
    for (unsigned i = 0; i < sizeof(states) / sizeof(states[0]); i++)
        if (has(reading, states[i]))
            at->state = (Recount__V1__LifecycleState)(i + 1);
    if (at->state == 0) {
        fputs("recount: --users-of needs new, returning, resurrecting or dormant\n", stderr);
        return false;
    }
    return rc_cell_word_thing(&reading->words, "bucket", (void *const *)reply->buckets,
                              reply->n_buckets, bucket_name, &at->bucket) &&
           take_row(reading, (void *const *)reply->rows, reply->n_rows, false);
}

static bool
read_stickiness(struct reading *reading, const ProtobufCMessage *message)
{
    const Recount__V1__StickinessResponse *reply = (const Recount__V1__StickinessResponse *)message;
    Recount__V1__StickinessCell *at = PLACE(reading, Recount__V1__StickinessCell,
                                            recount__v1__stickiness_cell, stickiness, STICKINESS);
    return rc_cell_word_number(&reading->words, "buckets", &at->buckets) &&
           take_row(reading, (void *const *)reply->rows, reply->n_rows, false);
}

static bool
read_paths(struct reading *reading, const ProtobufCMessage *message)
{
    const Recount__V1__PathsResponse *reply = (const Recount__V1__PathsResponse *)message;
    Recount__V1__PathsCell *at =
        PLACE(reading, Recount__V1__PathsCell, recount__v1__paths_cell, paths, PATHS);
    if (!take_row(reading, (void *const *)reply->rows, reply->n_rows, true))
        return false;
    if (!has(reading, "level"))
        return true; /* All walks. */
    if (!rc_cell_word_number(&reading->words, "level", &at->level))
        return false;
    if (at->level == 0 || at->level > reply->n_levels) {
        fprintf(stderr, "recount: there is no level %u\n", at->level);
        return false;
    }
    const Recount__V1__PathLevel *level = reply->levels[at->level - 1];
    if (!rc_cell_word_thing(&reading->words, "node", (void *const *)level->nodes, level->n_nodes,
                            labelled_name, &at->node))
        return false;
    if (has(reading, "ended")) {
        at->part_case = RECOUNT__V1__PATHS_CELL__PART_DROP_OFF;
        at->drop_off = true;
    }
    if (has(reading, "target")) {
        const bool is_last = at->level == reply->n_levels;
        const Recount__V1__PathLevel *next = is_last ? NULL : reply->levels[at->level];
        at->part_case = RECOUNT__V1__PATHS_CELL__PART_TARGET;
        return rc_cell_word_thing(&reading->words, "target",
                                  is_last ? NULL : (void *const *)next->nodes,
                                  is_last ? 0 : next->n_nodes, labelled_name, &at->target);
    }
    return true;
}

static bool
read_sessions(struct reading *reading, const ProtobufCMessage *message)
{
    const Recount__V1__SessionsResponse *reply = (const Recount__V1__SessionsResponse *)message;
    Recount__V1__SessionsCell *at =
        PLACE(reading, Recount__V1__SessionsCell, recount__v1__sessions_cell, sessions, SESSIONS);
    at->bounced = has(reading, "bounced");
    if (has(reading, "entry")) {
        at->part_case = RECOUNT__V1__SESSIONS_CELL__PART_ENTRY;
        return rc_cell_word_thing(&reading->words, "entry", (void *const *)reply->entries,
                                  reply->n_entries, labelled_name, &at->entry);
    }
    if (has(reading, "exit")) {
        at->part_case = RECOUNT__V1__SESSIONS_CELL__PART_EXIT;
        return rc_cell_word_thing(&reading->words, "exit", (void *const *)reply->exits,
                                  reply->n_exits, labelled_name, &at->exit);
    }
    if (has(reading, "bucket")) {
        at->part_case = RECOUNT__V1__SESSIONS_CELL__PART_BUCKET;
        if (!rc_cell_word_thing(&reading->words, "bucket", (void *const *)reply->buckets,
                                reply->n_buckets, bucket_name, &at->bucket))
            return false;
    }
    return take_row(reading, (void *const *)reply->rows, reply->n_rows, false);
}

static Recount__V1__ComparedUsers
compared_users(struct reading *reading)
{
    return has(reading, "converted") ? RECOUNT__V1__COMPARED_USERS__COMPARED_USERS_CONVERTED
           : has(reading, "others")  ? RECOUNT__V1__COMPARED_USERS__COMPARED_USERS_OTHERS
                                     : RECOUNT__V1__COMPARED_USERS__COMPARED_USERS_UNSPECIFIED;
}

static bool
read_experiment(struct reading *reading, const ProtobufCMessage *message)
{
    const Recount__V1__ExperimentResponse *reply = (const Recount__V1__ExperimentResponse *)message;
    Recount__V1__ExperimentCell *at = PLACE(reading, Recount__V1__ExperimentCell,
                                            recount__v1__experiment_cell, experiment, EXPERIMENT);
    at->users = compared_users(reading);
    return rc_cell_word_thing(&reading->words, "variant", (void *const *)reply->variants,
                              reply->n_variants, variant_name, &reading->cell->row);
}

static bool
read_correlation(struct reading *reading, const ProtobufCMessage *message)
{
    const Recount__V1__CorrelationResponse *reply =
        (const Recount__V1__CorrelationResponse *)message;
    Recount__V1__CorrelationCell *at =
        PLACE(reading, Recount__V1__CorrelationCell, recount__v1__correlation_cell, correlation,
              CORRELATION);
    at->users = compared_users(reading);
    at->population = has(reading, "population");
    return at->population ||
           rc_cell_word_thing(&reading->words, "candidate", (void *const *)reply->candidates,
                              reply->n_candidates, candidate_name, &reading->cell->row);
}

static const struct kind {
    const ProtobufCMessageDescriptor *reply;
    const char *takes;
    bool (*read)(struct reading *reading, const ProtobufCMessage *message);
} kinds[] = {
    {&recount__v1__funnel_response__descriptor, "step=N dropped row=NAME bucket=TIME", read_funnel},
    {&recount__v1__retention_response__descriptor, "cohort=TIME column=N row=NAME", read_retention},
    {&recount__v1__series_response__descriptor,
     "series=NAME row=NAME bucket=TIME column=NAME bin=LOW compared operand=LETTER", read_series},
    {&recount__v1__lifecycle_response__descriptor,
     "new|returning|resurrecting|dormant bucket=TIME row=NAME", read_lifecycle},
    {&recount__v1__stickiness_response__descriptor, "buckets=N row=NAME", read_stickiness},
    {&recount__v1__paths_response__descriptor, "level=N node=NAME target=NAME ended row=NAME",
     read_paths},
    {&recount__v1__sessions_response__descriptor,
     "bucket=TIME entry=NAME exit=NAME bounced row=NAME", read_sessions},
    {&recount__v1__experiment_response__descriptor, "variant=NAME converted others",
     read_experiment},
    {&recount__v1__correlation_response__descriptor, "candidate=NAME population converted others",
     read_correlation},
};

static const struct kind *
kind_of(const ProtobufCMessageDescriptor *reply)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (kinds[i].reply == reply)
            return &kinds[i];
    return NULL;
}

bool
rc_cell_place_has(const ProtobufCMessageDescriptor *reply)
{
    return kind_of(reply) != NULL;
}

bool
rc_cell_place_read(struct rc_arena *arena,
                   const ProtobufCMessage *reply,
                   char *words,
                   Recount__V1__TimeUnit unit,
                   Recount__V1__Cell *cell)
{
    const struct kind *kind = kind_of(reply->descriptor);
    struct reading reading = {.arena = arena, .words = {.unit = unit}, .cell = cell};
    if (!rc_cell_words_read(words, &reading.words))
        return false;
    if (!kind->read(&reading, reply))
        return false;
    for (size_t i = 0; i < reading.words.count; i++) {
        if (reading.words.words[i].used)
            continue;
        fprintf(stderr, "recount: --users-of takes %s here, not \"%s\"\n", kind->takes,
                reading.words.words[i].key);
        return false;
    }
    return true;
}
