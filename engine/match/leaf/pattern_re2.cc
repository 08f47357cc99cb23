/*
 * Pattern, on RE2: automata only, so a search is linear whatever the expression. RE2 has no C face;
 * this file is the whole shim. Exceptions end here.
 *
 * RE2 searches with a DFA whose states it makes as texts need them, and which it forgets when they
 * pass a bound; where that happens all the time it goes through the text with the NFA, at some 25
 * ns for each instruction that is alive: three seconds for a text of 64 KiB and an expression like
 * .{0,1000}a.{0,1000}b. Whether a text does that to an expression cannot be asked, and a search
 * cannot be interrupted. So a search that could take long, from the expression's size and the
 * text's, is tried on parts of the text first, and what would take too long is given up:
 *
 *   windows     The text is cut into short pieces, and each is searched as if it were all; then
 *               again into pieces that are four times as long, up to the whole. What is slow
 *               wherever it stands says so while pieces are short, and each round foretells the
 *               next.
 *   beginnings  of the text, each some longer than the one before: for expressions that begin to
 *               remember only behind something else, of which windows say nothing. What is new in
 *               one may all be slow, so it is the shorter the larger the expression is.
 *
 * Most expressions keep their few states and pass at 1 ns a byte. What seems slow is looked at
 * again, now by the processor time of the thread: its states were new, or another thread had the
 * processor.
 *
 * Where groups lie is asked of the NFA, over what the whole expression matched; that is bounded by
 * its size and the expression's.
 *
 * The bound on memory covers the program and the states. Two thirds are for the program; an
 * expression that needs more (large nested repeats) is refused when compiling.
 */
#include "engine/match/leaf/pattern.h"

#include <re2/re2.h>
#include <time.h>

#include <algorithm>
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

/* The longest that a round of windows or a beginning may take; how much longer windows and
 * beginnings become; and the least that they hold, so that calls do not outweigh searching. */
static const int64_t part_ns_max = 1500000;
static const size_t window_growth = 4;
static const size_t window_bytes_min = 32;
static const size_t beginning_bytes_min = 16;

/* How much longer a beginning is than the one before: by at most a quarter, and by bytes that take
 * so many steps (12 ns each: half of them are alive). But by a 128th at least, or else trying the
 * beginnings of a harmless text takes longer than what they are there to prevent. */
static const size_t beginning_shares_min = 4;
static const size_t beginning_steps = 300000;
static const size_t beginning_shares_max = 128;

/* What all beginnings may take beyond a nanosecond a byte, which is that of states that are kept.
 */
static const int64_t beginnings_ns_max = 10000000;

/* Windows are shorter than so many times what a beginning grows by. */
static const size_t windows_growth_max = 8;

