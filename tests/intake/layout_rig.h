/*
 * Layout rig: a project below the engine, and what its live rows must be wherever they lie.
 *
 * Threading: one thread for a call.
 * Errors:    a difference fails the test and says where.
 */
#ifndef RC_TESTS_INTAKE_LAYOUT_RIG_H
#define RC_TESTS_INTAKE_LAYOUT_RIG_H

#include <stdint.h>

#include "engine/store/project/project.h"
#include "tests/face/engine_rig.h"

/* Fewer than a batch may bring: heads fill up on the way. */
#define LAYOUT_HEAD_ROWS 150u

/* An empty project. */
struct rc_project *
layout_project(void);

/* Applies a content under its sequence, as the next batch of a stream; how many rows it replaced.
 */
uint64_t
layout_apply(struct rc_project *project, const struct rig_content *content, uint64_t sequence);

/* The live rows of a view are the twin's. */
void
layout_expect(struct rc_project *project, const struct rig_twin *twin);

#endif
