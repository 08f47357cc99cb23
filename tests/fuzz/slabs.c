#include "tests/fuzz/slabs.h"

#include <string.h>

#include "engine/base/checksum.h"
#include "engine/store/slab/slab_format.h"

static void
sign_columns(unsigned char *block, size_t size, const struct rc_slab_section *section)
{
    for (uint64_t at = 0; at + sizeof(struct rc_slab_column) <= section->size;
         at += sizeof(struct rc_slab_column)) {
        struct rc_slab_column column;
        memcpy(&column, block + section->offset + at, sizeof(column));
        if (column.offset <= size && column.size <= size - column.offset)
            column.crc32c = rc_crc32c(block + column.offset, column.size);
        memcpy(block + section->offset + at, &column, sizeof(column));
    }
}

void
fuzz_sign_slab(unsigned char *block, size_t size)
{
    struct rc_slab_header *header = (void *)block;
    if (size < sizeof(*header))
        return;
    for (uint32_t i = RC_SLAB_SECTION_COUNT; i-- > 0;) {
        /* A copy: a section may lie over the table itself. */
        const struct rc_slab_section section = header->sections[i];
        if (section.offset > size || section.size > size - section.offset || section.size == 0)
            continue;
        if (section.kind == RC_SLAB_DIRECTORY)
            sign_columns(block, size, &section);
        header->sections[i].crc32c = rc_crc32c(block + section.offset, section.size);
    }
    header->crc32c = rc_slab_header_crc32c(header);
}
