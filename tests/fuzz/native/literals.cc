// The search for a literal against a slow twin. The bytes end where the sanitizer sees a read beyond.
#include "../../../native/pattern-binding/addon/literal_search.h"

#include <string>

#include "harness.h"

namespace {

constexpr size_t kLongest = 40;

uint8_t lower(uint8_t byte) { return byte >= 'A' && byte <= 'Z' ? static_cast<uint8_t>(byte + 0x20) : byte; }

int64_t slowSearch(const uint8_t* bytes, size_t length, const std::string& literal, bool caseless) {
  for (size_t at = 0; at + literal.size() <= length; at++) {
    size_t same = 0;
    while (same < literal.size() &&
           (caseless ? lower(bytes[at + same]) : bytes[at + same]) == static_cast<uint8_t>(literal[same]))
      same++;
    if (same == literal.size()) return static_cast<int64_t>(at);
  }
  return -1;
}

}  // namespace

void fuzz_input(const uint8_t* bytes, size_t size) {
  struct input input = {bytes, size};
  const uint8_t flags = take8(&input);
  const bool caseless = (flags & 1) != 0;
  const uint8_t longer = take8(&input), later = take8(&input);
  if (input.left == 0) return;
  // Out of what is searched, so that it is often there.
  const size_t length = 1 + longer % (input.left < kLongest ? input.left : kLongest);
  const size_t from = later % (input.left - length + 1);
  std::string literal(reinterpret_cast<const char*>(input.at + from), length);
  if ((flags & 6) == 6) literal.back() ^= 1;
  if (caseless)
    for (char& byte : literal) byte = static_cast<char>(lower(static_cast<uint8_t>(byte)));
  const int64_t found = portcullis::searchLiteral(input.at, input.left, reinterpret_cast<const uint8_t*>(literal.data()),
                                                  literal.size(), caseless);
  claim(found == slowSearch(input.at, input.left, literal, caseless), "the first place is found");
}
