/*
 * Entries: definitions, segments and derived properties are all things of a project that have a
 * name, texts for people, versions and a content of their own. Their services have the same calls,
 * which are written once, over the messages' descriptors; a kind adds what its content is.
 *
 * Ownership: entries are copied into the request's arena.
 * Threading: one request, one thread.
 * Errors:    as the engine's, with the thing that is meant named as the failure's resource; fields
 *            are those of the call's request.
 */
#ifndef RC_SERVER_ENTRY_ENTRIES_H
#define RC_SERVER_ENTRY_ENTRIES_H

#include <google/protobuf/field_mask.pb-c.h>

#include "engine/face/engine.h"
#include "server/call/service.h"
#include "server/decode/decode.h"

/* What a create or an update says of an entry. */
struct rc_entry_change {
    const ProtobufCMessage *message;         /* The thing as it shall be. */
    const Google__Protobuf__FieldMask *mask; /* NULL: what is not at its zero value. */
    bool creates;
    struct rc_bytes payload; /* What is stored; of a create nothing. */
};

struct rc_entry_kind {
    enum rc_catalog_kind catalog;
    const ProtobufCMessageDescriptor *message; /* recount.v1.Definition. */
    const char *noun;                          /* "definition" */
    const char *collection;                    /* "definitions", in names. */
    const char *field;                         /* "definition", in requests and replies. */
    const char *list;                          /* "definitions", in the reply of List. */
    const char *const *paths;                  /* What an update may change, ended by NULL. */

    /* Fills in the content; what all kinds have is there. */
    enum rc_status (*encode)(struct rc_request *request,
                             struct rc_bytes project,
                             struct rc_bytes payload,
                             ProtobufCMessage *out);

    /* Writes the stored form of the content after the change. decode stands at the thing and knows
     * its project. */
    enum rc_status (*store)(struct rc_decode *decode,
                            const struct rc_entry_change *change,
                            struct rc_writer *writer);
};

/* Which entries are listed. */
struct rc_entry_filter {
    struct rc_bytes prefix; /* Of the names; empty: of any. */
    /* The rest may hold what it likes. RC_OK sets *ret_passes. */
    enum rc_status (*passes)(struct rc_entry_filter *filter,
                             const struct rc_catalog_entry *entry,
                             bool *ret_passes);
};

/* ---- Calls: from a request of the kind's service to its reply ---------------------------------
 */

RC_MUST_USE enum rc_status
rc_entry_create(struct rc_request *request,
                const struct rc_entry_kind *kind,
                const ProtobufCMessage *in,
                ProtobufCMessage *out);

/* All that the requests make, or nothing. */
RC_MUST_USE enum rc_status
rc_entry_batch_create(struct rc_request *request,
                      const struct rc_entry_kind *kind,
                      const ProtobufCMessage *in,
                      ProtobufCMessage *out);

RC_MUST_USE enum rc_status
rc_entry_get(struct rc_request *request,
             const struct rc_entry_kind *kind,
             const ProtobufCMessage *in,
             ProtobufCMessage *out);

/* filter may be NULL: all. */
RC_MUST_USE enum rc_status
rc_entry_list(struct rc_request *request,
              const struct rc_entry_kind *kind,
              struct rc_entry_filter *filter,
              const ProtobufCMessage *in,
              ProtobufCMessage *out);

RC_MUST_USE enum rc_status
rc_entry_list_versions(struct rc_request *request,
                       const struct rc_entry_kind *kind,
                       const ProtobufCMessage *in,
                       ProtobufCMessage *out);

RC_MUST_USE enum rc_status
rc_entry_update(struct rc_request *request,
                const struct rc_entry_kind *kind,
                const ProtobufCMessage *in,
                ProtobufCMessage *out);

RC_MUST_USE enum rc_status
rc_entry_delete(struct rc_request *request,
                const struct rc_entry_kind *kind,
                const ProtobufCMessage *in);

/* The calls of a kind as functions of a service, but List, which may filter. */
#define RC_ENTRY_CALLS(kind)                                                                   \
    static enum rc_status create_##kind(struct rc_request *request, const void *in, void *out) \
    {                                                                                          \
        return rc_entry_create(request, &kind##_kind, in, out);                                \
    }                                                                                          \
    static enum rc_status get_##kind(struct rc_request *request, const void *in, void *out)    \
    {                                                                                          \
        return rc_entry_get(request, &kind##_kind, in, out);                                   \
    }                                                                                          \
    static enum rc_status list_##kind##_versions(struct rc_request *request, const void *in,   \
                                                 void *out)                                    \
    {                                                                                          \
        return rc_entry_list_versions(request, &kind##_kind, in, out);                         \
    }                                                                                          \
    static enum rc_status update_##kind(struct rc_request *request, const void *in, void *out) \
    {                                                                                          \
        return rc_entry_update(request, &kind##_kind, in, out);                                \
    }                                                                                          \
    static enum rc_status delete_##kind(struct rc_request *request, const void *in, void *out) \
    {                                                                                          \
        (void)out;                                                                             \
        return rc_entry_delete(request, &kind##_kind, in);                                     \
    }

/* ---- For kinds --------------------------------------------------------------------------------
 */

/* Names the entry as what a failure is about. */
void
rc_entry_resource(struct rc_request *request,
                  const struct rc_entry_kind *kind,
                  struct rc_bytes project,
                  struct rc_bytes id);

/* Whether a change has path: it is in the mask or, without a mask, not at its zero value. */
bool
rc_entry_changes(const struct rc_entry_change *change, const char *path, bool not_zero);

#endif
