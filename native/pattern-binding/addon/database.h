// Immutable Vectorscan databases, compiled or deserialised once per process and shared by its threads.
#pragma once

#include <hs.h>
#include <node_api.h>

#include <cstdint>
#include <memory>

#include "byte_patterns.h"

namespace portcullis {

class Database {
 public:
  Database(hs_database_t* compiled, BytePatterns bytePatterns, uint32_t patterns);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  /// nullptr when all patterns are single bytes.
  hs_database_t* compiled() const { return compiled_; }
  const BytePatterns& bytePatterns() const { return bytePatterns_; }
  uint32_t patterns() const { return patterns_; }
  size_t size() const { return size_; }

 private:
  hs_database_t* compiled_;
  BytePatterns bytePatterns_;
  uint32_t patterns_;
  size_t size_;
};

using DatabasePointer = std::shared_ptr<const Database>;

/// The database behind a JavaScript handle; empty when the handle was closed or is none.
DatabasePointer databaseOf(napi_env env, napi_value handle);

bool defineDatabase(napi_env env, napi_value exports);

}  // namespace portcullis
