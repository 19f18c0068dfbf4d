#include "runtime.h"

// Absent from builds of the library for a single processor.
extern "C" __attribute__((weak)) hs_error_t avx2_hs_scan(const hs_database_t*, const char*, unsigned, unsigned,
                                                         hs_scratch_t*, match_event_handler, void*);

namespace portcullis {

namespace {

Runtime choose() {
  Runtime chosen = {hs_scan, {}, false, false};
  chosen.supported = hs_populate_platform(&chosen.platform) == HS_SUCCESS;
  constexpr unsigned long long kAvx512 = HS_CPU_FEATURES_AVX512 | HS_CPU_FEATURES_AVX512VBMI;
  if (chosen.supported && (chosen.platform.cpu_features & kAvx512) != 0 && avx2_hs_scan != nullptr) {
    chosen.scan = avx2_hs_scan;
    chosen.platform.cpu_features &= ~kAvx512;
    chosen.avx2Chosen = true;
  }
  return chosen;
}

}  // namespace

const Runtime& runtime() {
  static const Runtime chosen = choose();
  return chosen;
}

}  // namespace portcullis
