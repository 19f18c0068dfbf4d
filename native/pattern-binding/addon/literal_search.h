// Where a literal first occurs in a run of bytes.
#pragma once

#include <cstddef>
#include <cstdint>

namespace portcullis {

/// Place of the first occurrence that lies within `bytes[0, length)`, or -1. The literal has at least one byte, and
/// no more than `length`; it is in lower case where `caseless`.
int64_t searchLiteral(const uint8_t* bytes, size_t length, const uint8_t* literal, size_t literalLength, bool caseless);

}  // namespace portcullis
