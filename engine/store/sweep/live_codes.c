#include "engine/store/sweep/live_codes.h"

#include "engine/base/assert.h"
#include "engine/store/value/cell.h"

static enum rc_status
open_codes(const struct rc_properties *properties,
           struct rc_arena *arena,
           struct rc_live_codes *ret_codes)
{
    const uint32_t count = rc_properties_count(properties);
    struct rc_live_property *of = RC_ARENA_ARRAY(arena, struct rc_live_property, count);
    if (of == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < count; i++) {
        of[i].count = rc_dictionary_count(rc_properties_dictionary(properties, i));
        of[i].words = RC_ARENA_ARRAY(arena, uint64_t, (size_t)of[i].count / 64 + 1);
        if (of[i].words == NULL)
            return RC_NO_MEMORY;
    }
    *ret_codes = (struct rc_live_codes){.property_count = count, .of = of};
    return RC_OK;
}

static void
see_cell(struct rc_live_property *property, rc_cell cell)
{
    if (rc_cell_kind_of(cell) != RC_CELL_CODE)
        return;
    const uint32_t code = rc_cell_code(cell);
    if (code < property->count)
        property->words[code / 64] |= (uint64_t)1 << (code % 64);
}

enum rc_status
rc_live_codes_of_writes(const struct rc_people *people,
                        const struct rc_people_counts *counts,
                        const struct rc_gone *gone,
                        struct rc_arena *arena,
                        struct rc_live_codes *ret_codes)
{
    const struct rc_append_log *log = rc_people_writes(people);
    RC_TRY(open_codes(rc_people_properties(people), arena, ret_codes));
    for (uint32_t i = 0, run = 0; i < counts->writes; i += run) {
        const struct rc_user_write *writes = rc_append_log_run(log, i, counts->writes, &run);
        for (uint32_t k = 0; k < run; k++)
            if (!rc_gone_has(gone, writes[k].user))
                see_cell(&ret_codes->of[writes[k].property], writes[k].cell);
    }
    return RC_OK;
}

void
rc_live_codes_write(const struct rc_live_codes *codes,
                    const struct rc_properties *properties,
                    struct rc_writer *writer)
{
    if (codes == NULL) {
        rc_properties_write(properties, writer);
        return;
    }
    RC_ASSERT(codes->property_count <= rc_properties_count(properties));
    rc_write_varint(writer, codes->property_count);
    for (uint32_t i = 0; i < codes->property_count; i++) {
        rc_write_bytes(writer, rc_properties_name(properties, i));
        rc_dictionary_write(rc_properties_dictionary(properties, i), codes->of[i].count,
                            codes->of[i].words, writer);
    }
}
