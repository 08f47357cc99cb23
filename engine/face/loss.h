/*
 * Loss: counts, by project, what log records hold that a repair gives up.
 *
 * Ownership: the list is in the arena; ids are copied.
 */
#ifndef RC_FACE_LOSS_H
#define RC_FACE_LOSS_H

#include "engine/base/arena.h"
#include "engine/face/upkeep.h"

struct rc_losses {
    struct rc_arena *arena;
    uint32_t count;
    uint32_t capacity;
    struct rc_loss *list;
};

/* Adds a record's content. A record that cannot be read adds nothing. */
RC_MUST_USE enum rc_status
rc_losses_add(struct rc_losses *losses, struct rc_bytes payload);

/* "2 batches with 41 events of \"shop\", ..." as far as room allows. */
void
rc_losses_print(const struct rc_losses *losses, char *text, size_t room);

#endif
