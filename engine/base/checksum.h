/*
 * CRC32C (Castagnoli), as in iSCSI, ext4 and SCTP: rc_crc32c("123456789", 9) == 0xe3069283.
 */
#ifndef RC_BASE_CHECKSUM_H
#define RC_BASE_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

uint32_t
rc_crc32c(const void *data, size_t size);

/* Continues: rc_crc32c_extend(rc_crc32c(a), b) is the checksum of a followed by b. */
uint32_t
rc_crc32c_extend(uint32_t crc, const void *data, size_t size);

#endif
