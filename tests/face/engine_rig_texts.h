/* What the files of the rig share: texts, and the scope of everything. */
#ifndef RC_TESTS_FACE_ENGINE_RIG_TEXTS_H
#define RC_TESTS_FACE_ENGINE_RIG_TEXTS_H

#include "tests/face/engine_rig.h"

/* An event with an id has a note, which says its amount: a text that only copies of the event
 * replace, so that dictionaries are full of what is in no row any more. */
#define RIG_NOTE "note-"

/* The format's text for a number, in arena. */
struct rc_bytes
rig_text(struct rc_arena *arena, const char *format, uint32_t number);

/* The id of a user as sent. */
struct rc_bytes
rig_user_text(struct rc_arena *arena, uint32_t user);

/* All of time. */
struct rc_scope
rig_whole_scope(void);

#endif
