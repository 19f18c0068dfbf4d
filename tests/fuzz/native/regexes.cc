// Expressions: a search in windows finds what one search finds, and ends in time whatever expression and bytes are.
#define PCRE2_CODE_UNIT_WIDTH 8
#include "../../../native/pattern-binding/addon/regex_search.h"

#include <string>

#include "harness.h"

using portcullis::compileRegex;
using portcullis::RegexProgram;
using portcullis::RegexScratch;
using portcullis::searchRegex;

namespace {

constexpr uint32_t kMatchLimit = 3500;
constexpr uint32_t kDepthLimit = 1500;
constexpr uint32_t kPairs = 32;
constexpr int64_t kTimeLimit = 5 * 1000 * 1000;
constexpr size_t kRepeats = 6;

struct Scratch : RegexScratch {
  Scratch() {
    match = pcre2_match_context_create(nullptr);
    data = pcre2_match_data_create(kPairs, nullptr);
    pcre2_set_heap_limit(match, 4096);
  }
};

}  // namespace

void fuzz_input(const uint8_t* bytes, size_t size) {
  static Scratch scratch;
  struct input input = {bytes, size};
  const uint8_t bits = take8(&input);
  const uint8_t repeats = take8(&input);
  size_t length;
  const uint8_t* text = take_bytes(&input, take8(&input), &length);
  const std::string pattern(reinterpret_cast<const char*>(text), length);
  RegexProgram program;
  int error;
  size_t offset;
  if (!compileRegex(pattern, bits, 0, &program, &error, &offset)) {
    claim(error != 0 && offset <= pattern.size(), "what is wrong, and where");
    return;
  }
  program.matchLimit = kMatchLimit;
  program.depthLimit = kDepthLimit;
  program.timeLimit = kTimeLimit;
  std::string subject;
  for (size_t i = 0; i <= repeats % kRepeats; i++) subject.append(reinterpret_cast<const char*>(input.at), input.left);
  const uint8_t* at = reinterpret_cast<const uint8_t*>(subject.c_str());
  const uint32_t end = static_cast<uint32_t>(subject.size());
  const uint32_t from = end == 0 ? 0 : repeats % end;
  const int found = searchRegex(program, scratch, at, end, from);
  if (found >= 0 || found == PCRE2_ERROR_NOMATCH) {
    const PCRE2_SIZE* offsets = pcre2_get_ovector_pointer(scratch.data);
    const PCRE2_SIZE start = found >= 0 ? offsets[0] : 0;
    const PCRE2_SIZE stop = found >= 0 ? offsets[1] : 0;
    program.windows = false;
    const int whole = searchRegex(program, scratch, at, end, from);
    const bool limited = whole == PCRE2_ERROR_MATCHLIMIT || whole == PCRE2_ERROR_DEPTHLIMIT || whole == PCRE2_ERROR_HEAPLIMIT;
    claim(limited || (whole == found && (found < 0 || (offsets[0] == start && offsets[1] == stop))),
          "windows find the same");
  }
  pcre2_code_free(program.code);
}
