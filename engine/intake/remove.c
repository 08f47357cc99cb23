/*
 * Remove. A deleted user's ordinals go into the version's set of those who are gone, and their ids
 * leave the dictionary, so that the next event with such an id makes a new ordinal. Ordinals are
 * never given to anybody else: a slab that still holds rows of one needs no rewriting before it is
 * convenient.
 *
 * Everything that may fail happens on a draft; forgetting ids and publishing cannot.
 */
#include "engine/intake/remove.h"

#include "engine/base/assert.h"
#include "engine/intake/hide.h"

/* The ordinals that are one person with user, ascending. */
static enum rc_status
collect_members(struct rc_project *project,
                uint32_t user,
                struct rc_arena *arena,
                const uint32_t **ret_users,
                uint32_t *ret_count)
{
    struct rc_people *people = rc_project_people(project);
    const struct rc_people_counts counts = rc_people_get_counts(people);
    RC_CLEANUP(rc_persons_unrefp) struct rc_persons *persons = NULL;
    RC_TRY(rc_people_persons(people, &counts, &persons));
    const uint32_t person = persons == NULL ? user : rc_persons_of(persons, user);
    const uint32_t index = persons == NULL ? UINT32_MAX : rc_persons_joined_index(persons, person);
    const uint32_t *members = &user;
    uint32_t count = 1;
    if (index != UINT32_MAX)
        members = rc_persons_joined(persons, index, &count);
    *ret_users = rc_arena_copy(arena, members, count * sizeof(members[0]));
    *ret_count = count;
    return *ret_users == NULL ? RC_NO_MEMORY : RC_OK;
}

static enum rc_status
draft_without(struct rc_project *project,
              const uint32_t *users,
              uint32_t user_count,
              uint64_t *rows,
              struct rc_version **ret_draft)
{
    RC_CLEANUP(rc_version_unrefp) struct rc_version *draft = NULL;
    struct rc_gone *gone = NULL;
    RC_TRY(rc_version_draft(rc_project_version(project), &draft));
    RC_TRY(rc_gone_with(draft->gone, users, user_count, rc_project_account(project), &gone));
    rc_gone_unref(draft->gone);
    draft->gone = gone;
    RC_TRY(rc_hide_users(draft, users, user_count, rows));
    *ret_draft = RC_TAKE(draft);
    return RC_OK;
}

static enum rc_status
remove_user(struct rc_project *project,
            struct rc_bytes user_id,
            int64_t asked_ms,
            uint64_t sequence,
            struct rc_arena *arena,
            struct rc_removed *ret_removed)
{
    struct rc_dictionary *ids = rc_people_ids(rc_project_people(project));
    const uint32_t user = rc_dictionary_find(ids, user_id);
    if (user == RC_CODE_NONE)
        return RC_NOT_FOUND;
    const uint32_t *users = NULL;
    struct rc_removed removed = {0};
    struct rc_version *draft = NULL;
    uint32_t count = 0;
    RC_TRY(collect_members(project, user, arena, &users, &count));
    RC_TRY(draft_without(project, users, count, &removed.events, &draft));
    if (draft->erase_asked_ms == 0 || asked_ms < draft->erase_asked_ms)
        draft->erase_asked_ms = asked_ms;
    for (uint32_t i = 0; i < count; i++)
        rc_dictionary_forget(ids, users[i]);
    rc_project_publish(project, draft, sequence);
    removed.users = count;
    *ret_removed = removed;
    return RC_OK;
}

enum rc_status
rc_remove_user(struct rc_project *project,
               struct rc_bytes user_id,
               int64_t asked_ms,
               uint64_t sequence,
               struct rc_arena *arena,
               struct rc_removed *ret_removed)
{
    RC_ASSERT(asked_ms > 0);
    rc_project_lock_writer(project);
    const enum rc_status status =
        remove_user(project, user_id, asked_ms, sequence, arena, ret_removed);
    rc_project_unlock_writer(project);
    return status;
}

static enum rc_status
remove_before(struct rc_project *project,
              int64_t cut_ms,
              uint64_t sequence,
              struct rc_removed *ret_removed)
{
    const struct rc_version *version = rc_project_version(project);
    struct rc_removed removed = {0};
    RC_CLEANUP(rc_version_unrefp) struct rc_version *draft = NULL;
    if (cut_ms > version->cut_ms) {
        RC_TRY(rc_version_draft(version, &draft));
        draft->cut_ms = cut_ms;
        RC_TRY(rc_hide_before(draft, cut_ms, &removed.events));
    }
    rc_project_publish(project, RC_TAKE(draft), sequence);
    *ret_removed = removed;
    return RC_OK;
}

enum rc_status
rc_remove_before(struct rc_project *project,
                 int64_t cut_ms,
                 uint64_t sequence,
                 struct rc_removed *ret_removed)
{
    rc_project_lock_writer(project);
    const enum rc_status status = remove_before(project, cut_ms, sequence, ret_removed);
    rc_project_unlock_writer(project);
    return status;
}
