/*
 * Descriptors: the contract as protoc describes it, embedded in the program, for reflection.
 *
 * Ownership: everything borrows from the embedded bytes.
 * Threading: read-only.
 */
#ifndef RC_SERVER_ADMIN_DESCRIPTORS_H
#define RC_SERVER_ADMIN_DESCRIPTORS_H

#include "engine/base/bytes.h"

#define RC_DESCRIPTOR_FILES_MAX 64u

/* Files of the contract: packed FileDescriptorProto messages. */
struct rc_descriptor_list {
    uint32_t count;
    struct rc_bytes files[RC_DESCRIPTOR_FILES_MAX];
};

/* The file of this name and all that it imports, itself first. An empty list: there is none. */
void
rc_descriptors_of_file(struct rc_bytes name, struct rc_descriptor_list *ret_list);

/* The same for the file that declares a service, method, message, enum or field by its
 * full name. */
void
rc_descriptors_of_symbol(struct rc_bytes symbol, struct rc_descriptor_list *ret_list);

/* Calls visit with the full name of each service. */
void
rc_descriptors_services(void (*visit)(void *context, const char *name), void *context);

#endif
