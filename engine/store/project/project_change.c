/*
 * Changes by threads that step back. The scheduler knows nothing of locks: a thread of low priority
 * that is interrupted while it holds one keeps it until those of high priority leave it a
 * processor, and they wait for the lock. So the thread that has the priority takes the lock.
 */
#include "engine/store/project/project_state.h"

/* Of the changers: a lane of its own, so that a change waits for no other task. */
#define CHANGERS_LANE 1u

/* A change on its way to a changer. */
struct sent_change {
    struct rc_project *project;
    enum rc_status (*change)(void *context);
    void *context;
    enum rc_status status;
};

static void
carry_out(void *argument)
{
    struct sent_change *sent = argument;
    rc_project_lock_writer(sent->project);
    sent->status = sent->change(sent->context);
    rc_project_unlock_writer(sent->project);
}

enum rc_status
rc_project_change(struct rc_project *project,
                  enum rc_status (*change)(void *context),
                  void *context)
{
    struct sent_change sent = {.project = project, .change = change, .context = context};
    if (project->changers == NULL || !rc_thread_steps_back() ||
        !rc_workers_call(project->changers, CHANGERS_LANE, carry_out, &sent))
        carry_out(&sent);
    return sent.status;
}

void
rc_project_set_changers(struct rc_project *project, struct rc_workers *changers)
{
    project->changers = changers;
}
