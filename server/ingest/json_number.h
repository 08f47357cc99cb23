/*
 * Which number of a line of JSON is out of range: the parser only says that there is one.
 *
 * Threading: pure functions.
 */
#ifndef RC_SERVER_INGEST_JSON_NUMBER_H
#define RC_SERVER_INGEST_JSON_NUMBER_H

#include <stddef.h>

/* Writes the field of the first number that is malformed or out of range: its name among the line's
 * own fields, flattened inside "properties" and "set". Returns its size; 0: not found, or longer
 * than capacity. The line need not be valid JSON. */
size_t
rc_json_find_number(const char *line, size_t line_bytes, char *name, size_t capacity);

#endif
