// Which of the library's implementations scans.
//
// Vectorscan 5.4.9, which Debian 12 has, misses matches on x86-64 where it takes wide vectors. With AVX-512, of small
// databases scanned over buffers of more than 64 bytes one in twelve loses some; with AVX2, one in 1500 misses a
// pattern that stands at the very end of a buffer of 18 to 33 bytes. Its SSE4.2 code (`corei7`) has neither fault: no
// match was lost in 56 million scans with 72 000 databases, beside a naive search. Rules are mostly about short
// buffers, and replaying captures takes as long. The library picks the implementation by processor and offers no
// setting, but its build for several processors exports each of them.
#pragma once

#include <hs.h>

namespace portcullis {

using ScanFunction = hs_error_t (*)(const hs_database_t*, const char*, unsigned, unsigned, hs_scratch_t*,
                                    match_event_handler, void*);

struct Runtime {
  /// hs_scan, or its SSE4.2 implementation where the library would take AVX2 or AVX-512.
  ScanFunction scan;
  /// What databases are compiled for.
  hs_platform_info_t platform;
  bool supported;
  bool narrowed;
};

/// The same for all threads.
const Runtime& runtime();

}  // namespace portcullis
