/*
 * Pattern, on RE2: automata only, so a search is linear whatever the expression. RE2 has no C face;
 * this file is the whole shim. Exceptions end here.
 *
 * RE2 searches with a DFA whose states it makes as texts need them, and which it forgets when they
 * pass a bound; where that happens all the time it goes through the text with the NFA, at some 25
 * ns for each instruction that is alive: three seconds for a text of 64 KiB and an expression like
 * .{0,1000}a.{0,1000}b. Whether a text does that to an expression cannot be asked, and a search
 * cannot be interrupted. So a search that could take long, from the expression's size and the
 * text's, goes through beginnings of the text, each some longer than the one before, and from the
 * time of one foretells the next; what would take too long is given up. Most expressions keep their
 * few states and pass at 1 ns a byte. A beginning that seems slow is looked at again, now by the
 * processor time of the thread: its states were new, or another thread had the processor.
 *
 * The bound on memory covers the program and the states. Two thirds are for the program; an
 * expression that needs more (large nested repeats) is refused when compiling.
 */
#include "engine/match/leaf/pattern.h"

#include <re2/re2.h>
#include <time.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <new>
#include <string>
#include <vector>

#include "engine/base/limits.h"

/* Holds the largest expression of RC_PATTERN_BYTES_MAX bytes without large nested repeats. */
static const int64_t memory_bytes_max = 1 << 20;

/* Steps of a search that needs no look at the clock: 1.3 ms if nothing is kept. */
static const size_t steps_unseen = 50000;

/* The longest search that is begun, as foretold, and how much longer each beginning is. */
static const int64_t search_ns_max = 2000000;
static const size_t growth_percent = 125;
static const size_t beginning_bytes_min = 16;

struct rc_pattern {
    std::string text;
    RE2::Options options;
    mutable std::mutex compiling;
    mutable std::atomic<const RE2 *> re2{nullptr}; /* Set by compile(), */
    mutable std::atomic<uint32_t> steps{0};        /* and its size beside it. */
    rc_pattern(const std::string &source, const RE2::Options &how) : text(source), options(how)
    {
    }
    rc_pattern(const rc_pattern &) = delete;
    rc_pattern &
    operator=(const rc_pattern &) = delete;
    ~rc_pattern()
    {
        delete re2.load();
    }
};

static RE2::Options
options_of(bool ignore_case, bool dot_takes_newline)
{
    RE2::Options options;
    options.set_log_errors(false);
    options.set_case_sensitive(!ignore_case);
    options.set_dot_nl(dot_takes_newline);
    options.set_max_mem(memory_bytes_max);
    return options;
}

/* The expression, compiled by whoever asks first. */
static const RE2 &
compile(const struct rc_pattern *pattern)
{
    const RE2 *re2 = pattern->re2.load(std::memory_order_acquire);
    if (re2 != nullptr)
        return *re2;
    const std::lock_guard<std::mutex> lock(pattern->compiling);
    re2 = pattern->re2.load(std::memory_order_relaxed);
    if (re2 == nullptr) {
        re2 = new RE2(pattern->text, pattern->options);
        const int size = re2->ProgramSize();
        pattern->steps.store(size > 0 ? static_cast<uint32_t>(size) : 1);
        pattern->re2.store(re2, std::memory_order_release);
    }
    return *re2;
}

static enum rc_status
no_memory(struct rc_error *reterr_error)
{
    return rc_error_set(reterr_error, RC_NO_MEMORY, "%s", rc_status_sentence(RC_NO_MEMORY));
}

extern "C" enum rc_status
rc_pattern_new(const char *text,
               size_t size,
               bool ignore_case,
               struct rc_pattern **ret_pattern,
               struct rc_error *reterr_error)
{
    try {
        auto pattern = std::make_unique<struct rc_pattern>(std::string(text, size),
                                                           options_of(ignore_case, false));
        const RE2 &re2 = compile(pattern.get());
        if (!re2.ok() && re2.error_code() == RE2::ErrorPatternTooLarge)
            return rc_error_set(reterr_error, RC_INVALID,
                                "the expression is too large: its repeats make more than %u steps "
                                "for a character",
                                RC_PATTERN_STEPS_MAX);
        if (!re2.ok())
            return rc_error_set(reterr_error, RC_INVALID, "the expression does not compile: %.200s",
                                re2.error().c_str());
        if (re2.ProgramSize() > static_cast<int>(RC_PATTERN_STEPS_MAX))
            return rc_error_set(
                reterr_error, RC_INVALID,
                "the expression is too large: its repeats and classes make %d steps "
                "for a character, more than %u",
                re2.ProgramSize(), RC_PATTERN_STEPS_MAX);
        *ret_pattern = pattern.release();
        return RC_OK;
    } catch (const std::exception &) {
        return no_memory(reterr_error);
    }
}

extern "C" enum rc_status
rc_pattern_new_later(const char *text,
                     size_t size,
                     bool ignore_case,
                     struct rc_pattern **ret_pattern)
{
    try {
        *ret_pattern =
            new struct rc_pattern(std::string(text, size), options_of(ignore_case, false));
        return RC_OK;
    } catch (const std::exception &) {
        return RC_NO_MEMORY;
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
        *ret_pattern = new struct rc_pattern(regex_of_like(text, size), options_of(false, true));
        return RC_OK;
    } catch (const std::exception &) {
        return no_memory(reterr_error);
    }
}

