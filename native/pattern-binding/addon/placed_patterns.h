// Literals that begin at known places near the beginning of a buffer. They are looked up where they would stand: a table
// by place and first two bytes costs a few nanoseconds a place, a search for hundreds of short literals some hundred a scan.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace portcullis {

/// One literal and the places at which it may begin, counted from the beginning of the buffer.
struct PlacedLiteral {
  const uint8_t* bytes;
  uint32_t length;
  bool caseless;
  uint32_t first;
  uint32_t last;
};

class PlacedPatterns {
 public:
  /// Places are below this.
  static constexpr uint32_t kPlaces = 64;

  PlacedPatterns() = default;
  /// The id of a literal is its place in the list; none is empty, and `first <= last < kPlaces`. Their bytes are copied.
  explicit PlacedPatterns(const std::vector<PlacedLiteral>& literals);

  /// Writes the ids of the literals that lie in `bytes`, which begin at place `base` of the buffer, each once, from
  /// `begin` up to `limit`. Returns the end, or nullptr when there are more.
  uint32_t* find(const uint8_t* bytes, size_t length, uint32_t base, uint32_t* begin, uint32_t* limit) const;

 private:
  struct Entry {
    /// The first four bytes of the literal, in lower case, and which bits of them count.
    uint32_t word;
    uint32_t mask;
    uint32_t id;
    /// The next entry of the same slot plus one; 0: none.
    uint32_t next;
    uint32_t place;
  };
  struct Literal {
    uint32_t start;
    uint32_t length;
    bool caseless;
  };

  bool matches(const Literal& literal, const uint8_t* bytes) const;
  uint32_t slotOf(uint32_t place, uint32_t word) const;

  /// By byte in lower case: the places at which a literal has it as its first, and as its second byte. A literal of one
  /// byte has all as its second.
  uint64_t firsts_[256] = {};
  uint64_t seconds_[256] = {};
  uint32_t placeCount_ = 0;
  uint32_t shift_ = 31;
  std::vector<uint32_t> slots_;
  std::vector<Entry> entries_;
  std::vector<Literal> literals_;
  std::vector<uint8_t> bytes_;
  /// Places of literals of one byte; these are few, and told of by their byte.
  uint64_t singles_ = 0;
  std::vector<Entry> singleEntries_;
};

}  // namespace portcullis
