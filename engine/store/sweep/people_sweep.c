/*
 * People sweep. New people are made beside those that there are, which go on growing. A round
 * copies what a view shows and the round before did not see; when little is left, the last round
 * runs under the writer's lock. A million users take some tenths of a second, the last round
 * milliseconds.
 *
 * Dictionaries are made of holes, as many as there are codes, of which those that somebody uses are
 * filled. So a text that nobody had when the sweep began, and that is written once more meanwhile,
 * has the code it had.
 *
 * A user who is deleted while the sweep runs is copied, and forgotten as in the dictionary before:
 * the next sweep's.
 */
#include "engine/store/sweep/people_sweep.h"

#include "engine/base/assert.h"

/* So few users, writes and aliases are copied under the lock: a millisecond or two. */
#define LAST_ROUND_MAX 4096u
/* When more than that comes in in every round, the lock is taken all the same. */
#define ROUNDS_MAX 8u

/* A look at the cancel flag after so many. */
#define STEPS_UNWATCHED 4096u

struct sweeping {
    const struct rc_gone *gone; /* Are left out. */
    const _Atomic(bool) *cancel;
    const struct rc_people *from;
    struct rc_people *made;
    struct rc_people_counts done;        /* Of from. */
    struct rc_dictionary **dictionaries; /* The new ones of properties. */
    size_t dictionary_count;
    size_t dictionary_capacity;
};

static void
close_sweeping(struct sweeping *sweeping)
{
    for (size_t i = 0; i < sweeping->dictionary_count; i++)
        rc_dictionary_free(sweeping->dictionaries[i]);
    rc_alloc_free(sweeping->dictionaries);
    rc_people_free(sweeping->made);
}

static bool
is_cancelled(const struct sweeping *sweeping, uint32_t step)
{
    return step % STEPS_UNWATCHED == 0 && sweeping->cancel != NULL &&
           atomic_load_explicit(sweeping->cancel, memory_order_relaxed);
}

/* gone: all who are gone by then. */
static enum rc_status
copy_ids(struct sweeping *sweeping, uint32_t user_count, const struct rc_gone *gone)
{
    const struct rc_dictionary *from = rc_people_ids(sweeping->from);
    struct rc_dictionary *ids = rc_people_ids(sweeping->made);
    const uint32_t first = sweeping->done.users;
    uint32_t gone_count = 0;
    const uint32_t *gone_users = rc_gone_users(gone, &gone_count);
    for (uint32_t i = 0; i < gone_count && gone_users[i] < first; i++)
        rc_dictionary_forget(ids, gone_users[i]);
    RC_TRY(rc_dictionary_skip(ids, user_count - first));
    for (uint32_t user = first; user < user_count; user++) {
        if (is_cancelled(sweeping, user))
            return RC_CANCELLED;
        if (!rc_dictionary_has(from, user) || rc_gone_has(sweeping->gone, user))
            continue;
        RC_TRY(rc_dictionary_fill(ids, user, rc_dictionary_key(from, user)));
        if (rc_gone_has(gone, user)) /* The id may have come again since, as another user. */
            rc_dictionary_forget(ids, user);
    }
    return RC_OK;
}

/* Makes holes for all codes that there are by now. */
static enum rc_status
grow_dictionaries(struct sweeping *sweeping)
{
    const struct rc_properties *properties = rc_people_properties(sweeping->from);
    const uint32_t count = rc_properties_count(properties);
    RC_TRY(RC_GROW(sweeping->dictionaries, sweeping->dictionary_capacity, count));
    for (uint32_t i = 0; i < count; i++) {
        const struct rc_dictionary *from = rc_properties_dictionary(properties, i);
        if (i == sweeping->dictionary_count) {
            RC_TRY(rc_dictionary_new_after(from, &sweeping->dictionaries[i]));
            sweeping->dictionary_count++;
        }
        struct rc_dictionary *made = sweeping->dictionaries[i];
        RC_TRY(rc_dictionary_skip(made, rc_dictionary_count(from) - rc_dictionary_count(made)));
    }
    return RC_OK;
}

static enum rc_status
copy_write(struct sweeping *sweeping, const struct rc_user_write *write)
{
    if (rc_cell_kind_of(write->cell) == RC_CELL_CODE) {
        const uint32_t code = rc_cell_code(write->cell);
        const struct rc_dictionary *from =
            rc_properties_dictionary(rc_people_properties(sweeping->from), write->property);
        struct rc_dictionary *made = sweeping->dictionaries[write->property];
        if (!rc_dictionary_has(made, code))
            RC_TRY(rc_dictionary_fill(made, code, rc_dictionary_key(from, code)));
    }
    return rc_people_add_write(sweeping->made, write);
}

