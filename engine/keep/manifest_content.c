#include "engine/keep/manifest_content.h"

#include "engine/store/project/receipts.h"

void
rc_manifest_content_write(struct rc_writer *writer, const struct rc_manifest_content *content)
{
    rc_write_u64(writer, content->number);
    rc_write_u64(writer, content->sequence);
    rc_write_varint(writer, content->project_count);
    for (uint32_t i = 0; i < content->project_count; i++) {
        rc_write_bytes(writer, content->projects[i].id);
        rc_write_u64(writer, content->projects[i].incarnation);
        rc_write_u64(writer, content->projects[i].sequence);
    }
    for (uint32_t i = 0; i < content->project_count; i++)
        rc_write_varint(writer, content->number - content->projects[i].state_number);
    rc_write_bytes(writer, content->receipts);
    if (content->log != 0 || content->project_count > 0)
        rc_write_u64(writer, content->log);
    for (uint32_t i = 0; i < content->project_count; i++)
        rc_write_u32(writer, content->projects[i].state_crc32c);
}

static bool
read_state_numbers(struct rc_reader *reader,
                   struct rc_manifest_project *projects,
                   const struct rc_manifest_content *content)
{
    const bool stored = rc_reader_left(reader) > 0;
    for (uint32_t i = 0; i < content->project_count; i++) {
        const uint64_t age = stored ? rc_read_varint(reader) : 0;
        if (age > content->number)
            return false;
        projects[i].state_number = content->number - age;
    }
    return true;
}

static void
read_checksums(struct rc_reader *reader, struct rc_manifest_project *projects, uint32_t count)
{
    const bool stored = rc_reader_left(reader) > 0;
    for (uint32_t i = 0; i < count; i++)
        projects[i].state_crc32c = stored ? rc_read_u32(reader) : 0;
}

static enum rc_status
check_receipts(struct rc_bytes bytes, struct rc_error *reterr_error)
{
    struct rc_reader reader = rc_reader_of(bytes.data, bytes.size);
    RC_CLEANUP(rc_receipts_unrefp) struct rc_receipts *receipts = NULL;
    if (bytes.size == 0)
        return RC_OK;
    RC_TRY(rc_receipts_read(NULL, &reader, &receipts, reterr_error));
    return rc_reader_left(&reader) == 0
               ? RC_OK
               : rc_error_set(reterr_error, RC_CORRUPT, "the manifest's receipts are too long");
}

enum rc_status
rc_manifest_content_read(struct rc_bytes bytes,
                         struct rc_arena *arena,
                         struct rc_manifest_content *ret_content,
                         struct rc_error *reterr_error)
{
    struct rc_reader reader = rc_reader_of(bytes.data, bytes.size);
    struct rc_manifest_content content = {
        .number = rc_read_u64(&reader),
        .sequence = rc_read_u64(&reader),
    };
    content.project_count = (uint32_t)rc_read_count(&reader, rc_reader_left(&reader));
    struct rc_manifest_project *projects =
        RC_ARENA_ARRAY(arena, struct rc_manifest_project, content.project_count);
    if (projects == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for the manifest");
    for (uint32_t i = 0; i < content.project_count; i++) {
        projects[i].id = rc_read_bytes(&reader);
        projects[i].incarnation = rc_read_u64(&reader);
        projects[i].sequence = rc_read_u64(&reader);
    }
    const bool numbered = read_state_numbers(&reader, projects, &content);
    if (rc_reader_left(&reader) > 0)
        content.receipts = rc_read_bytes(&reader);
    const bool has_log = rc_reader_left(&reader) > 0;
    content.log = has_log ? rc_read_u64(&reader) : 0;
    if (has_log && content.log == 0 && rc_reader_left(&reader) == 0)
        return rc_error_set(reterr_error, RC_CORRUPT, "the manifest names a log without a number");
    read_checksums(&reader, projects, content.project_count);
    if (!numbered || reader.bad || rc_reader_left(&reader) != 0)
        return rc_error_set(reterr_error, RC_CORRUPT, "the manifest's content is cut short");
    RC_TRY(check_receipts(content.receipts, reterr_error));
    content.projects = projects;
    *ret_content = content;
    return RC_OK;
}
