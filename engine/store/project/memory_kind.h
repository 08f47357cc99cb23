/*
 * Kinds of memory: what a project's memory is for. Each kind is an account below the project's, so
 * that they and what is charged to the project itself add up to what it takes.
 */
#ifndef RC_STORE_PROJECT_MEMORY_KIND_H
#define RC_STORE_PROJECT_MEMORY_KIND_H

enum rc_memory_kind {
    RC_MEMORY_SLABS,        /* Hot slabs, and such as are being built. */
    RC_MEMORY_COLD,         /* What is in memory of slabs on disk. */
    RC_MEMORY_HEADS,        /* The newest rows. */
    RC_MEMORY_DICTIONARIES, /* Of event properties. */
    RC_MEMORY_USERS,        /* Ids, writes and columns of their properties, joins. */
    RC_MEMORY_BITMAPS,      /* Cached rowsets, columns that are made, tests of strings. */
    RC_MEMORY_QUERIES,      /* Scratch and replies of queries that run. */
};
#define RC_MEMORY_KIND_COUNT 7

#endif
