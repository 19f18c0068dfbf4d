#include "literal_search.h"

#include <cstring>

namespace portcullis {

namespace {

/// Sixteen bytes at once, in whatever vector registers the processor has.
typedef uint8_t Block __attribute__((vector_size(16)));
typedef uint64_t Halves __attribute__((vector_size(16)));
constexpr size_t kBlock = sizeof(Block);

Block load(const uint8_t* bytes) {
  Block block;
  memcpy(&block, bytes, kBlock);
  return block;
}

Block filled(uint8_t byte) { return Block{} + byte; }

bool any(Block block) {
  const Halves halves = reinterpret_cast<Halves>(block);
  return (halves[0] | halves[1]) != 0;
}

bool isLower(uint8_t byte) { return byte >= 'a' && byte <= 'z'; }

/// Bits by which a byte may differ from one of the literal and be the same letter.
uint8_t folding(uint8_t byte, bool caseless) { return caseless && isLower(byte) ? 0x20 : 0; }

bool same(const uint8_t* bytes, const uint8_t* literal, size_t length, bool caseless) {
  if (!caseless) return memcmp(bytes, literal, length) == 0;
  for (size_t i = 0; i < length; i++) {
    const uint8_t byte = bytes[i];
    const uint8_t lower = byte >= 'A' && byte <= 'Z' ? byte + 0x20 : byte;
    if (lower != literal[i]) return false;
  }
  return true;
}

/// How seldom a byte is in what is searched, roughly: letters, digits and blanks are everywhere, zeros too.
int rarity(uint8_t byte) {
  if (byte == 0 || byte == ' ' || byte == 'e' || byte == 't' || byte == 'a') return 0;
  if (isLower(byte)) return 1;
  if ((byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') || byte == 0xff) return 2;
  return 3;
}

/// Two bytes of the literal that stand for it: where both are right the rest is compared.
struct Probe {
  size_t first = 0;
  size_t second;

  Probe(const uint8_t* literal, size_t length) : second(length - 1) {
    for (size_t i = 1; i < length; i++) {
      if (rarity(literal[i]) > rarity(literal[first])) first = i;
    }
    if (second == first) second = 0;
    for (size_t i = 0; i < length; i++) {
      if (i != first && literal[i] != literal[first] && rarity(literal[i]) > rarity(literal[second])) second = i;
    }
  }
};

}  // namespace

int64_t searchLiteral(const uint8_t* bytes, size_t length, const uint8_t* literal, size_t literalLength, bool caseless) {
  const Probe probe(literal, literalLength);
  const uint8_t firstFolding = folding(literal[probe.first], caseless);
  const uint8_t secondFolding = folding(literal[probe.second], caseless);
  const Block first = filled(literal[probe.first]);
  const Block second = filled(literal[probe.second]);
  const Block foldFirst = filled(firstFolding);
  const Block foldSecond = filled(secondFolding);
  const size_t places = length - literalLength + 1;
  size_t at = 0;
  // Both loads end within the buffer: probes lie within the literal.
  for (; at + kBlock <= places; at += kBlock) {
    const Block hits = reinterpret_cast<Block>(((load(bytes + at + probe.first) | foldFirst) == first) &
                                               ((load(bytes + at + probe.second) | foldSecond) == second));
    if (!any(hits)) continue;
    for (size_t i = 0; i < kBlock; i++) {
      if (hits[i] != 0 && same(bytes + at + i, literal, literalLength, caseless)) return static_cast<int64_t>(at + i);
    }
  }
  for (; at < places; at++) {
    if (same(bytes + at, literal, literalLength, caseless)) return static_cast<int64_t>(at);
  }
  return -1;
}

}  // namespace portcullis
