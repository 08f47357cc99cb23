/*
 * Pattern, on RE2: automata only, so a search is linear whatever the expression. RE2 has no C face;
 * this file is the whole shim. Exceptions end here.
 *
 * The memory bound covers the program and the states that a search caches. Two thirds are for the
 * program; an expression that needs more (large nested repeats) is refused when compiling.
 */
#include "engine/match/pattern.h"

#include <re2/re2.h>

#include <new>
#include <string>

/* Holds the largest expression of RC_PATTERN_BYTES_MAX bytes without large nested repeats. */
static const int64_t memory_bytes_max = 1 << 20;

struct rc_pattern {
    RE2 re2;
    rc_pattern(const re2::StringPiece &text, const RE2::Options &options) : re2(text, options)
    {
    }
};

static enum rc_status
compile(const re2::StringPiece &text,
        bool ignore_case,
        bool dot_takes_newline,
        struct rc_pattern **ret_pattern,
        struct rc_error *reterr_error)
{
    RE2::Options options;
    options.set_log_errors(false);
    options.set_never_capture(true);
    options.set_case_sensitive(!ignore_case);
    options.set_dot_nl(dot_takes_newline);
    options.set_max_mem(memory_bytes_max);
    struct rc_pattern *pattern = new struct rc_pattern(text, options);
    if (!pattern->re2.ok()) {
        rc_error_set(reterr_error, RC_INVALID, "the expression does not compile: %.200s",
                     pattern->re2.error().c_str());
        delete pattern;
        return RC_INVALID;
    }
    *ret_pattern = pattern;
    return RC_OK;
}

extern "C" enum rc_status
rc_pattern_new(const char *text,
               size_t size,
               bool ignore_case,
               struct rc_pattern **ret_pattern,
               struct rc_error *reterr_error)
{
    try {
        return compile(re2::StringPiece(text, size), ignore_case, false, ret_pattern, reterr_error);
    } catch (const std::exception &) {
        return rc_error_set(reterr_error, RC_NO_MEMORY, "%s", rc_status_sentence(RC_NO_MEMORY));
    }
}

static std::string
regex_of_like(const char *text, size_t size)
{
    std::string out = "\\A";
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '%') {
            out += ".*";
        } else if (text[i] == '_') {
            out += '.';
        } else {
            if (text[i] == '\\' && i + 1 < size)
                i++;
            if (static_cast<unsigned char>(text[i]) >= 0x80)
                out += text[i];
            else
                out += RE2::QuoteMeta(re2::StringPiece(text + i, 1));
        }
    }
    return out + "\\z";
}

extern "C" enum rc_status
rc_pattern_new_like(const char *text,
                    size_t size,
                    struct rc_pattern **ret_pattern,
                    struct rc_error *reterr_error)
{
    try {
        return compile(regex_of_like(text, size), false, true, ret_pattern, reterr_error);
    } catch (const std::exception &) {
        return rc_error_set(reterr_error, RC_NO_MEMORY, "%s", rc_status_sentence(RC_NO_MEMORY));
    }
}

extern "C" struct rc_pattern *
rc_pattern_free(struct rc_pattern *pattern)
{
    delete pattern;
    return nullptr;
}

extern "C" bool
rc_pattern_found(const struct rc_pattern *pattern, const char *text, size_t size)
{
    const re2::StringPiece piece(text, size);
    return pattern->re2.Match(piece, 0, size, RE2::UNANCHORED, nullptr, 0);
}

extern "C" uint64_t
rc_pattern_memory_bytes(const struct rc_pattern *pattern)
{
    /* The object, its parse tree and instructions, and a typical share of cached states. */
    return 16 * 1024 + static_cast<uint64_t>(pattern->re2.ProgramSize()) * 64;
}
