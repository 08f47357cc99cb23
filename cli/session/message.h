/*
 * Message: protobuf messages that are made in an arena.
 *
 * A command builds one request, sends it and ends, so everything lives in one arena and memory that
 * is refused ends the program with a sentence: nothing is half-done on this side of the wire.
 *
 * Ownership: all results belong to the arena.
 * Threading: one thread at a time for an arena.
 */
#ifndef RC_CLI_SESSION_MESSAGE_H
#define RC_CLI_SESSION_MESSAGE_H

#include <protobuf-c/protobuf-c.h>

#include "engine/base/arena.h"
#include "engine/base/bytes.h"

/* Gives pointer back; without one, says that there is no memory and ends the program. */
void *
rc_need(void *pointer);

/* An empty message: RC_MESSAGE(arena, Recount__V1__Leaf, recount__v1__leaf). */
#define RC_MESSAGE(arena, type, prefix)                                    \
    __extension__({                                                        \
        type *rc_message_ = rc_need(rc_arena_zero((arena), sizeof(type))); \
        prefix##__init(rc_message_);                                       \
        rc_message_;                                                       \
    })

/* Where a field that must exist is in a message that is known by its type only. */
void *
rc_message_member(ProtobufCMessage *message, const char *name);

/* A list of pointers that grows in an arena: what repeated fields are made of. */
struct rc_pointer_list {
    void **items;
    size_t count;
    size_t capacity;
};

void
rc_pointer_list_add(struct rc_arena *arena, struct rc_pointer_list *list, void *item);

/* A copy of a text that is ended by NUL. */
char *
rc_text_copy(struct rc_arena *arena, const char *text);

/* printf into the arena. */
char *
rc_text_format(struct rc_arena *arena, const char *format, ...) RC_PRINTF(2, 3);

/* The packed message. */
struct rc_bytes
rc_message_pack(struct rc_arena *arena, const void *message);

#endif
