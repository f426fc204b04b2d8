#include "foglift/data/npy.hpp"

// NPY bytes are a tensor or a FormatError.
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* bytes, std::size_t size) {
  using namespace foglift;
  const auto input = std::as_bytes(std::span(bytes, size));
  try {
    data::parse_npy<double>(input);
    data::parse_npy<float>(input);
  } catch (const FormatError&) {
  }
  return 0;
}
