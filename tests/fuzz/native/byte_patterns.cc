// Patterns of one byte against a slow twin.
#include "../../../native/pattern-binding/addon/byte_patterns.h"

#include <set>
#include <vector>

#include "harness.h"

using portcullis::Bounds;
using portcullis::BytePattern;
using portcullis::BytePatterns;

void fuzz_input(const uint8_t* bytes, size_t size) {
  struct input input = {bytes, size};
  const size_t count = 1 + take8(&input) % 24;
  const size_t before = take8(&input) % 8;
  const size_t room = before + take8(&input) % 32;
  std::vector<uint32_t> results(room + 1, 0xffffffff);
  std::set<uint32_t> found;
  for (size_t i = 0; i < before; i++) found.insert(results[i] = take8(&input) % 16);
  std::vector<BytePattern> patterns;
  for (size_t i = 0; i < count; i++) {
    const uint32_t id = take8(&input) % 32;
    const uint8_t byte = take8(&input);
    const uint8_t otherCase = (take8(&input) & 1) != 0 ? byte ^ 0x20 : byte;
    patterns.push_back(BytePattern{id, byte, otherCase, static_cast<uint8_t>(found.count(id)), 0});
  }
  std::vector<uint32_t> ends(16);
  for (uint32_t& end : ends) end = take8(&input) % 16;
  const Bounds bounds{ends.data(), static_cast<uint32_t>(ends.size()), take8(&input) % 8};
  const std::set<uint32_t> earlier = found;
  for (const BytePattern& pattern : patterns)
    for (size_t i = 0; i < input.left; i++)
      if ((input.at[i] == pattern.byte || input.at[i] == pattern.otherCase) && bounds.allow(pattern.id, i + 1))
        found.insert(pattern.id);

  uint32_t* const begin = results.data();
  uint32_t* const end = BytePatterns(patterns).find(input.at, input.left, bounds, begin, begin + before, begin + room);
  claim(results[room] == 0xffffffff, "nothing is written beyond the limit");
  if (end == nullptr) {
    claim(found.size() - earlier.size() > room - before, "refused only where there is no room");
    return;
  }
  std::set<uint32_t> told(begin, end);
  claim(told == found, "what occurs is told");
  claim(static_cast<size_t>(end - begin) == before + (found.size() - earlier.size()), "and each but once");
}
