/* Funnel search: what funnel_search.c, funnel_pass.c, funnel_packing.c and funnel_chain.c share. */
#ifndef RC_QUERY_FUNNEL_FUNNEL_SEARCH_FORM_H
#define RC_QUERY_FUNNEL_FUNNEL_SEARCH_FORM_H

#include "engine/query/funnel/funnel_search.h"

#define NONE RC_FUNNEL_NONE
/* A step's first events of a group that are looked at: a chain uses at most 64 events of a group,
 * and a packing of the other steps as many again, so there is always one that is free. */
#define CANDIDATES (2 * RC_FUNNEL_STEPS_MAX)
#define PACKED_EVENTS_MAX (CANDIDATES * RC_FUNNEL_STEPS_MAX)

/* How many steps a chain may take among events of equal time. */
enum group_kind {
    GROUP_ONE,    /* One: it is one event, or times must increase. */
    GROUP_FREE,   /* Any, upwards: no two steps want the same event, or they may share it. */
    GROUP_PACKED, /* Those that find distinct events: see funnel_packing.c. */
};

/* Events of equal time. */
struct group {
    int64_t time_ms;
    uint64_t fill; /* Of all its events. */
    uint64_t raw;
    uint32_t begin; /* In the problem's events. */
    uint32_t end;
    uint32_t slot; /* Of its lowest step. */
    uint32_t most; /* The steps that a chain takes in it, optional ones left out, are not more. */
    enum group_kind kind;
};

/* Strict steps: the first three different steps behind a group, and the groups they are in. */
struct breaks {
    uint32_t groups[3];
    uint8_t steps[3];
};

/* A packed group at hand. */
struct packing {
    uint32_t group; /* NONE: none. */
    uint32_t event_count;
    uint32_t events[PACKED_EVENTS_MAX]; /* Candidates of some step, in order. */
    bool used[PACKED_EVENTS_MAX];       /* By the chain. */
    uint8_t owner[PACKED_EVENTS_MAX];   /* The step that took it, or NO_STEP. */
    uint8_t saved[PACKED_EVENTS_MAX];
    uint32_t seen[PACKED_EVENTS_MAX];
    uint32_t stamp;
    uint32_t nodes; /* Of the search through shared events, since the last look at cancel. */
    uint16_t counts[RC_FUNNEL_STEPS_MAX];
    uint16_t candidates[RC_FUNNEL_STEPS_MAX][CANDIDATES]; /* Indexes into events. */
};

/* A slot is a step in a group of events that may fill it. The tables have for each slot a place for
 * each number of optional steps still to be filled, 0 .. width - 1. */
struct rc_funnel_search {
    const struct rc_funnel_rules *rules;
    struct rc_account *account;
    const struct rc_funnel_problem *problem;
    uint32_t group_count;
    struct group *groups;
    size_t group_capacity;
    struct breaks *breaks;
    size_t break_capacity;
    bool has_packed;
    uint32_t slot_count;
    uint32_t *first_events; /* By slot: the first event of the group that may fill the step. */
    size_t first_capacity;
    uint32_t where_starts[RC_FUNNEL_STEPS_MAX + 1];
    uint32_t *where; /* By step: its groups. */
    size_t where_capacity;
    /* One pass: for chains whose last step is depth - 1. */
    uint32_t depth;
    uint32_t width;
    /* The group in which a chain is complete at the earliest, */
    uint32_t *rest;  /* whose last step in this group is the slot's; the number of optional ones is
                        without it; */
    uint32_t *begun; /* whose first step in this group is the slot's; the number is with it. */
    uint32_t *next;  /* The next group in which a chain may begin with this step and number. */
    uint32_t *stack_groups;
    uint32_t *stack_done;
    size_t rest_capacity;
    size_t begun_capacity;
    size_t next_capacity;
    size_t stack_group_capacity;
    size_t stack_done_capacity;
    uint32_t stack_counts[RC_FUNNEL_STEPS_MAX * RC_FUNNEL_STEPS_MAX];
    uint32_t heads[RC_FUNNEL_STEPS_MAX * RC_FUNNEL_STEPS_MAX];
    bool cancelled;
    bool *resolved; /* By event: its attempt is known. */
    size_t resolved_capacity;
    struct packing *packing; /* Made when first needed. */
};

static inline bool
is_optional(const struct rc_funnel_search *search, uint32_t step)
{
    return ((search->rules->optional >> step) & 1) != 0;
}

static inline uint32_t
slot_of(const struct group *group, uint32_t step)
{
    return group->slot + (uint32_t)__builtin_popcountll(group->fill & rc_funnel_below(step));
}

static inline uint32_t
lesser(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* The last group that may hold the step behind another, as strict orders say. */
static inline uint32_t
limit_group(const struct rc_funnel_search *search, uint32_t group, uint32_t step, uint32_t behind)
{
    if (search->rules->order == RC_FUNNEL_STRICT)
        return group + 1;
    if (search->rules->order == RC_FUNNEL_STRICT_STEPS)
        for (uint32_t i = 0; i < 3; i++)
            if (search->breaks[group].groups[i] != NONE && search->breaks[group].steps[i] != step &&
                search->breaks[group].steps[i] != behind)
                return search->breaks[group].groups[i];
    return NONE - 1;
}

/* The last time of the step behind a group, as its window says. */
static inline int64_t
limit_ms(const struct rc_funnel_search *search, uint32_t group, uint32_t behind)
{
    const int64_t *windows_ms = search->rules->step_windows_ms;
    const int64_t time_ms = search->groups[group].time_ms;
    if (windows_ms == NULL || windows_ms[behind] < 0 || time_ms > INT64_MAX - windows_ms[behind])
        return INT64_MAX;
    return time_ms + windows_ms[behind];
}

/* Takes a user's events. resolve: entries will be told apart by whether their attempt is known. */
RC_MUST_USE enum rc_status
rc_funnel_groups(struct rc_funnel_search *search,
                 const struct rc_funnel_problem *problem,
                 bool resolve);

/* Fills the tables for chains whose last step is depth - 1. */
RC_MUST_USE enum rc_status
rc_funnel_pass(struct rc_funnel_search *search, uint32_t depth);

/* The group in which a chain is complete at the earliest that has just filled step in group with
 * event, with left optional steps to go; NONE: it is never. A packed group is at hand, and event
 * marked as used. */
uint32_t
rc_funnel_rest(struct rc_funnel_search *search,
               uint32_t group,
               uint32_t event,
               uint32_t step,
               uint32_t left);

/* Takes a packed group at hand, with no event used. */
RC_MUST_USE enum rc_status
rc_funnel_pack(struct rc_funnel_search *search, uint32_t group);

/* Marks an event of the group at hand. */
void
rc_funnel_pack_use(struct rc_funnel_search *search, uint32_t event, bool used);

/* As rc_funnel_rest; begins: the step is not filled yet, and left counts it. */
uint32_t
rc_funnel_pack_rest(struct rc_funnel_search *search,
                    uint32_t event,
                    uint32_t step,
                    uint32_t left,
                    bool begins);

/* The attempt of an entry that can come to depth with left optional steps until deadline, a group.
 */
RC_MUST_USE enum rc_status
rc_funnel_chain(struct rc_funnel_search *search,
                uint32_t group,
                uint32_t event,
                uint32_t left,
                uint32_t deadline,
                struct rc_funnel_attempt *ret_attempt);

#endif