extern "C" struct rc_pattern *
rc_pattern_free(struct rc_pattern *pattern)
{
    delete pattern;
    return nullptr;
}

extern "C" bool
rc_pattern_is_compiled(const struct rc_pattern *pattern)
{
    return pattern->re2.load(std::memory_order_acquire) != nullptr;
}

extern "C" void
rc_pattern_rest(struct rc_pattern *pattern)
{
    delete pattern->re2.exchange(nullptr);
}

extern "C" uint32_t
rc_pattern_steps(const struct rc_pattern *pattern)
{
    try {
        (void)compile(pattern);
        return pattern->steps.load();
    } catch (const std::exception &) {
        return 1;
    }
}

static int64_t
clock_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return static_cast<int64_t>(now.tv_sec) * 1000000000 + now.tv_nsec;
}

/* What is looked for: whether there is a match, or where its groups are. */
struct wanted {
    re2::StringPiece *groups; /* NULL: only whether. */
    int group_count;
};

/* Searches the first size bytes and says how long that took. */
static bool
search_timed(const RE2 &re2,
             const re2::StringPiece &text,
             size_t size,
             const struct wanted &wanted,
             clockid_t clock,
             int64_t *ret_ns)
{
    const int64_t begin = clock_ns(clock);
    const bool found = re2.Match(text, 0, size, RE2::UNANCHORED, wanted.groups, wanted.group_count);
    *ret_ns = clock_ns(clock) - begin;
    return found;
}

static enum rc_status
search(const RE2 &re2,
       size_t steps,
       const re2::StringPiece &text,
       const struct wanted &wanted,
       bool *ret_found)
{
    if (text.size() <= steps_unseen / steps) {
        *ret_found =
            re2.Match(text, 0, text.size(), RE2::UNANCHORED, wanted.groups, wanted.group_count);
        return RC_OK;
    }
    size_t size = steps_unseen / steps;
    if (size < beginning_bytes_min)
        size = beginning_bytes_min;
    for (;;) {
        int64_t took_ns;
        const bool is_whole = size >= text.size();
        const bool found = search_timed(re2, text, is_whole ? text.size() : size, wanted,
                                        CLOCK_MONOTONIC, &took_ns);
        if (is_whole) {
            *ret_found = found;
            return RC_OK;
        }
        const int64_t took_ns_max = search_ns_max * 100 / static_cast<int64_t>(growth_percent);
        if (took_ns > took_ns_max)
            (void)search_timed(re2, text, size, wanted, CLOCK_THREAD_CPUTIME_ID, &took_ns);
        if (took_ns > took_ns_max)
            return RC_TOO_SLOW;
        size = size * growth_percent / 100;
    }
}

extern "C" enum rc_status
rc_pattern_search(const struct rc_pattern *pattern, const char *text, size_t size, bool *ret_found)
{
    try {
        const RE2 &re2 = compile(pattern);
        if (!re2.ok())
            return RC_INVALID;
        return search(re2, pattern->steps.load(), re2::StringPiece(text, size), {nullptr, 0},
                      ret_found);
    } catch (const std::exception &) {
        return RC_NO_MEMORY;
    }
}

extern "C" uint32_t
rc_pattern_group_count(const struct rc_pattern *pattern)
{
    try {
        const int count = compile(pattern).NumberOfCapturingGroups();
        return count > 0 ? static_cast<uint32_t>(count) : 0;
    } catch (const std::exception &) {
        return 0;
    }
}

extern "C" enum rc_status
rc_pattern_capture(const struct rc_pattern *pattern,
                   const char *text,
                   size_t size,
                   uint32_t group,
                   bool *ret_found,
                   size_t *ret_begin,
                   size_t *ret_size)
{
    try {
        const RE2 &re2 = compile(pattern);
        std::vector<re2::StringPiece> groups(group + 1);
        bool found = false;
        if (!re2.ok())
            return RC_INVALID;
        const enum rc_status status =
            search(re2, pattern->steps.load(), re2::StringPiece(text, size),
                   {groups.data(), static_cast<int>(groups.size())}, &found);
        if (status != RC_OK)
            return status;
        *ret_found = found && groups[group].data() != nullptr;
        if (*ret_found) {
            *ret_begin = static_cast<size_t>(groups[group].data() - text);
            *ret_size = groups[group].size();
        }
        return RC_OK;
    } catch (const std::exception &) {
        return RC_NO_MEMORY;
    }
}

extern "C" uint64_t
rc_pattern_memory_bytes(const struct rc_pattern *pattern)
{
    /* Of 858 expressions on element chains: 50 bytes a step for the object, its parse tree and
     * instructions, and 2 to 8 KiB of states, by the number of texts. */
    uint64_t bytes = sizeof(*pattern) + pattern->text.capacity();
    if (rc_pattern_is_compiled(pattern))
        bytes += 8 * 1024 + static_cast<uint64_t>(pattern->steps.load()) * 50;
    return bytes;
}
