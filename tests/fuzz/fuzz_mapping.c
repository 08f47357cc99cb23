/* A mapping file. What is taken must make a mapper, and take a record of each kind of value. */
#include "loaders/mapper.h"
#include "tests/fuzz/fuzz.h"

static void
use_mapping(const struct rc_mapping *mapping)
{
    struct rc_error error = {0};
    RC_CLEANUP(rc_pack_freep) struct rc_pack *pack = rc_pack_new();
    RC_CLEANUP(rc_mapper_freep) struct rc_mapper *mapper = NULL;
    FUZZ_CHECK(pack != NULL);
    const enum rc_status made = rc_mapper_new(mapping, pack, &mapper, &error);
    FUZZ_CHECK(made == RC_OK || (made == RC_INVALID && error.message[0] != '\0'));
    if (made != RC_OK)
        return;
    RC_CLEANUP(rc_record_close) struct rc_record record;
    FUZZ_CHECK(rc_record_init(&record));
    record.raw = RC_BYTES_LITERAL("raw");
    static const char *const fields[][2] = {
        {"user", "u"}, {"time", "2015-09-12 00:46:58"},
        {"id", "7"},   {"type", "click"},
        {"a", "b"},    {"price", "12.5"},
    };
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        FUZZ_CHECK(
            rc_record_add_text(&record, rc_bytes_of(fields[i][0]), rc_bytes_of(fields[i][1])));
    for (size_t i = 0; i < mapping->slot_count; i++) {
        struct rc_field *field =
            rc_record_add(&record, mapping->slots[i].field.name, mapping->slots[i].field.root);
        FUZZ_CHECK(field != NULL);
        field->value = (struct rc_field_value){.type = RC_FIELD_INT, .integer = (int64_t)i + 1};
    }
    struct rc_mapped_row row;
    const enum rc_status status = rc_mapper_map(mapper, &record, &row, &error);
    if (status == RC_OK)
        FUZZ_CHECK(rc_mapper_add(mapper, &record, &row) == RC_OK);
    else
        FUZZ_CHECK(status == RC_INVALID || status == RC_NOT_FOUND);
    struct rc_bytes request;
    FUZZ_CHECK(rc_pack_request(pack, 1, &request) == RC_OK);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    RC_CLEANUP(rc_mapping_freep) struct rc_mapping *mapping = NULL;
    struct rc_error error = {0};
    const enum rc_status status =
        rc_mapping_parse("fuzz.ini", (struct rc_bytes){(const char *)data, size}, &mapping, &error);
    FUZZ_CHECK(status == RC_OK || (status == RC_INVALID && error.message[0] != '\0'));
    if (status == RC_OK)
        use_mapping(mapping);
    return 0;
}
