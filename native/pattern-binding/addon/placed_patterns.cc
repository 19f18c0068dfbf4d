#include "placed_patterns.h"

#include <algorithm>

namespace portcullis {

namespace {

constexpr uint32_t kSpread = 0x9e3779b1u;
constexpr uint32_t kWord = 4;

uint8_t lower(uint8_t byte) { return byte >= 'A' && byte <= 'Z' ? byte + ('a' - 'A') : byte; }

/// Up to four bytes in lower case, the first one lowest.
uint32_t wordOf(const uint8_t* bytes, size_t length) {
  uint32_t word = 0;
  for (size_t i = 0; i < kWord && i < length; i++) word |= static_cast<uint32_t>(lower(bytes[i])) << (8 * i);
  return word;
}

}  // namespace

PlacedPatterns::PlacedPatterns(const std::vector<PlacedLiteral>& literals) {
  for (uint32_t id = 0; id < literals.size(); id++) {
    const PlacedLiteral& literal = literals[id];
    literals_.push_back({static_cast<uint32_t>(bytes_.size()), literal.length, literal.caseless});
    for (uint32_t i = 0; i < literal.length; i++)
      bytes_.push_back(literal.caseless ? lower(literal.bytes[i]) : literal.bytes[i]);
    const uint32_t word = wordOf(literal.bytes, literal.length);
    const uint32_t mask = literal.length >= kWord ? ~0u : (1u << (8 * literal.length)) - 1;
    for (uint32_t place = literal.first; place <= literal.last; place++) {
      const uint64_t bit = uint64_t{1} << place;
      firsts_[word & 0xff] |= bit;
      if (literal.length == 1) {
        for (uint64_t& places : seconds_) places |= bit;
        singles_ |= bit;
        singleEntries_.push_back({word, mask, id, 0, place});
      } else {
        seconds_[(word >> 8) & 0xff] |= bit;
        entries_.push_back({word, mask, id, 0, place});
      }
    }
    placeCount_ = std::max(placeCount_, literal.last + 1);
  }
  uint32_t bits = 1;
  while ((size_t{1} << bits) < 4 * entries_.size()) bits++;
  shift_ = 32 - bits;
  slots_.assign(size_t{1} << bits, 0);
  for (uint32_t i = 0; i < entries_.size(); i++) {
    uint32_t& slot = slots_[slotOf(entries_[i].place, entries_[i].word)];
    entries_[i].next = slot;
    slot = i + 1;
  }
}

uint32_t PlacedPatterns::slotOf(uint32_t place, uint32_t word) const {
  return ((place << 16 | (word & 0xffff)) * kSpread) >> shift_;
}

bool PlacedPatterns::matches(const Literal& literal, const uint8_t* bytes) const {
  const uint8_t* wanted = bytes_.data() + literal.start;
  if (!literal.caseless) return std::equal(wanted, wanted + literal.length, bytes);
  for (uint32_t i = 0; i < literal.length; i++) {
    if (lower(bytes[i]) != wanted[i]) return false;
  }
  return true;
}

uint32_t* PlacedPatterns::find(const uint8_t* bytes, size_t length, uint32_t base, uint32_t* begin,
                               uint32_t* limit) const {
  uint32_t* next = begin;
  const auto tell = [&](uint32_t id) {
    if (std::find(begin, next, id) != next) return true;
    if (next == limit) return false;
    *next++ = id;
    return true;
  };
  if (length == 0 || base >= placeCount_) return next;
  const size_t count = std::min<size_t>(length, placeCount_ - base);
  uint8_t first = lower(bytes[0]);
  for (size_t i = 0; i < count; i++) {
    const uint32_t place = base + static_cast<uint32_t>(i);
    const bool alone = i + 1 == length;
    const uint8_t second = alone ? 0 : lower(bytes[i + 1]);
    uint64_t places = firsts_[first];
    places &= alone ? singles_ : seconds_[second];
    const uint8_t byte = first;
    first = second;
    if (((places >> place) & 1) == 0) continue;
    const size_t left = length - i;
    if (!alone) {
      const uint32_t word = wordOf(bytes + i, left);
      for (uint32_t entry = slots_[slotOf(place, word)]; entry != 0; entry = entries_[entry - 1].next) {
        const Entry& candidate = entries_[entry - 1];
        if (candidate.place != place || (word & candidate.mask) != candidate.word) continue;
        const Literal& literal = literals_[candidate.id];
        if (literal.length <= left && matches(literal, bytes + i) && !tell(candidate.id)) return nullptr;
      }
    }
    if (((singles_ >> place) & 1) == 0) continue;
    for (const Entry& single : singleEntries_) {
      if (single.place != place || single.word != byte) continue;
      if (matches(literals_[single.id], bytes + i) && !tell(single.id)) return nullptr;
    }
  }
  return next;
}

}  // namespace portcullis
