// Patterns of one byte. They are not given to Vectorscan: memchr finds a byte without its tables, and the AVX-512
// code of version 5.4.9 misses them where a build of the library has no other (see runtime.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace portcullis {

struct BytePattern {
  uint32_t id;
  /// The byte and, for a letter without case, its other case; otherwise the same twice.
  uint8_t byte;
  uint8_t otherCase;
  /// The id also belongs to a pattern that Vectorscan looks for.
  uint8_t shared;
  uint8_t reserved;
};
static_assert(sizeof(BytePattern) == 8, "serialised as it stands in memory");

/// How far from the beginning of a buffer patterns may end, by id; and where in that buffer the bytes in hand begin.
struct Bounds {
  const uint32_t* ends = nullptr;
  uint32_t count = 0;
  int64_t base = 0;

  bool allow(uint32_t id, uint64_t end) const {
    if (id >= count || ends[id] == 0) return true;
    return base + static_cast<int64_t>(end) <= static_cast<int64_t>(ends[id]);
  }
};

class BytePatterns {
 public:
  BytePatterns() = default;
  /// In any order; ids may repeat.
  explicit BytePatterns(std::vector<BytePattern> patterns);

  const std::vector<BytePattern>& list() const { return list_; }

  /// Adds the ids that occur in the bytes within their bounds to those in [begin, next), each once, up to limit.
  /// Returns the new end, or nullptr when there are more.
  uint32_t* find(const uint8_t* bytes, size_t length, const Bounds& bounds, uint32_t* begin, uint32_t* next,
                 uint32_t* limit) const;

 private:
  std::vector<BytePattern> list_;  // ordered by id
  std::vector<uint8_t> distinct_;
};

}  // namespace portcullis
