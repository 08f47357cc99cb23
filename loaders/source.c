/*
 * Reading stops at the first good row, so that several sources can be merged by the time of the
 * rows at hand.
 *
 * A source that begins in the middle of a CSV file reads the header first and then opens the file a
 * second time at its position.
 */
#include "loaders/source.h"

#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/assert.h"
#include "loaders/combined.h"
#include "loaders/copy.h"
#include "loaders/csv.h"
#include "loaders/input.h"
#include "loaders/json.h"
#include "loaders/lines.h"

struct rc_source {
    struct rc_source_options options; /* path is borrowed. */
    struct rc_input *input;
    struct rc_lines lines;
    struct rc_json *json; /* NDJSON only. */
    struct rc_csv csv;
    struct rc_copy copy;
    struct rc_arena *arena; /* Names of the header's columns. */
    struct rc_mapper *mapper;
    struct rc_record record;
    struct rc_mapped_row row;
    bool has_row;
    bool at_end;
};

/* The next row that is not empty, without a byte order mark. */
static enum rc_status
raw_next(struct rc_source *source, struct rc_error *reterr_error)
{
    struct rc_record *record = &source->record;
    do {
        RC_TRY(rc_lines_next(&source->lines, &record->raw, &record->offset, &record->line,
                             reterr_error));
        if (record->offset == 0 && record->raw.size >= 3 &&
            memcmp(record->raw.data, "\xef\xbb\xbf", 3) == 0)
            record->raw = (struct rc_bytes){record->raw.data + 3, record->raw.size - 3};
    } while (record->raw.size == 0);
    return RC_OK;
}

static enum rc_status
lines_open(struct rc_source *source, uint64_t offset, uint64_t line, struct rc_error *reterr_error)
{
    rc_lines_close(&source->lines);
    source->input = rc_input_close(source->input);
    RC_TRY(rc_input_open(source->options.path, &source->input, reterr_error));
    if (offset > 0)
        RC_TRY(rc_input_skip(source->input, offset, reterr_error));
    source->lines = (struct rc_lines){.input = source->input,
                                      .offset = offset,
                                      .line = offset == 0 ? 1 : line,
                                      .quoted = source->options.mapping->format == RC_MAPPING_CSV};
    return RC_OK;
}

