// Which of the library's implementations scans.
//
// Vectorscan 5.4.9, which Debian 12 has, misses matches in its AVX-512 code: of small databases scanned over
// buffers of more than 64 bytes, one in three loses some. Its AVX2 code has no such fault. The library picks the
// implementation by processor and offers no setting, but its build for several processors exports each of them.
#pragma once

#include <hs.h>

namespace portcullis {

using ScanFunction = hs_error_t (*)(const hs_database_t*, const char*, unsigned, unsigned, hs_scratch_t*,
                                    match_event_handler, void*);

struct Runtime {
  /// hs_scan, or its AVX2 implementation where the library would take AVX-512.
  ScanFunction scan;
  /// What databases are compiled for.
  hs_platform_info_t platform;
  bool supported;
  bool avx2Chosen;
};

/// The same for all threads.
const Runtime& runtime();

}  // namespace portcullis
