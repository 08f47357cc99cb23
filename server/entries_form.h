/*
 * Entries form: what entries.c and entry_list.c share.
 *
 * Ownership, Threading, Errors: as in entries.h.
 */
#ifndef RC_SERVER_ENTRIES_FORM_H
#define RC_SERVER_ENTRIES_FORM_H

#include "server/entries.h"

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

#endif
