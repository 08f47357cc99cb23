/*
 * Entity events: walks over the events of a plan that say which entities they name, and how many
 * events name each of some entities, the first and the last of them.
 *
 * Ownership: everything is in the arena of the plan's context. groups are all values of the
 *            property; a set of entities has a bit for each group.
 * Threading: called by one thread, which lets workers walk.
 * Errors:    RC_CANCELLED, RC_NO_MEMORY. Both add to stats.
 */
#ifndef RC_QUERY_LIST_ENTITY_EVENTS_H
#define RC_QUERY_LIST_ENTITY_EVENTS_H

#include "engine/query/list/person_events.h"
#include "engine/query/plan/plan.h"
#include "engine/query/split/groups.h"

/* Adds the entities that events name to a set. *ret_counted: there are so few that their events
 * were counted by the way, in *ret_events; false: they are to be counted. */
RC_MUST_USE enum rc_status
rc_entity_events_find(struct rc_plan *plan,
                      const struct rc_groups *groups,
                      uint64_t *set,
                      struct rc_query_stats *stats,
                      struct rc_person_events *ret_events,
                      bool *ret_counted);

/* Counts the events of the count entities of a set, which must stay as it is. */
RC_MUST_USE enum rc_status
rc_entity_events_count(struct rc_plan *plan,
                       const struct rc_groups *groups,
                       const uint64_t *set,
                       uint64_t count,
                       struct rc_query_stats *stats,
                       struct rc_person_events *ret_events);

#endif
