/*
 * Text parts: the texts of slabs and heads counted where they stand. A string has a part in each
 * slab and head whose texts it is one of, and every part is a group by itself, so that nothing is
 * merged before it is counted. Then only those values are put together that may be among the
 * greatest by their parts' figures.
 *
 * Ownership: all is borrowed, and must outlive the parts.
 * Threading: any thread reads.
 * Errors:    RC_NO_MEMORY, RC_CORRUPT, RC_CANCELLED.
 */
#ifndef RC_QUERY_SPLIT_TEXT_PARTS_H
#define RC_QUERY_SPLIT_TEXT_PARTS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/bytes.h"
#include "engine/base/status.h"
#include "engine/store/dictionary/dictionary.h"
#include "engine/store/texts/texts.h"

/* Texts of one slab or head, each distinct. */
struct rc_text_part_source {
    const struct rc_dictionary *head; /* What the codes of a head are of; NULL: of a slab, */
    struct rc_texts texts;            /* and these. */
    uint32_t first;                   /* The texts (codes) [first, end) have the */
    uint32_t end;                     /* groups from */
    uint32_t group;                   /* this on, in their order. */
};

struct rc_text_parts {
    const struct rc_dictionary *known; /* The keys of the groups before all those of sources. */
    uint32_t known_count;
    uint32_t source_count;
    const struct rc_text_part_source *sources; /* Their groups follow one another. */
    uint32_t group_count;                      /* Of all groups. */
    const _Atomic(bool) *cancel;               /* NULL: never. */
    struct rc_account *account;                /* Of scratch. */
};

/* The key of a group's value (store/value/value_key.h), in arena. */
RC_MUST_USE enum rc_status
rc_text_parts_key(const struct rc_text_parts *parts,
                  uint32_t group,
                  struct rc_arena *arena,
                  struct rc_bytes *ret_key);

struct rc_parts_best {
    uint32_t count;    /* Values. */
    uint32_t *groups;  /* By rank: a group of the value. */
    uint32_t *rank_of; /* By group; count where it is not among them. */
    bool has_more;     /* A figure above 0 is of none of them. */
};

/*
 * The top_n values whose figures are greatest and above 0; equal ones by value ascending. figures:
 * by group, whole numbers, none below 0; those of a value add up. *ret_best comes from arena.
 *
 *   RC_NOT_FOUND  so many values may be among them that it takes less to merge all texts.
 */
RC_MUST_USE enum rc_status
rc_text_parts_best(const struct rc_text_parts *parts,
                   const double *figures,
                   uint32_t top_n,
                   struct rc_arena *arena,
                   struct rc_parts_best *ret_best);

/* So many look-ups are never too many. Tests: 0 makes nearly all too many. */
extern uint32_t rc_text_parts_look_ups_min;

#endif
