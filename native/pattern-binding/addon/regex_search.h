// PCRE2 expressions over bytes, with limits on what one search may cost; nothing of JavaScript.
#pragma once

#include <pcre2.h>

#include <cstddef>
#include <cstdint>
#include <string>

namespace portcullis {

struct RegexProgram {
  pcre2_code* code = nullptr;
  uint32_t matchLimit = 0;
  uint32_t depthLimit = 0;
  int64_t timeLimit = 0;  // nanoseconds
  /// Longest subject that machine code searches. Its limits do not cover all that an expression with nested
  /// repetitions does, so the interpreter, which counts every step, takes the longer ones.
  uint32_t jitLength = 0;
  /// May be searched window by window.
  bool windows = false;
};

/// What searches of one thread use in turn.
struct RegexScratch {
  pcre2_match_context* match = nullptr;
  pcre2_match_data* data = nullptr;
};

/// @param bits the options as src/regex.ts has them
/// @param jitLength see RegexProgram; 0: no machine code
/// Returns whether it is an expression; otherwise `error` and `offset` say what is wrong, as PCRE2 does (`error` 0:
/// no memory).
bool compileRegex(const std::string& pattern, uint32_t bits, uint32_t jitLength, RegexProgram* program, int* error,
                  size_t* offset);

/// The first match at or behind `from`, as pcre2_match has it: in `scratch`, with the same results.
int searchRegex(const RegexProgram& program, const RegexScratch& scratch, const uint8_t* subject, uint32_t length,
                uint32_t from);

}  // namespace portcullis