/* Reads the header row and keeps its names as the columns. */
static enum rc_status
header_read(struct rc_source *source, struct rc_error *reterr_error)
{
    const enum rc_status status = raw_next(source, reterr_error);
    if (status == RC_NOT_FOUND)
        return rc_error_set(reterr_error, RC_INVALID, "%s is empty: it has no header",
                            source->options.path);
    RC_TRY(status);
    const struct rc_csv plain = {.separator = source->csv.separator};
    RC_TRY(rc_csv_parse(&plain, &source->record, reterr_error));
    const size_t count = source->record.field_count;
    struct rc_bytes *columns = RC_ARENA_ARRAY(source->arena, struct rc_bytes, count);
    if (columns == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for the header");
    for (size_t i = 0; i < count; i++) {
        const struct rc_field_value *value = &source->record.fields[i].value;
        const struct rc_bytes name =
            value->type == RC_FIELD_TEXT ? value->text : RC_BYTES_LITERAL("");
        columns[i] =
            (struct rc_bytes){rc_arena_copy(source->arena, name.data, name.size), name.size};
        if (columns[i].data == NULL)
            return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for the header");
        for (size_t k = 0; k < i; k++)
            if (rc_bytes_equal(columns[k], columns[i]))
                return rc_error_set(reterr_error, RC_INVALID,
                                    "the header of %s names the column %.*s twice",
                                    source->options.path, (int)name.size, name.data);
    }
    if (source->csv.columns == NULL) { /* The mapping's own names win. */
        source->csv.columns = columns;
        source->csv.column_count = count;
    }
    return RC_OK;
}

/* The field that names the user in most rows. */
static struct rc_mapping_field
user_field(const struct rc_mapping *mapping)
{
    for (uint32_t i = 0; i < mapping->user.count; i++)
        if (mapping->user.items[i].kind == RC_SOURCE_FIELD)
            return mapping->slots[mapping->user.items[i].slots[0]].field;
    return (struct rc_mapping_field){0, RC_BYTES_LITERAL("")};
}

/* Fills a source whose options are set. */
static enum rc_status
parts_make(struct rc_source *source, struct rc_error *reterr_error)
{
    const struct rc_source_options *options = &source->options;
    const struct rc_mapping *mapping = options->mapping;
    source->arena = rc_arena_new(NULL, 0);
    if (source->arena == NULL || !rc_record_init(&source->record))
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory to read %s", options->path);
    if (mapping->format == RC_MAPPING_NDJSON) {
        const struct rc_mapping_field user = user_field(mapping);
        source->json = rc_json_new(mapping->roots[1].size > 0 ? mapping->roots[1].data : "",
                                   mapping->roots[2].size > 0 ? mapping->roots[2].data : "",
                                   user.name, user.root);
        if (source->json == NULL)
            return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory to read %s", options->path);
    }
    source->csv = (struct rc_csv){mapping->columns, mapping->column_count, mapping->separator};
    source->copy =
        (struct rc_copy){mapping->columns, mapping->column_count, mapping->hstore_column};
    RC_TRY(rc_mapper_new(mapping, options->pack, &source->mapper, reterr_error));
    const bool has_header = mapping->format == RC_MAPPING_CSV && mapping->header;
    if (has_header || options->offset == 0)
        RC_TRY(lines_open(source, 0, 1, reterr_error));
    if (has_header)
        RC_TRY(header_read(source, reterr_error));
    if (has_header && options->offset > 0 && strcmp(options->path, "-") == 0)
        return rc_error_set(reterr_error, RC_UNSUPPORTED,
                            "a CSV file with a header cannot be resumed from standard input");
    return options->offset > 0 ? lines_open(source, options->offset, options->line, reterr_error)
                               : RC_OK;
}

enum rc_status
rc_source_open(const struct rc_source_options *options,
               struct rc_source **ret_source,
               struct rc_error *reterr_error)
{
    RC_CLEANUP(rc_source_closep) struct rc_source *source = rc_alloc_zero(sizeof(*source));
    if (source == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory to read %s", options->path);
    source->options = *options;
    RC_TRY(parts_make(source, reterr_error));
    *ret_source = RC_TAKE(source);
    return RC_OK;
}

struct rc_source *
rc_source_close(struct rc_source *source)
{
    if (source == NULL)
        return NULL;
    rc_lines_close(&source->lines);
    rc_input_close(source->input);
    rc_json_free(source->json);
    rc_mapper_free(source->mapper);
    if (source->record.arena != NULL)
        rc_record_close(&source->record);
    rc_arena_free(source->arena);
    rc_alloc_free(source);
    return NULL;
}

static enum rc_status
record_parse(struct rc_source *source, struct rc_error *reterr_error)
{
    struct rc_record *record = &source->record;
    const enum rc_mapping_format format = source->options.mapping->format;
    if (format == RC_MAPPING_NDJSON)
        return rc_json_parse(source->json, record, reterr_error);
    if (!rc_bytes_is_text(record->raw))
        return rc_error_set(reterr_error, RC_INVALID, "the row is not UTF-8 or holds a NUL");
    if (format == RC_MAPPING_CSV)
        return rc_csv_parse(&source->csv, record, reterr_error);
    return format == RC_MAPPING_COPY ? rc_copy_parse(&source->copy, record, reterr_error)
                                     : rc_combined_parse(record, reterr_error);
}

enum rc_status
rc_source_next(struct rc_source *source,
               uint64_t *skipped,
               uint64_t *rejected,
               struct rc_error *reterr_error)
{
    source->has_row = false;
    while (!source->at_end) {
        enum rc_status status = raw_next(source, reterr_error);
        source->at_end = status == RC_NOT_FOUND;
        if (source->at_end)
            break;
        RC_TRY(status);
        struct rc_error error = {0};
        status = record_parse(source, &error);
        source->at_end = status == RC_NOT_FOUND; /* The end mark of COPY. */
        if (source->at_end)
            break;
        if (status == RC_OK)
            status = rc_mapper_map(source->mapper, &source->record, &source->row, &error);
        if (status == RC_OK) {
            if (source->json != NULL)
                RC_TRY_OR(reterr_error, rc_json_keep(source->json, &source->record));
            source->has_row = true;
            break;
        }
        if (status == RC_NOT_FOUND) {
            ++*skipped;
            continue;
        }
        if (status != RC_INVALID)
            return rc_error_set(reterr_error, status, "%s", error.message);
        ++*rejected;
        RC_TRY(rc_rejects_write(source->options.rejects, source->options.path, source->record.line,
                                error.message, source->record.raw, reterr_error));
    }
    return RC_OK;
}

const struct rc_mapped_row *
rc_source_row(const struct rc_source *source)
{
    return source->has_row ? &source->row : NULL;
}

enum rc_status
rc_source_add(struct rc_source *source)
{
    RC_ASSERT(source->has_row);
    return rc_mapper_add(source->mapper, &source->record, &source->row);
}

uint64_t
rc_source_line(const struct rc_source *source)
{
    return source->record.line;
}

size_t
rc_source_row_bytes(const struct rc_source *source)
{
    return source->record.raw.size;
}

void
rc_source_position(const struct rc_source *source, uint64_t *ret_offset, uint64_t *ret_line)
{
    *ret_offset = source->has_row ? source->record.offset : source->lines.offset;
    *ret_line = source->has_row ? source->record.line : source->lines.line;
}

void
rc_source_progress(const struct rc_source *source, uint64_t *ret_done, uint64_t *ret_size)
{
    *ret_done = rc_input_file_done(source->input);
    *ret_size = rc_input_file_size(source->input);
}
