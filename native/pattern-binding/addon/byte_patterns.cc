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

uint32_t* BytePatterns::find(const uint8_t* bytes, size_t length, const Bounds& bounds, uint32_t* begin,
                             uint32_t* next, uint32_t* limit) const {
  // Where each byte stands first, plus one; 0: nowhere.
  uint32_t first[256] = {};
  if (distinct_.size() <= kOneByOne) {
    for (uint8_t byte : distinct_) {
      const void* found = memchr(bytes, byte, length);
      if (found != nullptr) first[byte] = static_cast<uint32_t>(static_cast<const uint8_t*>(found) - bytes) + 1;
    }
  } else {
    for (size_t at = length; at > 0; at--) first[bytes[at - 1]] = static_cast<uint32_t>(at);
  }
  uint32_t* const others = next;
  for (const BytePattern& pattern : list_) {
    const uint32_t one = first[pattern.byte];
    const uint32_t other = first[pattern.otherCase];
    if (one == 0 && other == 0) continue;
    if (!bounds.allow(pattern.id, one == 0 || (other != 0 && other < one) ? other : one)) continue;
    if (next > others && next[-1] == pattern.id) continue;
    if (pattern.shared != 0 && std::find(begin, others, pattern.id) != others) continue;
    if (next == limit) return nullptr;
    *next++ = pattern.id;
  }
  return next;
}

}  // namespace portcullis
