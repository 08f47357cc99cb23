/* ISA-L's crc32_iscsi takes and gives the register uninverted; the standard inverts at
 * both ends. */
#include "engine/base/checksum.h"

#include <isa-l/crc.h>

#include "engine/base/assert.h"

uint32_t
rc_crc32c_extend(uint32_t crc, const void *data, size_t size)
{
    /* ISA-L counts in int and wants a non-const pointer that it does not write through. */
    unsigned char *at = (unsigned char *)(uintptr_t)data;
    uint32_t state = ~crc;
    while (size > 0) {
        const size_t part = size > ((size_t)1 << 30) ? (size_t)1 << 30 : size;
        state = crc32_iscsi(at, (int)part, state);
        at += part;
        size -= part;
    }
    return ~state;
}

uint32_t
rc_crc32c(const void *data, size_t size)
{
    return rc_crc32c_extend(0, data, size);
}
