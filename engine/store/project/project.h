/*
 * Project: one customer's data set (a tenant): names, people, the current version, catalogs, the
 * positions of its client streams. Two projects share nothing but the process.
 *
 * Two locks. The writer's lock is held by whoever changes the project, for as long as that takes:
 * applying a batch, or putting a new slab in the place of a head. The publish lock is held for a
 * few instructions: to exchange what queries see, and to take a view of it.
 *
 * Ownership: counted: rc_project_ref, rc_project_unref; a view holds a reference.
 * Threading: functions that say "writer" want the writer's lock held. Everything else may be called
 * by any thread.
 */
#ifndef RC_STORE_PROJECT_PROJECT_H
#define RC_STORE_PROJECT_PROJECT_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/alloc.h"
#include "engine/base/bytes.h"
#include "engine/base/cleanup.h"
#include "engine/base/status.h"
#include "engine/base/workers.h"
#include "engine/store/dictionary/properties.h"
#include "engine/store/project/catalog.h"
#include "engine/store/project/memory_kind.h"
#include "engine/store/project/receipts.h"
#include "engine/store/project/streams.h"
#include "engine/store/project/version.h"
#include "engine/store/project/view.h"
#include "engine/store/slab/event_index.h"
#include "engine/store/users/people.h"

struct rc_project;

struct rc_project_settings {
    struct rc_bytes id; /* [a-z0-9][a-z0-9_-]*, at most RC_PROJECT_ID_BYTES_MAX. */
    struct rc_bytes display_name;
    struct rc_bytes zone;      /* IANA; empty: UTC. The default of its queries. */
    uint32_t week_start;       /* 0 Monday .. 6 Sunday. */
    uint64_t memory_bytes_max; /* 0: none of its own. */
    uint64_t version;          /* Counts its updates: the etag. */
    int64_t created_ms;
    int64_t updated_ms;
    uint32_t retention_days; /* Events older than this are removed; 0: never. */
    uint64_t
        future_ms_max; /* How far ahead of the clock a time may lie; 0: RC_FUTURE_MS_DEFAULT. */
    /* Joined users are shown under an id in which this pattern is found, if they have one. Empty:
     * each id will do. */
    struct rc_bytes shown_ids;
};

void
rc_project_settings_write(struct rc_writer *writer, const struct rc_project_settings *settings);

/* Borrowed from the reader's bytes. */
RC_MUST_USE enum rc_status
rc_project_settings_read(struct rc_reader *reader,
                         struct rc_project_settings *ret_settings,
                         struct rc_error *reterr_error);

/* An empty project. Its account is a child of parent. */
RC_MUST_USE enum rc_status
rc_project_new(const struct rc_project_settings *settings,
               struct rc_account *parent,
               uint32_t head_rows_max,
               struct rc_project **ret_project);

struct rc_project *
rc_project_ref(struct rc_project *project);

struct rc_project *
rc_project_unref(struct rc_project *project);

RC_DEFINE_CLEANUP(struct rc_project *, rc_project_unref)

/* The id never changes. Borrowed. */
struct rc_bytes
rc_project_id(const struct rc_project *project);

/* Of all that the project takes; itself charged for what is of no kind: settings, definitions,
 * versions and dead rows, what snapshots need. */
struct rc_account *
rc_project_account(struct rc_project *project);

/* The part of it that is for one thing. */
struct rc_account *
rc_project_account_of(struct rc_project *project, enum rc_memory_kind kind);

/* The settings as they are now; texts are copied into arena. */
RC_MUST_USE enum rc_status
rc_project_get_settings(struct rc_project *project,
                        struct rc_arena *arena,
                        struct rc_project_settings *ret_settings);

/* Writer. The id must be the same. */
RC_MUST_USE enum rc_status
rc_project_set_settings(struct rc_project *project, const struct rc_project_settings *settings);

void
rc_project_lock_writer(struct rc_project *project);

void
rc_project_unlock_writer(struct rc_project *project);

/*
 * Calls change(context) with the writer's lock held. A thread that steps back has it called by one
 * of the changers and waits: with the lock it would be kept from the processor by whatever is
 * computed, for tens of milliseconds, and all batches with it.
 */
RC_MUST_USE enum rc_status
rc_project_change(struct rc_project *project,
                  enum rc_status (*change)(void *context),
                  void *context);

/* A pool of threads that do not step back, some of which never waits for those that do; borrowed.
 * Set it before anybody else has the project. */
void
rc_project_set_changers(struct rc_project *project, struct rc_workers *changers);

/* How much the dictionary of an event property takes before further values become texts. Unless
 * set: RC_DICTIONARY_ENTRIES_MAX and RC_DICTIONARY_BYTES_MAX. Set it before anything is applied:
 * which values are texts depends on it, no answer does. */
void
rc_project_bound_dictionaries(struct rc_project *project,
                              const struct rc_dictionary_bounds *bounds);

/* How many rows a window of either length holds before it is divided. Unless set:
 * RC_WINDOW_ROWS_MAX and RC_WINDOW_WEEK_ROWS_MAX. Set it before anybody else has the project: no
 * answer depends on it. */
