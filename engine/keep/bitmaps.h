/*
 * Bitmaps, stored: of the slabs of a checkpoint, the bitmaps of eager definitions, a file beside
 * each slab's, "bitmaps-NUMBER". A start finds them and does not compute them again.
 *
 * They are a cache: no checkpoint names them, none fails for them, and one that is missing, damaged
 * or of another slab or program counts as not there. What is found is true whatever became of the
 * definitions, since a bitmap is kept under its predicate and not under a name. A file goes with
 * its slab (stale.c). Backups leave them out.
 *
 * Threading: one write of a slab at a time, beside everything else.
 * Format:    little-endian.
 *
 *    0  8   magic "rcbitmap"
 *    8  4   version of this table, 1
 *   12  4   RC_MATCH_MEANING (match/matcher.h): what predicates mean to the program
 *   16  4   crc32c of the slab's header
 *   20  4   rows of the slab
 *   24  4   count of bitmaps
 *   28  4   crc32c of everything but these four bytes
 *   32      the bitmaps: varint size and bytes of the predicate's key (its canonical stored form),
 *           then the rowset (match/rows/rowset_codec.h)
 */
#ifndef RC_KEEP_BITMAPS_H
#define RC_KEEP_BITMAPS_H

#include <stdint.h>

#include "engine/base/file.h"
#include "engine/base/status.h"
#include "engine/match/matcher.h"
#include "engine/store/slab/slab.h"

#define RC_BITMAPS_FILE "bitmaps"

/* A slab's file takes at most this share of the slab's own bytes; what would pass it is not
 * stored. */
#define RC_BITMAPS_SLAB_SHARE 4u

/* Writes what the cache means to be stored of a slab, unless that is what is stored, at the pace of
 * file_gentle.h. Nothing to be stored: no file is made. RC_IO, RC_NO_SPACE, RC_NO_MEMORY: no or an
 * earlier file is there. */
RC_MUST_USE enum rc_status
rc_bitmaps_write(struct rc_disk *disk,
                 const char *path,
                 struct rc_match_cache *cache,
                 const struct rc_slab *slab,
                 uint64_t slab_id,
                 uint64_t pause_ns,
                 struct rc_error *reterr_error);

/* Puts what a file holds into the cache. RC_NOT_FOUND: there is none; RC_CORRUPT: it is not of this
 * slab or program, or damaged: nothing was put in. */
RC_MUST_USE enum rc_status
rc_bitmaps_read(struct rc_disk *disk,
                const char *path,
                struct rc_match_cache *cache,
                const struct rc_slab *slab,
                uint64_t slab_id,
                struct rc_error *reterr_error);

#endif