static enum rc_status
copy_writes(struct sweeping *sweeping, uint32_t write_count)
{
    const struct rc_append_log *log = rc_people_writes(sweeping->from);
    for (uint32_t i = sweeping->done.writes, run = 0; i < write_count; i += run) {
        const struct rc_user_write *writes = rc_append_log_run(log, i, write_count, &run);
        for (uint32_t k = 0; k < run; k++) {
            if (is_cancelled(sweeping, i + k))
                return RC_CANCELLED;
            if (!rc_gone_has(sweeping->gone, writes[k].user))
                RC_TRY(copy_write(sweeping, &writes[k]));
        }
    }
    return RC_OK;
}

/* Both users of an alias are one person: both are gone or neither is. */
static enum rc_status
copy_aliases(struct sweeping *sweeping, uint32_t alias_count)
{
    const struct rc_append_log *log = rc_people_aliases(sweeping->from);
    for (uint32_t i = sweeping->done.aliases, run = 0; i < alias_count; i += run) {
        const struct rc_alias *aliases = rc_append_log_run(log, i, alias_count, &run);
        for (uint32_t k = 0; k < run; k++)
            if (!rc_gone_has(sweeping->gone, aliases[k].a))
                RC_TRY(rc_people_add_alias(sweeping->made, aliases[k]));
    }
    return RC_OK;
}

/* Copies what there is up to counts, which were published together with gone. */
static enum rc_status
copy_up_to(struct sweeping *sweeping,
           const struct rc_people_counts *counts,
           const struct rc_gone *gone)
{
    RC_TRY(copy_ids(sweeping, counts->users, gone));
    RC_TRY(grow_dictionaries(sweeping));
    RC_TRY(copy_writes(sweeping, counts->writes));
    RC_TRY(copy_aliases(sweeping, counts->aliases));
    sweeping->done = *counts;
    return RC_OK;
}

/* Copies what a view shows that is taken now; *ret_copied of users, writes and aliases. */
static enum rc_status
copy_round(struct sweeping *sweeping, struct rc_project *project, uint64_t *ret_copied)
{
    RC_CLEANUP(rc_view_releasep) struct rc_view *view = NULL;
    RC_TRY(rc_project_view(project, rc_project_account(project), &view));
    const struct rc_people_counts counts = rc_view_people_counts(view);
    const struct rc_people_counts *done = &sweeping->done;
    RC_ASSERT(rc_view_people(view) == sweeping->from);
    *ret_copied = (uint64_t)counts.users - done->users + counts.writes - done->writes +
                  counts.aliases - done->aliases;
    return copy_up_to(sweeping, &counts, rc_view_version(view)->gone);
}

/* Copies the rest and puts the new people in place. Writer. */
static enum rc_status
exchange(struct sweeping *sweeping, struct rc_project *project)
{
    const struct rc_version *version = rc_project_version(project);
    const struct rc_people_counts counts = rc_people_get_counts(sweeping->from);
    RC_CLEANUP(rc_version_unrefp) struct rc_version *draft = NULL;
    struct rc_properties *properties = NULL;
    struct rc_gone *gone = NULL;
    RC_ASSERT(rc_project_people(project) == sweeping->from);
    RC_TRY(copy_up_to(sweeping, &counts, version->gone));
    RC_ASSERT(sweeping->dictionary_count ==
              rc_properties_count(rc_people_properties(sweeping->from)));
    RC_TRY(rc_version_draft(version, &draft));
    RC_TRY(rc_gone_without(version->gone, sweeping->gone, rc_project_account(project), &gone));
    rc_gone_unref(draft->gone);
    draft->gone = gone;
    RC_TRY(rc_properties_rebuild(rc_people_properties(sweeping->from), sweeping->dictionaries,
                                 &properties));
    rc_people_set_properties(sweeping->made, properties);
    rc_project_publish_people(project, RC_TAKE(draft), RC_TAKE(sweeping->made));
    return RC_OK;
}

static enum rc_status
sweep(struct sweeping *sweeping, struct rc_project *project)
{
    uint64_t copied = UINT64_MAX;
    RC_TRY(rc_people_new_after(sweeping->from, &sweeping->made));
    for (uint32_t round = 0; round < ROUNDS_MAX && copied > LAST_ROUND_MAX; round++)
        RC_TRY(copy_round(sweeping, project, &copied));
    rc_project_lock_writer(project);
    const enum rc_status status = exchange(sweeping, project);
    rc_project_unlock_writer(project);
    return status;
}

enum rc_status
rc_project_sweep_people(struct rc_project *project,
                        const struct rc_gone *gone,
                        const _Atomic(bool) *cancel,
                        struct rc_error *reterr_error)
{
    if (gone == NULL)
        return RC_OK;
    RC_CLEANUP(rc_people_freep) struct rc_people *from = rc_project_pin_people(project);
    RC_CLEANUP(close_sweeping)
    struct sweeping sweeping = {.gone = gone, .cancel = cancel, .from = from};
    RC_TRY_OR(reterr_error, sweep(&sweeping, project));
    return RC_OK;
}
