/* Decode: resource names, "projects/{project}" and "projects/{project}/{collection}/{id}". */
#include "server/decode/decode.h"

#define PROJECTS "projects/"

static bool
starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* The path of a field, in the arena. NULL: no memory. */
static const char *
path_of(struct rc_decode *decode, const char *field)
{
    const size_t mark = rc_decode_enter(decode, field);
    const char *path = rc_arena_string(decode->arena, decode->path, decode->path_size);
    rc_decode_leave(decode, mark);
    return path;
}

/* Notes where the request names its project: where it does so first. */
static enum rc_status
note_project(struct rc_decode *decode, const char *field, struct rc_bytes id)
{
    if (decode->named == NULL || decode->named->field != NULL)
        return RC_OK;
    *decode->named = (struct rc_named_project){.field = path_of(decode, field), .id = id};
    return decode->named->field == NULL ? rc_decode_no_memory(decode) : RC_OK;
}

enum rc_status
rc_decode_project(struct rc_decode *decode,
                  const char *field,
                  const char *name,
                  struct rc_bytes *ret_id)
{
    if (name[0] == '\0')
        return rc_decode_fail(decode, RC_INVALID, field,
                              "the project is missing: \"projects/{project}\"");
    const char *id = name + strlen(PROJECTS);
    if (!starts_with(name, PROJECTS) || id[0] == '\0' || strchr(id, '/') != NULL)
        return rc_decode_fail(decode, RC_INVALID, field,
                              "\"%.100s\" is not of the form \"projects/{project}\"", name);
    *ret_id = rc_bytes_of(id);
    return note_project(decode, field, *ret_id);
}

static enum rc_status
decode_name(struct rc_decode *decode,
            const char *field,
            const char *name,
            const char *collection,
            struct rc_bytes *ret_project,
            struct rc_bytes *ret_id)
{
    const char *project = name + strlen(PROJECTS);
    const char *slash = starts_with(name, PROJECTS) ? strchr(project, '/') : NULL;
    const char *id = NULL;
    if (slash != NULL && starts_with(slash + 1, collection) && slash[1 + strlen(collection)] == '/')
        id = slash + 1 + strlen(collection) + 1;
    if (id == NULL || slash == project || id[0] == '\0' || strchr(id, '/') != NULL)
        return rc_decode_fail(decode, RC_INVALID, field,
                              "\"%.100s\" is not of the form \"projects/{project}/%s/{id}\"", name,
                              collection);
    *ret_project = (struct rc_bytes){project, (size_t)(slash - project)};
    *ret_id = rc_bytes_of(id);
    return RC_OK;
}

enum rc_status
rc_decode_name(struct rc_decode *decode,
               const char *field,
               const char *name,
               const char *collection,
               struct rc_bytes *ret_project,
               struct rc_bytes *ret_id)
{
    RC_TRY(decode_name(decode, field, name, collection, ret_project, ret_id));
    return note_project(decode, field, *ret_project);
}

enum rc_status
rc_decode_reference(struct rc_decode *decode,
                    const char *field,
                    const char *name,
                    enum rc_reference_kind kind,
                    struct rc_bytes *ret_id)
{
    const char *collection = kind == RC_REFERENCE_DEFINITION ? "definitions" : "segments";
    struct rc_bytes project;
    struct rc_bytes id;
    RC_TRY(decode_name(decode, field, name, collection, &project, &id));
    struct rc_reference *reference = rc_arena_alloc(decode->arena, sizeof(*reference));
    const char *path = path_of(decode, field);
    if (reference == NULL || path == NULL)
        return rc_decode_no_memory(decode);
    *reference = (struct rc_reference){
        .next = decode->references, .kind = kind, .project = project, .id = id, .field = path};
    decode->references = reference;
    *ret_id = id;
    return RC_OK;
}

enum rc_status
rc_decode_reference_version(struct rc_decode *decode, const char *field, uint64_t version)
{
    decode->references->version = version;
    decode->references->version_field = path_of(decode, field);
    return decode->references->version_field == NULL ? rc_decode_no_memory(decode) : RC_OK;
}

enum rc_status
rc_decode_check_references(const struct rc_decode *decode)
{
    for (const struct rc_reference *at = decode->references; at != NULL; at = at->next)
        if (!rc_bytes_equal(at->project, decode->project))
            return rc_error_field(decode->error, RC_INVALID, at->field,
                                  "\"%.*s\" is of another project", (int)at->id.size, at->id.data);
    return RC_OK;
}
