/*
 * Groups, parts: texts numbered where they stand. Groups of values that are known otherwise come
 * first, so parts get their numbers when all cells have a group; until then their places hold
 * RC_GROUP_UNSET (texts of slabs) or RC_GROUP_PART (rows of heads).
 */
#include "engine/base/assert.h"
#include "engine/query/split/groups_form.h"

/* More are merged: parts are more than values, and 31 bits number them. */
#define PARTS_MAX ((uint64_t)1 << 30)

/* To merge a text takes as long as to count so many rows, which is what it costs when parts turn
 * out to be of no use: fewer texts than one for so many rows are merged. */
#define ROWS_A_TEXT 64u

void
rc_groups_decide_parts(struct rc_groups *groups)
{
    uint32_t slab_count;
    uint64_t texts = 0;
    uint64_t rows = 0;
    const struct rc_plan *plan = groups->plan;
    const struct rc_view_slab *slabs = rc_view_slabs(plan->context->view, &slab_count);
    for (uint32_t i = 0; i < plan->slab_count; i++)
        rows += rc_slab_get_info(slabs[plan->slabs[i].index].slab)->row_count;
    for (uint32_t i = 0; i < groups->text_source_count; i++)
        texts += groups->text_sources[i].end - groups->text_sources[i].first;
    groups->in_parts = groups->may_part && groups->deriver == NULL &&
                       groups->made.kind == RC_MADE_NONE && texts > 0 && texts < PARTS_MAX &&
                       texts * ROWS_A_TEXT >= rows;
}

/* Gives the next groups to a source. */
static void
add_source(struct rc_text_parts *parts,
           struct rc_text_part_source *sources,
           struct rc_text_part_source source)
{
    source.group = parts->group_count;
    parts->group_count += source.end - source.first;
    sources[parts->source_count++] = source;
}

/* Numbers the texts of a slab that have no set. */
static void
number_slab(const struct rc_text_source *texts, uint32_t group)
{
    for (uint32_t text = texts->first; text < texts->end; text++) {
        const uint32_t set = texts->sets[text];
        texts->sets[text] = set == RC_GROUP_UNSET ? group + (text - texts->first) : set;
    }
}

/* The group of the first text of a head. */
static uint32_t
head_group(const struct rc_text_parts *parts, const struct rc_dictionary *head)
{
    uint32_t i = parts->source_count;
    while (i > 0 && parts->sources[i - 1].head != head)
        i--;
    RC_ASSERT(i > 0);
    return parts->sources[i - 1].group;
}

/* Numbers the rows of a chunk that have parts. */
static void
number_chunk(struct rc_groups *groups,
             const struct rc_view_chunk *chunk,
             uint32_t property,
             uint32_t *sets)
{
    const rc_cell *cells = rc_view_chunk_cells(chunk, property);
    const struct rc_dictionary *head = rc_view_chunk_texts(chunk, property);
    if (cells == NULL || head == NULL)
        return;
    const uint32_t group = head_group(&groups->parts, head);
    for (uint32_t row = 0; row < chunk->row_count; row++)
        if (sets[row] == RC_GROUP_PART)
            sets[row] = group + rc_cell_code(cells[row]);
}

enum rc_status
rc_groups_number_parts(struct rc_groups *groups, uint32_t property)
{
    uint32_t chunk_count;
    struct rc_text_parts *parts = &groups->parts;
    const struct rc_dictionary *head = NULL;
    const struct rc_view_chunk *chunks = rc_view_chunks(groups->plan->context->view, &chunk_count);
    struct rc_text_part_source *sources = RC_ARENA_ARRAY(
        groups->arena, struct rc_text_part_source, (size_t)groups->text_source_count + chunk_count);
    if (sources == NULL)
        return RC_NO_MEMORY;
    parts->known = groups->groups;
    parts->known_count = parts->group_count = rc_dictionary_count(groups->groups);
    parts->sources = sources;
    parts->cancel = groups->plan->context->cancel;
    parts->account = groups->plan->context->account;
    for (uint32_t i = 0; i < groups->text_source_count; i++) {
        const struct rc_text_source *texts = &groups->text_sources[i];
        number_slab(texts, parts->group_count);
        add_source(parts, sources,
                   (struct rc_text_part_source){
                       .texts = texts->texts, .first = texts->first, .end = texts->end});
    }
    for (uint32_t i = 0; i < chunk_count; i++) {
        const struct rc_dictionary *texts = rc_view_chunk_texts(&chunks[i], property);
        if (texts != NULL && texts != head)
            add_source(
                parts, sources,
                (struct rc_text_part_source){.head = texts, .end = rc_dictionary_count(texts)});
        head = texts != NULL ? texts : head;
        number_chunk(groups, &chunks[i], property, groups->chunks[i]);
    }
    return RC_OK;
}
