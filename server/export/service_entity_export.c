/* QueryService.ExportEntities: all entities of a list, piece by piece. */
#include "server/call/pieces.h"
#include "server/encode/encode.h"
#include "server/query/service_query.h"

#define ENTITIES_FIELD 4u /* ExportEntitiesResponse.entities */

struct entity_export {
    struct rc_entity_list_request question;
    bool with_range;
    struct rc_entity_list *entities; /* NULL until the first piece is made. */
};

static enum rc_status
begin(struct rc_request *request, void *state, const void *message, struct rc_bytes *ret_project)
{
    const Recount__V1__ExportEntitiesRequest *in = message;
    struct entity_export *out = state;
    struct rc_decode decode = rc_request_decode(request);
    const struct rc_entities_message asked = {.scope = in->scope,
                                              .cell = in->cell,
                                              .selector = in->selector,
                                              .property_count = in->n_properties,
                                              .properties = in->properties};
    RC_TRY(rc_decode_entities(&decode, &asked, request->received_ms, &out->question));
    out->with_range = in->scope->range != NULL;
    *ret_project = decode.project;
    return rc_request_begin(request, &decode, &out->question.scope);
}

/* What the first piece begins with. */
static enum rc_status
write_head(struct rc_request *request,
           const struct entity_export *out,
           const struct rc_query_stats *stats,
           struct rc_piece *piece)
{
    struct rc_arena *arena = request->arena;
    Recount__V1__ExportEntitiesResponse head = RECOUNT__V1__EXPORT_ENTITIES_RESPONSE__INIT;
    RC_TRY(rc_encode_info(request, &out->question.scope, out->with_range, stats, &head.info));
    const uint32_t count = rc_entity_list_property_count(out->entities);
    RC_NEW_ARRAY(arena, head.property_names, char *, count);
    head.n_property_names = count;
    for (uint32_t i = 0; i < count; i++)
        RC_NEW_TEXT(arena, head.property_names[i], rc_entity_list_property(out->entities, i));
    head.entity_count = rc_entity_list_count(out->entities);
    return rc_piece_add_head(piece, arena, &head.base);
}

static enum rc_status
open_entities(struct rc_request *request, struct entity_export *out, struct rc_piece *piece)
{
    struct rc_query_stats stats;
    RC_TRY(rc_entity_list_open(rc_query_session_context(request->session), &out->question, &stats,
                               &out->entities, request->error));
    RC_TRY(rc_entity_list_count_all(out->entities, &stats, request->error));
    if (request->hints != NULL)
        RC_TRY(rc_hints_check_used(request->hints, request->error));
    return write_head(request, out, &stats, piece);
}

static enum rc_status
next_entity(struct rc_request *request,
            void *state,
            struct rc_arena *arena,
            const ProtobufCMessage **ret_row)
{
    const struct entity_export *out = state;
    struct rc_entity_row row;
    Recount__V1__EntitySummary *entity;
    bool more;
    *ret_row = NULL;
    RC_TRY(rc_request_place(
        request, rc_entity_list_next(out->entities, arena, &row, &more, request->error)));
    if (!more)
        return RC_OK;
    RC_TRY(rc_encode_entity(arena, &row, &entity));
    *ret_row = &entity->base;
    return RC_OK;
}

static enum rc_status
make(struct rc_request *request, void *state, struct rc_piece *piece)
{
    struct entity_export *out = state;
    if (out->entities == NULL)
        RC_TRY(open_entities(request, out, piece));
    return rc_piece_fill(request, state, next_entity, ENTITIES_FIELD, piece);
}

static void
end(void *state)
{
    struct entity_export *out = state;
    rc_entity_list_close(out->entities);
}

static const struct rc_pieces_kind kind = {
    .name = "QueryService.ExportEntities",
    .input = &recount__v1__export_entities_request__descriptor,
    .state_bytes = sizeof(struct entity_export),
    .begin = begin,
    .make = make,
    .end = end,
};

static void
open_export(void *context, struct rc_call *call)
{
    rc_pieces_open(&kind, context, call);
}

const struct rc_stream_handler rc_entity_export_stream = RC_PIECES_HANDLER(open_export);
