/*
 * Project state: the struct behind project.h, for the files of this folder alone.
 */
#ifndef RC_STORE_PROJECT_PROJECT_STATE_H
#define RC_STORE_PROJECT_PROJECT_STATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "engine/base/limits.h"
#include "engine/store/project/known.h"
#include "engine/store/project/project.h"
#include "engine/store/sweep/sweep_memo.h"

/* What queries see: exchanged as a whole under the publish lock. */
struct rc_published {
    struct rc_version *version;
    uint32_t head_chunks;    /* Of the newest head. */
    uint32_t head_last_rows; /* Rows of its newest chunk. */
    struct rc_people *people;
    struct rc_people_counts people_counts;
    struct rc_people_counts account_counts;
    uint64_t sequence;
};

struct rc_project {
    _Atomic(uint32_t) references;
    struct rc_account account;
    struct rc_account accounts[RC_MEMORY_KIND_COUNT]; /* Children of it. */
    char id[RC_PROJECT_ID_BYTES_MAX];
    size_t id_size;
    uint32_t head_rows_max;
    _Atomic(uint64_t) memory_bytes_max; /* Those of settings, for whoever only asks for them. */
    _Atomic(uint32_t) retention_days;
    _Atomic(uint64_t) future_ms_max;

    struct rc_workers *changers; /* NULL: whoever changes does so himself. */

    pthread_mutex_t writer; /* Guards all that follows up to publish; see project.h. */
    struct rc_properties *event_properties; /* Exchanged by the holder of both locks. */
    struct rc_dictionary_bounds dictionary_bounds;
    struct rc_people *account_people; /* Accounts and what was written of them: account_id.h. */
    struct rc_streams streams;
    struct rc_event_index event_index;
    struct rc_sweep_memo sweep_memo; /* Guarded by whoever sweeps. */
    uint64_t next_slab_id;
    uint64_t changes;

    pthread_mutex_t publish; /* Guards what follows. Changed only by the holder of both. */
    struct rc_published published;
    struct rc_catalog *catalogs[RC_CATALOG_KINDS];
    struct rc_receipts *receipts;
    struct rc_known *known;               /* NULL: none was worth making. */
    const struct rc_version *known_asked; /* Who last asked for it had this one: only compared. */
    struct rc_project_settings settings;
    struct rc_arena *settings_arena;
};

#endif
