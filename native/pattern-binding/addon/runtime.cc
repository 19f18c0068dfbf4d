#include "runtime.h"

// Absent from builds of the library for a single processor, and for others than x86-64.
extern "C" __attribute__((weak)) hs_error_t corei7_hs_scan(const hs_database_t*, const char*, unsigned, unsigned,
                                                           hs_scratch_t*, match_event_handler, void*);

namespace portcullis {

namespace {

Runtime choose() {
  Runtime chosen = {hs_scan, {}, false, false};
  chosen.supported = hs_populate_platform(&chosen.platform) == HS_SUCCESS;
  constexpr unsigned long long kWide =
      HS_CPU_FEATURES_AVX2 | HS_CPU_FEATURES_AVX512 | HS_CPU_FEATURES_AVX512VBMI;
  // Whatever has AVX2 has SSE4.2.
  if (chosen.supported && (chosen.platform.cpu_features & kWide) != 0 && corei7_hs_scan != nullptr) {
    chosen.scan = corei7_hs_scan;
    chosen.platform.cpu_features &= ~kWide;
    chosen.narrowed = true;
  }
  return chosen;
}

}  // namespace

const Runtime& runtime() {
  static const Runtime chosen = choose();
  return chosen;
}

}  // namespace portcullis
