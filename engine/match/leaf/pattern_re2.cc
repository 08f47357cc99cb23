/*
 * Pattern, on RE2: automata only, so a search is linear whatever the expression. RE2 has no C face;
 * this file is the whole shim. Exceptions end here.
 *
 * RE2 searches with a DFA whose states it makes as texts need them, and which it forgets when they
 * pass a bound; where that happens all the time it goes through the text with the NFA, at some 25
 * ns for each instruction that is alive: three seconds for a text of 64 KiB and an expression like
 * .{0,1000}a.{0,1000}b. So a search of some size is watched through RE2's hooks, which are called
 * when states are forgotten and before the NFA begins, and is left there by an exception (the DFA's
 * locks are scopes; nothing of the search is kept). Filling the bound with states takes one to two
 * ms, whatever the expression: states are as large as what they take to make.
 *
 * Whether a search is given up depends on the expression and the text alone:
 *
 *   tried    with the states that earlier searches left, and beside others that make and forget
 *            states of the same DFA. Where they are forgotten at most once meanwhile, by whomever,
 *            a DFA without any states would forget them at most once as well: it fills later, since
 *            it has no states but the text's. That is never too slow.
 *   judged   otherwise, by a DFA of its own that begins without states: it may forget them so many
 *            times, and may not come to the NFA.
 *
 * No clock is asked, so the answer is the same beside other work and on another machine.
 *
 * Where groups lie is asked of the NFA, over what the whole expression matched; that is bounded by
 * its size and the expression's.
 *
 * The bound on memory covers the program and the states. Two thirds are for the program; an
 * expression that needs more (large nested repeats) is refused when compiling.
 */
#include "engine/match/leaf/pattern.h"

#include <re2/re2.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <new>
#include <string>
#include <vector>

#include "engine/base/limits.h"

/* Holds the largest expression of RC_PATTERN_BYTES_MAX bytes without large nested repeats, */
static const int64_t memory_bytes_max = 1 << 20;

/* and twice that for those of more steps: a DFA wants room for twenty states, of 4 bytes a step and
 * more, or all is left to the NFA. */
static const int64_t memory_bytes_large = 2 << 20;
static const int steps_small = 2000;

/* Steps of a search that is not watched: 5 ms with the NFA where half of them are alive. */
static const size_t steps_unseen = 400000;

/* How often a search that begins without states may forget them: 1 to 2 ms each time. */
static const unsigned flushes_max = 3;

/* Steps of the NFA when groups are looked for: 2.2 ns each where all are alive. */
static const size_t group_steps_max = 3000000;

struct rc_pattern {
    std::string text;
    RE2::Options options;
    mutable std::mutex compiling;
    mutable std::atomic<const RE2 *> re2{nullptr}; /* Set by compile(), */
    mutable std::atomic<uint32_t> steps{0};        /* and its size beside it. */
    mutable std::atomic<uint64_t> flushes{0};      /* How often states were forgotten. */
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

static const RE2 *
build(const struct rc_pattern *pattern)
{
    auto re2 = std::make_unique<RE2>(pattern->text, pattern->options);
    if (re2->ProgramSize() > steps_small) {
        RE2::Options large = pattern->options;
        large.set_max_mem(memory_bytes_large);
        re2 = std::make_unique<RE2>(pattern->text, large);
    }
    return re2.release();
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
        re2 = build(pattern);
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

/* ---- Watching -------------------------------------------------------------------------------- */

namespace
{
/* Ends a search that is watched. */
struct given_up {
};

/* A search of this thread. */
struct watch {
    std::atomic<uint64_t> &flushes; /* Of its DFA, by all threads. */
    uint64_t flushes_end;           /* It is given up beyond that. */
    watch(std::atomic<uint64_t> &counted, uint64_t most)
        : flushes(counted), flushes_end(counted.load() + most)
    {
        current = this;
    }
    watch(const watch &) = delete;
    watch &
    operator=(const watch &) = delete;
    ~watch()
    {
        current = nullptr;
    }
    static thread_local const watch *current;
};
thread_local const watch *watch::current = nullptr;

void
on_flush(const re2::hooks::DFAStateCacheReset &)
{
    const watch *watched = watch::current;
    if (watched != nullptr && ++watched->flushes > watched->flushes_end)
        throw given_up();
}

void
on_failure(const re2::hooks::DFASearchFailure &)
{
    if (watch::current != nullptr)
        throw given_up();
}

/* Before the first search that is watched. */
void
set_hooks()
{
    static std::once_flag once;
    std::call_once(once, [] {
        re2::hooks::SetDFAStateCacheResetHook(on_flush);
        re2::hooks::SetDFASearchFailureHook(on_failure);
    });
}
} // namespace

/* Searches while states are forgotten at most so many times; false: it was given up. match: of the
 * whole expression; NULL: whether there is one. */
static bool
search_watched(const RE2 &re2,
               std::atomic<uint64_t> &flushes,
               uint64_t most,
               const re2::StringPiece &text,
               re2::StringPiece *match,
               bool *ret_found)
{
    const watch watched(flushes, most);
    try {
        *ret_found =
            re2.Match(text, 0, text.size(), RE2::UNANCHORED, match, match == nullptr ? 0 : 1);
    } catch (const given_up &) {
        return false;
    }
    return flushes.load() <= watched.flushes_end;
}

/* Searches with a DFA that has no states. */
static enum rc_status
judge(const struct rc_pattern *pattern,
      const re2::StringPiece &text,
      re2::StringPiece *match,
      bool *ret_found)
{
    const std::unique_ptr<const RE2> re2(build(pattern));
    std::atomic<uint64_t> flushes{0};
    return search_watched(*re2, flushes, flushes_max, text, match, ret_found) ? RC_OK : RC_TOO_SLOW;
}

static enum rc_status
search(const struct rc_pattern *pattern,
       const re2::StringPiece &text,
       re2::StringPiece *match,
       bool *ret_found)
{
    const RE2 &re2 = compile(pattern);
    if (!re2.ok())
        return RC_INVALID;
    if (text.size() > steps_unseen / pattern->steps.load()) {
        set_hooks();
        if (!search_watched(re2, pattern->flushes, 1, text, match, ret_found))
            return judge(pattern, text, match, ret_found);
        return RC_OK;
    }
    *ret_found = re2.Match(text, 0, text.size(), RE2::UNANCHORED, match, match == nullptr ? 0 : 1);
    return RC_OK;
}

extern "C" enum rc_status
rc_pattern_search(const struct rc_pattern *pattern, const char *text, size_t size, bool *ret_found)
{
    try {
        return search(pattern, re2::StringPiece(text, size), nullptr, ret_found);
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
capture(const struct rc_pattern *pattern,
        const re2::StringPiece &text,
        uint32_t group,
        re2::StringPiece *ret_piece)
{
    re2::StringPiece match;
    bool found = false;
    const enum rc_status status = search(pattern, text, &match, &found);
    *ret_piece = found ? match : re2::StringPiece();
    if (status != RC_OK || !found || group == 0)
        return status;
    if (match.size() > group_steps_max / pattern->steps.load())
        return RC_TOO_SLOW;
    std::vector<re2::StringPiece> groups(group + 1);
    const size_t begin = static_cast<size_t>(match.data() - text.data());
    found = compile(pattern).Match(text, begin, begin + match.size(), RE2::ANCHOR_BOTH,
                                   groups.data(), static_cast<int>(groups.size()));
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
        re2::StringPiece piece;
        const enum rc_status status = capture(pattern, re2::StringPiece(text, size), group, &piece);
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