void
rc_project_bound_windows(struct rc_project *project, uint64_t rows_max);

/* Writer. */
const struct rc_dictionary_bounds *
rc_project_dictionary_bounds(const struct rc_project *project);

/* Writer. */
struct rc_properties *
rc_project_event_properties(const struct rc_project *project);

/* Writer. */
struct rc_people *
rc_project_people(const struct rc_project *project);

/* A reference to them, for whoever is not the writer. */
struct rc_people *
rc_project_pin_people(struct rc_project *project);

/* Accounts, named by account_id.h, and the writes of their properties. */
struct rc_people *
rc_project_accounts(const struct rc_project *project);

struct rc_streams *
rc_project_streams(struct rc_project *project);

/* Writer: for finding earlier copies of events. */
struct rc_event_index *
rc_project_event_index(struct rc_project *project);

/* What the last dictionary sweep read of cold slabs; for the one that runs. */
struct rc_sweep_memo *
rc_project_sweep_memo(struct rc_project *project);

/* A reference to the event properties, for whoever is not the writer. */
struct rc_properties *
rc_project_pin_event_properties(struct rc_project *project);

/* Writer: views that are taken from now on have these. Takes the reference over. */
void
rc_project_set_event_properties(struct rc_project *project, struct rc_properties *properties);

/* Writer: the version that is current; borrowed. */
struct rc_version *
rc_project_version(const struct rc_project *project);

/* Writer: the next slab's id. */
uint64_t
rc_project_next_slab_id(struct rc_project *project);

/* Writer: for restore. */
void
rc_project_set_next_slab_id(struct rc_project *project, uint64_t id);

uint32_t
rc_project_head_rows_max(const struct rc_project *project);

/* Writer: makes draft (NULL: the current version, with what was appended to its newest head and to
 * people) what queries see from now on, as of sequence (0: unchanged). Takes the draft over. */
void
rc_project_publish(struct rc_project *project, struct rc_version *draft, uint64_t sequence);

/* Writer: the same for a draft that holds the same data in another form (slabs that are on disk
 * only now): a state that was stored before it is still that of the project. */
void
rc_project_publish_form(struct rc_project *project, struct rc_version *draft);

/* Writer: the same with people who are those of before without some of the draft's gone. Takes both
 * over. */
void
rc_project_publish_people(struct rc_project *project,
                          struct rc_version *draft,
                          struct rc_people *people);

/* Writer: grows with every change that a stored state would show. */
uint64_t
rc_project_changes(const struct rc_project *project);

/* Writer: takes back the rows and people that were added since the last publish. Names of
 * properties and keys of their dictionaries stay: a row that has them may come any time. */
void
rc_project_take_back(struct rc_project *project);

/* Bytes that the project may hold, as its settings say; 0: no limit of its own. It binds what is
 * let in, not what was let in: its account has no limit, since what is logged must be applied. */
uint64_t
rc_project_memory_bytes_max(const struct rc_project *project);

/* The times that a row may have that arrives at now_ms: [*ret_least_ms, *ret_greatest_ms], by the
 * project's settings. */
void
rc_project_times(struct rc_project *project,
                 int64_t now_ms,
                 int64_t *ret_least_ms,
                 int64_t *ret_greatest_ms);

/* A reference to what is published. */
struct rc_version *
rc_project_pin_version(struct rc_project *project);

uint64_t
rc_project_data_version(struct rc_project *project);

/* A reference. */
struct rc_catalog *
rc_project_catalog(struct rc_project *project, enum rc_catalog_kind kind);

/* Writer. Takes the catalog over. */
void
rc_project_set_catalog(struct rc_project *project,
                       enum rc_catalog_kind kind,
                       struct rc_catalog *catalog);

/* What changes of the project's catalogs came to. A reference. */
struct rc_receipts *
rc_project_receipts(struct rc_project *project);

/* Writer. Takes the table over. */
void
rc_project_set_receipts(struct rc_project *project, struct rc_receipts *receipts);

/* Pins what is published. account is charged for the view itself. */
RC_MUST_USE enum rc_status
rc_project_view(struct rc_project *project, struct rc_account *account, struct rc_view **ret_view);

/* The same, a few instructions long: for whoever holds the writer's lock. Only what is asked of it
 * below may be asked before rc_view_show_rows; joins are not among what it shows. */
RC_MUST_USE enum rc_status
rc_project_pin(struct rc_project *project, struct rc_account *account, struct rc_view **ret_view);

RC_MUST_USE enum rc_status
rc_view_show_rows(struct rc_view *view);

/* The people that a view shows, and how much of them. Borrowed. For checkpoints. */
const struct rc_people *
rc_view_people(const struct rc_view *view);

struct rc_people_counts
rc_view_people_counts(const struct rc_view *view);

struct rc_people_counts
rc_view_account_counts(const struct rc_view *view);

/* The version that a view shows. Borrowed. For checkpoints. */
const struct rc_version *
rc_view_version(const struct rc_view *view);

#endif
