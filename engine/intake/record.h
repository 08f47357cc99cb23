/*
 * Record: what one entry of the write-ahead log says. State is a function of these.
 *
 * Ownership: a record borrows its texts from the payload.
 * Errors:    RC_CORRUPT for bytes that are no record.
 */
#ifndef RC_INTAKE_RECORD_H
#define RC_INTAKE_RECORD_H

#include <stdint.h>

#include "engine/base/bytes.h"
#include "engine/base/status.h"
#include "engine/store/project/catalog.h"
#include "engine/store/project/project.h"

enum rc_record_kind {
    RC_RECORD_PROJECT_PUT = 1,
    RC_RECORD_PROJECT_DELETE = 2,
    RC_RECORD_BATCH = 3,
    RC_RECORD_ENTRY_PUT = 4,
    RC_RECORD_ENTRY_REMOVE = 5,
    RC_RECORD_NOTHING =
        6, /* Changes nothing: what waits for it knows that all before it is durable. */
    RC_RECORD_USER_DELETE = 7,
    RC_RECORD_CUT = 8, /* Events before a time are gone: retention by age. */
    /* 9: see below. */
    RC_RECORD_ENTRIES_PUT = 10, /* New entries of a catalog, all or none. */
    RC_RECORD_CHANGES = 11, /* Changes of a project's entries, one upon the other, all or none. */
};

/* In the place of a kind: bytes author, bytes request id, u64 content, and then the record that was
 * asked for so. Left out where all of it is empty. */
#define RC_RECORD_ASKED 9u

struct rc_record {
    enum rc_record_kind kind;
    struct rc_bytes project;             /* All but NOTHING. */
    struct rc_asked asked;               /* Of a change that somebody asked for. */
    struct rc_project_settings settings; /* PROJECT_PUT. */
    struct rc_bytes client_stream;       /* BATCH. */
    uint64_t batch_id;                   /* BATCH. */
    uint64_t batch_after;           /* BATCH: the batch that the stream had before it; 0: none. */
    struct rc_bytes batch;          /* BATCH: rc_batch_read. */
    const struct rc_batch *decoded; /* BATCH: the same, read; NULL: nobody did. Not stored. */
    enum rc_catalog_kind catalog;   /* ENTRY_*. */
    struct rc_catalog_entry entry;  /* ENTRY_PUT: its author is asked.author. ENTRY_REMOVE: its
                                       name. */
    uint32_t entry_count;           /* ENTRIES_PUT: 1 .. RC_ENTRIES_CREATED_MAX. */
    uint32_t change_count;          /* CHANGES: 1 .. RC_CHANGES_LOGGED_MAX. */
    struct rc_bytes entries;        /* ENTRIES_PUT: rc_record_next_entry. */
    struct rc_bytes changes;        /* CHANGES: rc_record_next_change. */
    struct rc_bytes user;           /* USER_DELETE: an id as sent. */
    int64_t time_ms; /* USER_DELETE: when it was asked for. CUT: the first time that stays. */
};

/* The entry of an ENTRIES_PUT at which reader, which begins as one of its entries, stands: they
 * follow each other as rc_catalog_entry_write writes them. RC_CORRUPT. */
RC_MUST_USE enum rc_status
rc_record_next_entry(const struct rc_record *record,
                     struct rc_reader *reader,
                     struct rc_catalog_entry *ret_entry,
                     struct rc_error *reterr_error);

/* The change of a CHANGES at which reader, which begins as its changes, stands: an ENTRY_PUT,
 * ENTRY_REMOVE or ENTRIES_PUT of the same project. They follow each other as rc_write_bytes writes
 * them. RC_CORRUPT. */
RC_MUST_USE enum rc_status
rc_record_next_change(const struct rc_record *record,
                      struct rc_reader *reader,
                      struct rc_record *ret_change,
                      struct rc_error *reterr_error);

/* Appends the record's bytes; of a BATCH all but the batch, which must follow as the last thing. */
void
rc_record_write(struct rc_writer *writer, const struct rc_record *record);

RC_MUST_USE enum rc_status
rc_record_read(struct rc_bytes payload,
               struct rc_record *ret_record,
               struct rc_error *reterr_error);

#endif
