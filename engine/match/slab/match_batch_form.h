/* Match batch, inside: shared by match_batch.c, match_batch_plan.c and match_batch_rows.c. */
#ifndef RC_MATCH_SLAB_MATCH_BATCH_FORM_H
#define RC_MATCH_SLAB_MATCH_BATCH_FORM_H

#include "engine/match/slab/match_answers.h"
#include "engine/match/slab/match_batch.h"

/* A column that some leaf reads. */
struct rc_batch_column {
    struct rc_column_view view;
    uint16_t *sample;      /* By code: of RC_BATCH_SAMPLE rows so many have it. */
    uint16_t *class_of;    /* By code; NULL: no leaf of it drives. Class 0: no driver wants it. */
    uint32_t class_count;  /* With class 0. */
    struct rc_scan wanted; /* Of the codes of the other classes. */
    /* Of the current block: */
    const void *codes; /* A code a row, of width bytes; RC_CODE_NONE only where width is 4. */
    uint32_t width;
    uint32_t *expanded; /* What codes points to when the column is not plain. */
    uint32_t *starts;   /* By class: where its rows begin in rows; class_count + 1. */
    uint16_t *rows;     /* Those that are wanted, by class, then ascending. */
};

#define RC_BATCH_SAMPLE 4096u

/* A leaf, however many trees have it. */
struct rc_batch_leaf {
    struct rc_batch_column *column; /* NULL: no row passes. */
    struct rc_match_answers answers;
    struct rc_kept_column *kept; /* That answers reads; owned. */
    uint32_t share;              /* Of the sample, once the answers are complete. */
    bool drives;                 /* Some tree's rows are taken from it. */
    uint32_t code_count;         /* Of codes that pass, once it drives. */
    uint32_t *codes;
    uint32_t class_count; /* Classes of its codes. */
    uint16_t *classes;
};

struct rc_batch_tree {
    const struct rc_match_tree *tree;
    struct rc_batch_leaf **leaves; /* By node index; NULL for nodes that are none. */
    uint32_t driver_count;         /* Every row of the tree is a row of one of these. */
    struct rc_batch_leaf **drivers;
    bool driven; /* Else it is evaluated by itself. */
    struct rc_rowset_builder *builder;
};

struct rc_batch {
    struct rc_slab_match match;
    uint32_t tree_count;
    struct rc_batch_tree *trees;
    uint32_t leaf_count;
    struct rc_batch_leaf **leaves;
    uint32_t column_count;
    struct rc_batch_column **columns;
    uint32_t *class_of_class; /* Scratch of cutting classes. */
    uint32_t block_begin;
};

/* Lists leaves and columns, finds out what drives each tree, and cuts classes. */
RC_MUST_USE enum rc_status
rc_batch_plan(struct rc_batch *batch, const struct rc_match_tree *const *trees);

/* The rows of all driven trees. */
RC_MUST_USE enum rc_status
rc_batch_rows(struct rc_batch *batch);

#endif
