/*
 * Entries: what the services of definitions and of segments do in the same way with the project's
 * catalogs.
 *
 * Ownership: entries are copied into the request's arena.
 * Threading: one request, one thread.
 * Errors:    as the engine's, with the thing that is meant named as the failure's resource.
 */
#ifndef RC_SERVER_ENTRIES_H
#define RC_SERVER_ENTRIES_H

#include <google/protobuf/field_mask.pb-c.h>

#include "engine/face/engine.h"
#include "server/service.h"

/* Names the entry as what a failure is about. */
void
rc_entry_resource(struct rc_request *request,
                  enum rc_catalog_kind kind,
                  struct rc_bytes project,
                  struct rc_bytes id);

RC_MUST_USE enum rc_status
rc_entry_get(struct rc_request *request,
             enum rc_catalog_kind kind,
             struct rc_bytes project,
             struct rc_bytes id,
             struct rc_catalog_entry *ret_entry);

/* Which entries are listed; NULL in its place: all. */
struct rc_entry_filter {
    /* The rest may hold what it likes. RC_OK sets *ret_passes. */
    enum rc_status (*passes)(struct rc_entry_filter *filter,
                             const struct rc_catalog_entry *entry,
                             bool *ret_passes);
};

/* Entries after the place of the token that pass, at most size; *ret_token is empty at the end.
 * binding is the hash of the request without its page fields. */
RC_MUST_USE enum rc_status
rc_entry_list(struct rc_request *request,
              enum rc_catalog_kind kind,
              struct rc_bytes project,
              uint64_t binding,
              const char *token,
              uint32_t size,
              struct rc_entry_filter *filter,
              struct rc_catalog_entry **ret_entries,
              uint32_t *ret_count,
              char **ret_token);

/* Puts an entry: created when version is 0, else updated. */
RC_MUST_USE enum rc_status
rc_entry_put(struct rc_request *request,
             enum rc_catalog_kind kind,
             struct rc_bytes project,
             const struct rc_catalog_entry *entry,
             uint64_t version,
             struct rc_catalog_entry *ret_entry);

RC_MUST_USE enum rc_status
rc_entry_delete(struct rc_request *request,
                enum rc_catalog_kind kind,
                struct rc_bytes project,
                struct rc_bytes id,
                const char *etag);

/* The texts that entries have in messages. */
RC_MUST_USE enum rc_status
rc_entry_texts(struct rc_request *request,
               enum rc_catalog_kind kind,
               struct rc_bytes project,
               const struct rc_catalog_entry *entry,
               char **ret_name,
               char **ret_display_name,
               char **ret_description,
               char **ret_etag);

/* Refuses display names above 256 bytes and descriptions above 4,096. */
RC_MUST_USE enum rc_status
rc_entry_check_texts(struct rc_decode *decode, const char *display_name, const char *description);

/* Whether an update changes path: it is in the mask or, without a mask, not at its zero value. */
bool
rc_mask_has(const Google__Protobuf__FieldMask *mask, const char *path, bool not_zero);

/* Refuses paths of a mask that are none of known (ended by NULL). */
RC_MUST_USE enum rc_status
rc_mask_check(struct rc_decode *decode,
              const Google__Protobuf__FieldMask *mask,
              const char *const *known);

#endif
