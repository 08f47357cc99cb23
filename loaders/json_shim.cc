/*
 * simdjson's DOM chooses its instruction set at run time in Debian's build (on-demand would choose
 * it when this file is compiled), and was not slower. No exception leaves this file.
 */
#include "loaders/json_shim.h"

#include <new>
#include <string>
#include <string_view>

#include <simdjson.h>

using simdjson::dom::element;
using simdjson::dom::element_type;

struct rc_json_shim {
    simdjson::dom::parser parser;
    std::string roots[2];
    std::string path; /* Of the nested member under way, with dots. */
    const char *failure = nullptr;
};

namespace
{

const char too_deep[] = "an object is nested deeper than 32 levels";
const char no_memory[] = "";

/* A new item at the end; nullptr when memory was refused. */
inline rc_json_item *
add(rc_json_items *items, std::string_view name, uint32_t root, rc_json_type type)
{
    if (items->count == items->capacity && !rc_json_grow(items))
        return nullptr;
    rc_json_item *item = &items->items[items->count++];
    item->name = name.data();
    item->name_size = name.size();
    item->root = root;
    item->type = type;
    item->column = UINT32_MAX;
    item->entry = nullptr;
    return item;
}

bool
walk_nested(rc_json_shim *shim,
            simdjson::dom::object object,
            uint32_t root,
            int depth,
            rc_json_items *items);

bool
add_list(simdjson::dom::array array, std::string_view name, uint32_t root, rc_json_items *items)
{
    rc_json_item *item = add(items, name, root, RC_JSON_LIST);
    if (item == nullptr)
        return false;
    item->list_begin = items->list_item_count;
    item->list_count = 0;
    for (const element value : array) {
        if (value.type() != element_type::STRING) {
            item->type = RC_JSON_BAD_LIST;
            return true;
        }
        const std::string_view text = value.get_string().value_unsafe();
        if (!rc_json_list_item(items, text.data(), text.size()))
            return false;
        item->list_count++;
    }
    if (item->list_count == 0)
        item->type = RC_JSON_NULL;
    return true;
}

/* Everything but objects. */
inline bool
add_value(const element value, std::string_view name, uint32_t root, rc_json_items *items)
{
    rc_json_item *item;
    switch (value.type()) {
    case element_type::STRING: {
        const std::string_view text = value.get_string().value_unsafe();
        item = add(items, name, root, RC_JSON_TEXT);
        if (item == nullptr)
            return false;
        item->text = text.data();
        item->text_size = text.size();
        return true;
    }
    case element_type::INT64:
        item = add(items, name, root, RC_JSON_INT);
        if (item != nullptr)
            item->integer = value.get_int64().value_unsafe();
        return item != nullptr;
    case element_type::UINT64:
        item = add(items, name, root, RC_JSON_UNSIGNED);
        if (item != nullptr)
            item->whole = value.get_uint64().value_unsafe();
        return item != nullptr;
    case element_type::DOUBLE:
        item = add(items, name, root, RC_JSON_DOUBLE);
        if (item != nullptr)
            item->number = value.get_double().value_unsafe();
        return item != nullptr;
    case element_type::BOOL:
        return add(items, name, root,
                   value.get_bool().value_unsafe() ? RC_JSON_TRUE : RC_JSON_FALSE) != nullptr;
    case element_type::ARRAY:
        return add_list(value.get_array().value_unsafe(), name, root, items);
    case element_type::NULL_VALUE:
    case element_type::OBJECT:
        break;
    }
    return add(items, name, root, RC_JSON_NULL) != nullptr;
}

/* Members of an object below the record or a root: their names are path.key. */
bool
walk_nested(rc_json_shim *shim,
            simdjson::dom::object object,
            uint32_t root,
            int depth,
            rc_json_items *items)
{
    if (depth > RC_JSON_DEPTH_MAX) {
        shim->failure = too_deep;
        return false;
    }
    const size_t before = shim->path.size();
    for (const simdjson::dom::key_value_pair member : object) {
        shim->path.push_back('.');
        shim->path.append(member.key);
        if (member.value.type() == element_type::OBJECT) {
            if (!walk_nested(shim, member.value.get_object().value_unsafe(), root, depth + 1,
                             items))
                return false;
        } else {
            const size_t size = shim->path.size();
            const char *name = rc_json_name_copy(items, shim->path.data(), size);
            if (name == nullptr || !add_value(member.value, {name, size}, root, items))
                return false;
        }
        shim->path.resize(before);
    }
    return true;
}

bool
walk_root(rc_json_shim *shim, simdjson::dom::object object, uint32_t root, rc_json_items *items);

/* A member of the record or of a root that is an object. */
bool
add_object(rc_json_shim *shim,
           const simdjson::dom::key_value_pair &member,
           uint32_t root,
           rc_json_items *items)
{
    const simdjson::dom::object object = member.value.get_object().value_unsafe();
    if (root == 0) {
        const uint32_t inner = member.key == shim->roots[0]   ? 1
                               : member.key == shim->roots[1] ? 2
                                                              : 0;
        /* Without members it is nothing, but its name may be one that the mapping refuses. */
        const bool empty = object.begin() == object.end();
        if ((inner != 0 || empty) && add(items, member.key, 0, RC_JSON_ROOT) == nullptr)
            return false;
        if (inner != 0)
            return walk_root(shim, object, inner, items);
    }
    shim->path.assign(member.key);
    return walk_nested(shim, object, root, 1, items);
}

/* Members of the record or of a root: their names are their keys. */
bool
walk_root(rc_json_shim *shim, simdjson::dom::object object, uint32_t root, rc_json_items *items)
{
    for (const simdjson::dom::key_value_pair member : object) {
        const bool good = member.value.type() == element_type::OBJECT
                              ? add_object(shim, member, root, items)
                              : add_value(member.value, member.key, root, items);
        if (!good)
            return false;
    }
    return true;
}

} // namespace

extern "C" rc_json_shim *
rc_json_shim_new(const char *const root_names[2])
{
    try {
        rc_json_shim *shim = new rc_json_shim;
        shim->roots[0] = root_names[0];
        shim->roots[1] = root_names[1];
        return shim;
    } catch (const std::bad_alloc &) {
        return nullptr;
    }
}

extern "C" rc_json_shim *
rc_json_shim_free(rc_json_shim *shim)
{
    delete shim;
    return nullptr;
}

extern "C" const char *
rc_json_shim_parse(rc_json_shim *shim, const char *text, size_t size, rc_json_items *items)
{
    try {
        element document;
        const simdjson::error_code error = shim->parser.parse(text, size, false).get(document);
        if (error == simdjson::MEMALLOC)
            return no_memory;
        if (error != simdjson::SUCCESS)
            return simdjson::error_message(error);
        if (document.type() != element_type::OBJECT)
            return "the line is not a JSON object";
        shim->failure = nullptr;
        if (walk_root(shim, document.get_object().value_unsafe(), 0, items))
            return nullptr;
        return shim->failure != nullptr ? shim->failure : no_memory;
    } catch (const std::bad_alloc &) {
        return no_memory;
    }
}
