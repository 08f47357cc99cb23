/*
 * Resource: what a project has by name: definitions, segments, derived properties, and projects
 * themselves. Their services have the same calls (shaped as AIP-131 to 135 say), so listing,
 * showing, saving, deleting and what a thing was are written once, over the messages' descriptors.
 *
 * Ownership: everything belongs to the session's arena.
 * Threading: one thread.
 * Errors:    as rc_session_call: what went wrong is printed, the code is the one to exit with.
 */
#ifndef RC_CLI_COMMAND_RESOURCE_H
#define RC_CLI_COMMAND_RESOURCE_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>

#include "cli/options/options.h"
#include "cli/session/session.h"

#define RC_RESOURCE_COLUMNS_MAX 5u

/* A call of a kind: the types of its messages. */
struct rc_resource_call {
    const ProtobufCMessageDescriptor *request;
    const ProtobufCMessageDescriptor *reply;
};

struct rc_resource_kind {
    const char *service; /* "DefinitionService" */
    const char *one;     /* "Definition": in the names of its methods. */
    const char *field;   /* "definition": of a Get reply. */
    const char *many;    /* "definitions": in names; with a capital in methods. */
    const char *list;    /* Of a List reply, where that is written otherwise; NULL: many. */
    struct rc_resource_call list_call;
    struct rc_resource_call get_call;
    struct rc_resource_call delete_call;
    /* What follows is of things with versions alone. */
    struct rc_resource_call create_call;
    struct rc_resource_call update_call;
    struct rc_resource_call versions_call;
    const char *const *paths; /* All that an update may change, ended by NULL. */
    const char *columns[RC_RESOURCE_COLUMNS_MAX + 1]; /* Heads, then NULL. */
    uint32_t table_columns; /* As many of them stand in a table on the terminal. */
    /* The cells of one, in the order of columns. */
    void (*cells)(struct rc_arena *arena, const ProtobufCMessage *one, const char **cells);
};

/* The same of those that a request of the kind's list call asks for. */
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

/* Prints the one of this full name, as it is (version 0) or was. */
RC_MUST_USE enum rc_exit_code
rc_resource_show(struct rc_session *session,
                 const struct rc_output_options *output,
                 const struct rc_resource_kind *kind,
                 char *name,
                 uint64_t version);

/* Prints the versions of the one of this full name, newest first. */
RC_MUST_USE enum rc_exit_code
rc_resource_history(struct rc_session *session,
                    const struct rc_output_options *output,
                    const struct rc_resource_kind *kind,
                    char *name);

/* Creates the thing; where there is one of its id and replace is set, changes that one. author may
 * be NULL. */
RC_MUST_USE enum rc_exit_code
rc_resource_save(struct rc_session *session,
                 const struct rc_resource_kind *kind,
                 const char *id,
                 ProtobufCMessage *thing,
                 const char *author,
                 bool replace);

/* Makes the one of this full name what it was in a version. */
RC_MUST_USE enum rc_exit_code
rc_resource_restore(struct rc_session *session,
                    const struct rc_resource_kind *kind,
                    char *name,
                    uint64_t version,
                    const char *author);

/* force: also while others use it; of kinds that others use. */
RC_MUST_USE enum rc_exit_code
rc_resource_delete(struct rc_session *session,
                   const struct rc_resource_kind *kind,
                   char *name,
                   bool force);

#endif
