/*
 * Rowset codec: the stored form of a rowset, for files beside slabs.
 *
 * Threading: pure.
 * Errors:    RC_CORRUPT for bytes that are no set of row_count rows in the one form there is;
 *            RC_NO_MEMORY.
 * Format:    for each block of RC_BLOCK_ROWS rows a byte of kind, then
 *
 *   0  no row of the block          nothing
 *   1  every row                    nothing
 *   2  a list                       u16 count - 1, then the rows, u16 each, ascending
 *   3  words                        RC_BLOCK_WORDS words of u64
 *   4  runs                         u16 count - 1, then first and last of each, u16 each,
 *                                   ascending, with a gap between
 *
 *   The kind is the one of least bytes, the lower one where two are alike. Little-endian.
 */
#ifndef RC_MATCH_ROWS_ROWSET_CODEC_H
#define RC_MATCH_ROWS_ROWSET_CODEC_H

#include "engine/base/bytes.h"
#include "engine/match/rows/rowset.h"

void
rc_rowset_write(struct rc_writer *writer, const struct rc_rowset *set);

RC_MUST_USE enum rc_status
rc_rowset_read_stored(struct rc_reader *reader,
                      uint32_t row_count,
                      struct rc_account *account,
                      struct rc_rowset **ret_set);

#endif
