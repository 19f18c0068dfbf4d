#include "byte_patterns.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace portcullis {

namespace {

/// Up to so many different bytes are looked for one by one, by memchr; more in one pass over the buffer.
constexpr size_t kOneByOne = 8;

}  // namespace

BytePatterns::BytePatterns(std::vector<BytePattern> patterns) : list_(std::move(patterns)) {
  std::sort(list_.begin(), list_.end(), [](const BytePattern& a, const BytePattern& b) { return a.id < b.id; });
  bool used[256] = {};
  for (const BytePattern& pattern : list_) used[pattern.byte] = used[pattern.otherCase] = true;
  for (int byte = 0; byte < 256; byte++) {
    if (used[byte]) distinct_.push_back(static_cast<uint8_t>(byte));
  }
}

uint32_t* BytePatterns::find(const uint8_t* bytes, size_t length, uint32_t* begin, uint32_t* next,
                             uint32_t* limit) const {
  bool seen[256] = {};
  if (distinct_.size() <= kOneByOne) {
    for (uint8_t byte : distinct_) seen[byte] = memchr(bytes, byte, length) != nullptr;
  } else {
    for (size_t at = 0; at < length; at++) seen[bytes[at]] = true;
  }
  uint32_t* const others = next;
  for (const BytePattern& pattern : list_) {
    if (!seen[pattern.byte] && !seen[pattern.otherCase]) continue;
    if (next > others && next[-1] == pattern.id) continue;
    if (pattern.shared != 0 && std::find(begin, others, pattern.id) != others) continue;
    if (next == limit) return nullptr;
    *next++ = pattern.id;
  }
  return next;
}

}  // namespace portcullis
