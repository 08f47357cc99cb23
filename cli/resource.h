/*
 * Resource: what a project has by name: definitions, segments, and projects themselves. Their
 * services have the same calls (List, Get, Delete, shaped as AIP-131, 132 and 135 say), so listing,
 * showing and deleting are written once, over the messages' descriptors.
 *
 * Ownership: everything belongs to the session's arena.
 * Threading: one thread.
 * Errors:    as rc_session_call: what went wrong is printed, the code is the one to exit with.
 */
#ifndef RC_CLI_RESOURCE_H
#define RC_CLI_RESOURCE_H

#include <protobuf-c/protobuf-c.h>

#include "cli/options.h"
#include "cli/session.h"

#define RC_RESOURCE_COLUMNS_MAX 5u

struct rc_resource_kind {
    const char *service; /* "DefinitionService" */
    const char *one;     /* "Definition": in the names of its methods. */
    const char *field;   /* "definition": of a Get reply. */
    const char *many;    /* "definitions": in names; with a capital in methods. */
    const char *list;    /* Of a List reply, where that is written otherwise; NULL: many. */
    const ProtobufCMessageDescriptor *list_request;
    const ProtobufCMessageDescriptor *list_reply;
    const ProtobufCMessageDescriptor *get_request; /* NULL: cannot be shown. */
    const ProtobufCMessageDescriptor *get_reply;
    const ProtobufCMessageDescriptor *delete_request;
    const ProtobufCMessageDescriptor *delete_reply;
    const char *columns[RC_RESOURCE_COLUMNS_MAX + 1]; /* Heads, then NULL. */
    uint32_t table_columns; /* As many of them stand in a table on the terminal. */
    /* The cells of one, in the order of columns. */
    void (*cells)(struct rc_arena *arena, const ProtobufCMessage *one, const char **cells);
};

/* The same of those that a request of the kind's list_request asks for. */
RC_MUST_USE enum rc_exit_code
rc_resource_list_some(struct rc_session *session,
                      const struct rc_output_options *output,
                      const struct rc_resource_kind *kind,
                      ProtobufCMessage *request);

/* Prints all of a kind, in the format wanted. */
RC_MUST_USE enum rc_exit_code
rc_resource_list(struct rc_session *session,
                 const struct rc_output_options *output,
                 const struct rc_resource_kind *kind);

/* Prints the one of this full name. */
RC_MUST_USE enum rc_exit_code
rc_resource_show(struct rc_session *session,
                 const struct rc_output_options *output,
                 const struct rc_resource_kind *kind,
                 char *name);

RC_MUST_USE enum rc_exit_code
rc_resource_delete(struct rc_session *session, const struct rc_resource_kind *kind, char *name);

#endif
