/*
 * Core locks: the locks of gRPC's core, which are Abseil's. Built for debugging, as Debian does,
 * each of them is entered in a graph of which was held when another was taken, in search of
 * deadlocks: some 37 locks a call, 700 instructions each.
 */
#ifndef RC_SERVER_TRANSPORT_CORE_LOCKS_H
#define RC_SERVER_TRANSPORT_CORE_LOCKS_H

#ifdef __cplusplus
extern "C" {
#endif

/* Stops that search, for the whole process. Before the core is used, or at any time. */
void
rc_core_locks_unwatched(void);

#ifdef __cplusplus
}
#endif

#endif
