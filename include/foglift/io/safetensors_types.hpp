#pragma once

#include "foglift/core/shape.hpp"
#include "foglift/io/dtype.hpp"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace foglift::inline v0::io {

/// What a reader of safetensors accepts. The limits keep a hostile file from costing more than a
/// small multiple of its own size.
struct SafetensorsOptions {
  std::uint64_t max_file_bytes = std::uint64_t{1} << 36;    // 64 GiB
  std::uint64_t max_header_bytes = std::uint64_t{1} << 24;  // 16 MiB; the format allows 100 MB
  std::size_t max_tensors = 100'000;
  std::size_t max_metadata = 8'192;  // entries
  bool require_finite = false;       // refuse infinite and not-a-number elements
};

using Metadata = std::map<std::string, std::string>;

/// Where one tensor lies: bytes [begin, end) of the data that follows the header.
struct TensorInfo {
  std::string name;
  DType dtype = DType::f32;
  Shape shape;  // [] if the rank is beyond what a Shape holds
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  std::string wide_shape;  // the extents in that case, as in "[1, 2, 1, 1, 3, 1, 1]"
};

struct SafetensorsHeader {
  std::vector<TensorInfo> tensors;  // by name
  Metadata metadata;
};

inline constexpr std::size_t max_tensor_name = 512;  // bytes
inline constexpr std::size_t max_stored_rank = 64;   // as in PyTorch and NumPy
/// What is wrong with a tensor's name; empty if nothing is. Control characters are refused because
/// they hide a name from whoever lists the file.
inline std::string_view name_problem(std::string_view name) {
  if (name.size() > max_tensor_name) return "has a name longer than 512 bytes";
  if (name == "__metadata__") return "has a reserved name";
  for (const char c : name)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F)
      return "has a control character in its name";
  return {};
}

/// Bytes that a tensor of `dtype` and `shape` takes; nothing if they are no whole number or beyond
/// 64 bits.
inline std::optional<std::uint64_t> stored_bytes(DType dtype, std::span<const Index> extents) {
  std::uint64_t bits = info(dtype).bits;
  bool empty = false;
  for (const Index e : extents) {
    const auto extent = static_cast<std::uint64_t>(e);
    if (extent == 0) {
      empty = true;
    } else if (bits > std::numeric_limits<std::uint64_t>::max() / extent) {
      return std::nullopt;
    } else {
      bits *= extent;
    }
  }
  if (empty) return 0;
  if (bits % 8 != 0) return std::nullopt;
  return bits / 8;
}

}  // namespace foglift::inline v0::io
