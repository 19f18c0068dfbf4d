#include "regex_search.h"

#include <time.h>

#include <algorithm>

namespace portcullis {

namespace {

// Bits that src/regex.ts puts into the options.
constexpr uint32_t kCaseless = 1;
constexpr uint32_t kMultiline = 2;
constexpr uint32_t kDotAll = 4;
constexpr uint32_t kExtended = 8;
constexpr uint32_t kAnchored = 16;
constexpr uint32_t kDollarEndOnly = 32;
constexpr uint32_t kUngreedy = 64;

constexpr uint32_t kMaxPatternLength = 64 * 1024;

/// PCRE2 counts its match limit afresh at every start position, so a search that stays below it may still be
/// quadratic in the subject (a second and more for 64 KiB). A longer search is therefore done in windows of
/// start positions, and the time is looked at between them. They grow from one position to this many, as long
/// as one takes but a small part of the time limit.
constexpr uint32_t kWindow = 256;

int64_t nanoseconds(clockid_t clock) {
  timespec now;
  clock_gettime(clock, &now);
  return static_cast<int64_t>(now.tv_sec) * 1000000000 + now.tv_nsec;
}

uint32_t compileOptions(uint32_t bits) {
  // Never UTF: subjects are bytes, and a pattern must not be able to ask for anything else.
  uint32_t options = PCRE2_USE_OFFSET_LIMIT | PCRE2_NEVER_UTF | PCRE2_NEVER_UCP;
  if (bits & kCaseless) options |= PCRE2_CASELESS;
  if (bits & kMultiline) options |= PCRE2_MULTILINE;
  if (bits & kDotAll) options |= PCRE2_DOTALL;
  if (bits & kExtended) options |= PCRE2_EXTENDED;
  if (bits & kAnchored) options |= PCRE2_ANCHORED;
  if (bits & kDollarEndOnly) options |= PCRE2_DOLLAR_ENDONLY;
  if (bits & kUngreedy) options |= PCRE2_UNGREEDY;
  return options;
}

/// Whether a search that goes on at a later start position finds what one search finds: not with \G, which
/// means the position that the search began at, nor with verbs such as (*COMMIT), which end the whole search.
/// An anchored expression has one start position only.
bool windowed(const pcre2_code* code, const std::string& pattern) {
  uint32_t options = 0;
  pcre2_pattern_info(code, PCRE2_INFO_ALLOPTIONS, &options);
  return (options & PCRE2_ANCHORED) == 0 && pattern.find("\\G") == std::string::npos &&
         pattern.find("(*") == std::string::npos;
}

int search(const RegexProgram& program, const RegexScratch& scratch, const uint8_t* subject, uint32_t length,
           uint32_t from) {
  return program.jitLength > 0 && length <= program.jitLength
             ? pcre2_jit_match(program.code, subject, length, from, 0, scratch.data, scratch.match)
             : pcre2_match(program.code, subject, length, from, PCRE2_NO_JIT, scratch.data, scratch.match);
}

int searchInWindows(const RegexProgram& program, const RegexScratch& scratch, const uint8_t* subject, uint32_t length,
                    uint32_t from) {
  const int64_t cpuStart = nanoseconds(CLOCK_THREAD_CPUTIME_ID);
  int64_t deadline = nanoseconds(CLOCK_MONOTONIC) + program.timeLimit;
  int64_t before = deadline - program.timeLimit;
  uint32_t window = 1;
  while (length - from > window) {
    pcre2_set_offset_limit(scratch.match, from + window - 1);
    const int result = search(program, scratch, subject, length, from);
    if (result != PCRE2_ERROR_NOMATCH) return result;
    from += window;
    const int64_t now = nanoseconds(CLOCK_MONOTONIC);
    if (now >= deadline) {
      // The cheap clock also counts time in which this thread did not run.
      const int64_t used = nanoseconds(CLOCK_THREAD_CPUTIME_ID) - cpuStart;
      if (used >= program.timeLimit) return PCRE2_ERROR_MATCHLIMIT;
      deadline = now + program.timeLimit - used;
    }
    window = now - before < program.timeLimit / 16 ? std::min(4 * window, kWindow) : std::max(window / 4, 1u);
    before = now;
  }
  pcre2_set_offset_limit(scratch.match, PCRE2_UNSET);
  return search(program, scratch, subject, length, from);
}

}  // namespace

bool compileRegex(const std::string& pattern, uint32_t bits, uint32_t jitLength, RegexProgram* program, int* error,
                  size_t* offset) {
  *error = 0;
  *offset = 0;
  pcre2_compile_context* context = pcre2_compile_context_create(nullptr);
  if (context == nullptr) return false;
  pcre2_set_max_pattern_length(context, kMaxPatternLength);
  pcre2_set_newline(context, PCRE2_NEWLINE_LF);
  program->code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.c_str()), pattern.size(), compileOptions(bits),
                                error, offset, context);
  pcre2_compile_context_free(context);
  if (program->code == nullptr) return false;
  program->windows = windowed(program->code, pattern);
  // Without JIT support, or for the few constructs it cannot compile, the interpreter does the work.
  size_t jitSize = 0;
  if (jitLength > 0) pcre2_jit_compile(program->code, PCRE2_JIT_COMPLETE);
  pcre2_pattern_info(program->code, PCRE2_INFO_JITSIZE, &jitSize);
  program->jitLength = jitSize > 0 ? jitLength : 0;
  return true;
}

int searchRegex(const RegexProgram& program, const RegexScratch& scratch, const uint8_t* subject, uint32_t length,
                uint32_t from) {
  pcre2_set_match_limit(scratch.match, program.matchLimit);
  pcre2_set_depth_limit(scratch.match, program.depthLimit);
  if (program.windows && length - from > kWindow) return searchInWindows(program, scratch, subject, length, from);
  pcre2_set_offset_limit(scratch.match, PCRE2_UNSET);
  return search(program, scratch, subject, length, from);
}

}  // namespace portcullis
