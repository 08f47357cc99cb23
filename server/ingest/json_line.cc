/*
 * JSON line, over simdjson's DOM: it chooses its code at run time, while the on-demand interface
 * would be bound to what this file is compiled for. Exceptions end here.
 */
#include "server/ingest/json_line.h"

#include <new>
#include <simdjson.h>

static_assert(simdjson::SIMDJSON_PADDING <= RC_JSON_PADDING_BYTES, "lines need this padding");

struct rc_json_parser {
    simdjson::dom::parser parser;
};

namespace
{

struct walk {
    int (*on_event)(void *context, const rc_json_event *event);
    void *context;
};

int
walk_element(const walk &walk, std::string_view key, const simdjson::dom::element &element);

int
walk_end(const walk &walk)
{
    rc_json_event event = {};
    event.kind = RC_JSON_END;
    return walk.on_event(walk.context, &event);
}

int
walk_members(const walk &walk, const simdjson::dom::object &object)
{
    for (const auto member : object)
        if (const int stop = walk_element(walk, member.key, member.value))
            return stop;
    return 0;
}

int
walk_elements(const walk &walk, const simdjson::dom::array &array)
{
    for (const auto element : array)
        if (const int stop = walk_element(walk, std::string_view(), element))
            return stop;
    return 0;
}

/* Fills an event from a scalar; what is no scalar begins a list of its own. */
rc_json_event
event_of(std::string_view key, const simdjson::dom::element &element)
{
    rc_json_event event = {};
    event.key = key.data();
    event.key_bytes = key.size();
    switch (element.type()) {
    case simdjson::dom::element_type::ARRAY:
        event.kind = RC_JSON_ARRAY;
        break;
    case simdjson::dom::element_type::OBJECT:
        event.kind = RC_JSON_OBJECT;
        break;
    case simdjson::dom::element_type::INT64:
        event.kind = RC_JSON_INT;
        event.integer = element.get_int64().value_unsafe();
        break;
    case simdjson::dom::element_type::UINT64:
        event.kind = RC_JSON_BIG;
        event.integer = static_cast<int64_t>(element.get_uint64().value_unsafe());
        break;
    case simdjson::dom::element_type::DOUBLE:
        event.kind = RC_JSON_DOUBLE;
        event.real = element.get_double().value_unsafe();
        break;
    case simdjson::dom::element_type::STRING: {
        const std::string_view text = element.get_string().value_unsafe();
        event.kind = RC_JSON_TEXT;
        event.text = text.data();
        event.text_bytes = text.size();
        break;
    }
    case simdjson::dom::element_type::BOOL:
        event.kind = RC_JSON_BOOL;
        event.integer = element.get_bool().value_unsafe() ? 1 : 0;
        break;
    case simdjson::dom::element_type::NULL_VALUE:
        event.kind = RC_JSON_NULL;
        break;
    }
    return event;
}

int
walk_element(const walk &walk, std::string_view key, const simdjson::dom::element &element)
{
    const rc_json_event event = event_of(key, element);
    if (const int stop = walk.on_event(walk.context, &event))
        return stop;
    int stop = 0;
    if (event.kind == RC_JSON_OBJECT)
        stop = walk_members(walk, element.get_object().value_unsafe());
    else if (event.kind == RC_JSON_ARRAY)
        stop = walk_elements(walk, element.get_array().value_unsafe());
    else
        return 0;
    return stop != 0 ? stop : walk_end(walk);
}

rc_json_result
result_of(simdjson::error_code error)
{
    switch (error) {
    case simdjson::SUCCESS:
        return RC_JSON_OK;
    case simdjson::UTF8_ERROR:
        return RC_JSON_ENCODING;
    case simdjson::NUMBER_ERROR:
        return RC_JSON_NUMBER;
    case simdjson::DEPTH_ERROR:
        return RC_JSON_DEPTH;
    case simdjson::MEMALLOC:
        return RC_JSON_NO_MEMORY;
    default:
        return RC_JSON_SYNTAX;
    }
}

} // namespace

struct rc_json_parser *
rc_json_parser_new(void)
{
    return new (std::nothrow) rc_json_parser;
}

struct rc_json_parser *
rc_json_parser_free(struct rc_json_parser *parser)
{
    delete parser;
    return nullptr;
}

enum rc_json_result
rc_json_parse(struct rc_json_parser *parser,
              const char *line,
              size_t line_bytes,
              int (*on_event)(void *context, const struct rc_json_event *event),
              void *context)
{
    simdjson::dom::element root;
    const simdjson::error_code error = parser->parser.parse(line, line_bytes, false).get(root);
    if (error != simdjson::SUCCESS)
        return result_of(error);
    simdjson::dom::object object;
    if (root.get_object().get(object) != simdjson::SUCCESS)
        return RC_JSON_NO_OBJECT;
    const walk walk = {on_event, context};
    return walk_members(walk, object) != 0 ? RC_JSON_STOPPED : RC_JSON_OK;
}
