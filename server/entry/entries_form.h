/*
 * Entries form: what entries.c, entry_batch.c and entry_list.c share.
 *
 * Ownership, Threading, Errors: as in entries.h.
 */
#ifndef RC_SERVER_ENTRY_ENTRIES_FORM_H
#define RC_SERVER_ENTRY_ENTRIES_FORM_H

#include "server/entry/entries.h"

/* The message of an entry, which may borrow from it. */
RC_MUST_USE enum rc_status
rc_entry_encode(struct rc_request *request,
                const struct rc_entry_kind *kind,
                struct rc_bytes project,
                const struct rc_catalog_entry *entry,
                ProtobufCMessage **ret_message);

RC_MUST_USE enum rc_status
rc_entry_copy(struct rc_arena *arena,
              const struct rc_catalog_entry *entry,
              struct rc_catalog_entry *ret_entry);

/* The catalog of a kind. A reference. */
RC_MUST_USE enum rc_status
rc_entry_catalog(struct rc_request *request,
                 const struct rc_entry_kind *kind,
                 struct rc_bytes project,
                 struct rc_catalog **ret_catalog);

/* Fails with RC_NOT_FOUND for the entry. */
enum rc_status
rc_entry_is_missing(struct rc_request *request,
                    const struct rc_entry_kind *kind,
                    struct rc_bytes project,
                    struct rc_bytes id);

/* Says what a failed change was about: the project if there is none, else the entry. Returns
 * status. */
enum rc_status
rc_entry_failure(struct rc_request *request,
                 const struct rc_entry_kind *kind,
                 struct rc_bytes project,
                 struct rc_bytes id,
                 enum rc_status status);

/* The same in the words of its request: that of a creation (version 0) has an id, that of an update
 * the entry. Of what it names the first that is not there is told, at its place. */
enum rc_status
rc_entry_put_failure(struct rc_request *request,
                     const struct rc_entry_kind *kind,
                     const struct rc_decode *decode,
                     struct rc_bytes id,
                     uint64_t version,
                     enum rc_status status);

/* What a request of a change says of itself, and whether it was answered before, with so many
 * entries. */
RC_MUST_USE enum rc_status
rc_entry_begin_change(struct rc_request *request,
                      const struct rc_entry_kind *kind,
                      struct rc_bytes project,
                      const ProtobufCMessage *in,
                      struct rc_asked *ret_asked,
                      bool *ret_known,
                      struct rc_catalog_entry *ret_entries,
                      uint32_t count);

/* The entry that a request of Create makes; its content goes into writer. */
RC_MUST_USE enum rc_status
rc_entry_read_create(struct rc_decode *decode,
                     const struct rc_entry_kind *kind,
                     const ProtobufCMessage *in,
                     struct rc_writer *writer,
                     struct rc_catalog_entry *ret_entry);

#endif