/* Steps of the NFA when groups are looked for: 2.2 ns each where all are alive. */
static const size_t group_steps_max = 3000000;

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
options_of(bool ignore_case)
{
    RE2::Options options;
    options.set_log_errors(false);
    options.set_case_sensitive(!ignore_case);
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
        auto pattern =
            std::make_unique<struct rc_pattern>(std::string(text, size), options_of(ignore_case));
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
        *ret_pattern = new struct rc_pattern(std::string(text, size), options_of(ignore_case));
        return RC_OK;
    } catch (const std::exception &) {
        return RC_NO_MEMORY;
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

/* Searches windows of the text, or until that took too long. */
static int64_t
search_windows(const RE2 &re2, const re2::StringPiece &text, size_t window, clockid_t clock)
{
    const int64_t begin = clock_ns(clock);
    int64_t took_ns = 0;
    for (size_t at = 0; at < text.size() && took_ns <= part_ns_max; at += window) {
        const re2::StringPiece piece = text.substr(at, window);
        (void)re2.Match(piece, 0, piece.size(), RE2::UNANCHORED, nullptr, 0);
        took_ns = clock_ns(clock) - begin;
    }
    return took_ns;
}

/* Whether short pieces of the text take too long together. */
static bool
windows_are_slow(const RE2 &re2, const re2::StringPiece &text, size_t steps)
{
    const size_t most = std::min(text.size(), windows_growth_max * beginning_steps / steps);
    size_t window = std::max(steps_unseen / steps, window_bytes_min);
    for (; window < most; window *= window_growth)
        if (search_windows(re2, text, window, CLOCK_MONOTONIC) > part_ns_max &&
            search_windows(re2, text, window, CLOCK_THREAD_CPUTIME_ID) > part_ns_max)
            return true;
    return false;
}

/* How much longer the beginning after one is. */
static size_t
beginning_growth(size_t beginning, size_t steps)
{
    const size_t bytes = std::max(beginning_steps / steps, beginning / beginning_shares_max);
    return std::max(std::min(bytes, beginning / beginning_shares_min), static_cast<size_t>(1));
}

/* Whether a beginning of the text takes too long, or all that are tried together do. */
static bool
beginnings_are_slow(const RE2 &re2, const re2::StringPiece &text, size_t steps)
{
    int64_t all_ns = 0;
    size_t beginning = std::max(steps_unseen / steps, beginning_bytes_min);
    for (; beginning < text.size(); beginning += beginning_growth(beginning, steps)) {
        const int64_t begin = clock_ns(CLOCK_THREAD_CPUTIME_ID);
        (void)re2.Match(text, 0, beginning, RE2::UNANCHORED, nullptr, 0);
        const int64_t took_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID) - begin;
        all_ns += std::max(took_ns - static_cast<int64_t>(beginning), static_cast<int64_t>(0));
        if (took_ns > part_ns_max || all_ns > beginnings_ns_max)
            return true;
    }
    return false;
}

/* match: of the whole expression; NULL: whether there is one. */
static enum rc_status
search(const RE2 &re2,
       size_t steps,
       const re2::StringPiece &text,
       re2::StringPiece *match,
       bool *ret_found)
{
    if (text.size() > steps_unseen / steps &&
        (windows_are_slow(re2, text, steps) || beginnings_are_slow(re2, text, steps)))
        return RC_TOO_SLOW;
    *ret_found = re2.Match(text, 0, text.size(), RE2::UNANCHORED, match, match == nullptr ? 0 : 1);
    return RC_OK;
}

extern "C" enum rc_status
rc_pattern_search(const struct rc_pattern *pattern, const char *text, size_t size, bool *ret_found)
{
    try {
        const RE2 &re2 = compile(pattern);
        if (!re2.ok())
            return RC_INVALID;
        return search(re2, pattern->steps.load(), re2::StringPiece(text, size), nullptr, ret_found);
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

/* The first match of a group; none where the group took no part. */
static enum rc_status
capture(const RE2 &re2,
        size_t steps,
        const re2::StringPiece &text,
        uint32_t group,
        re2::StringPiece *ret_piece)
{
    re2::StringPiece match;
    bool found = false;
    const enum rc_status status = search(re2, steps, text, &match, &found);
    *ret_piece = found ? match : re2::StringPiece();
    if (status != RC_OK || !found || group == 0)
        return status;
    if (match.size() > group_steps_max / steps)
        return RC_TOO_SLOW;
    std::vector<re2::StringPiece> groups(group + 1);
    const size_t begin = static_cast<size_t>(match.data() - text.data());
    found = re2.Match(text, begin, begin + match.size(), RE2::ANCHOR_BOTH, groups.data(),
                      static_cast<int>(groups.size()));
    *ret_piece = found ? groups[group] : re2::StringPiece();
    return RC_OK;
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
        re2::StringPiece piece;
        if (!re2.ok())
            return RC_INVALID;
        const enum rc_status status =
            capture(re2, pattern->steps.load(), re2::StringPiece(text, size), group, &piece);
        if (status != RC_OK)
            return status;
        *ret_found = piece.data() != nullptr;
        if (*ret_found) {
            *ret_begin = static_cast<size_t>(piece.data() - text);
            *ret_size = piece.size();
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
