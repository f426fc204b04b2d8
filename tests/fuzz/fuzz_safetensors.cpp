#include "foglift/io/safetensors.hpp"

#include <cstdlib>

// Safetensors bytes are a set of tensors or a FormatError; what was read is written and read back.
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* bytes, std::size_t size) {
  using namespace foglift;
  const auto input = std::as_bytes(std::span(bytes, size));
  try {
    const io::Safetensors file = io::parse_safetensors(input);
    std::vector<io::NamedTensor> tensors;
    for (const auto& tensor : file.tensors())
      tensors.push_back({tensor.name, tensor.dtype, tensor.shape, file.bytes(tensor.name)});
    const std::string written = io::safetensors_bytes(tensors, file.metadata());
    const auto back = io::parse_safetensors(std::as_bytes(std::span(written)));
    if (back.metadata() != file.metadata() || back.names() != file.names()) std::abort();
    for (const auto& tensor : file.tensors()) {
      const auto a = file.bytes(tensor.name), b = back.bytes(tensor.name);
      if (!std::equal(a.begin(), a.end(), b.begin(), b.end())) std::abort();
    }
    for (const auto& tensor : file.tensors()) file.tensor<float>(tensor.name);
    file.check_finite();
  } catch (const FormatError&) {
  }
  return 0;
}
