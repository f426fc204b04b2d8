#pragma once

#include "foglift/core/atomic_file.hpp"
#include "foglift/core/tensor.hpp"

#include <bit>
#include <cstddef>
#include <string>
#include <string_view>
#include <type_traits>

namespace foglift::inline v0::data {

/// Writes a tensor as a NumPy array file, as a whole or not at all (see AtomicFile): version 1.0,
/// '<f4', '<f8', '<i4', '<i8' or '|u1' ('>' on a big-endian machine), row-major, the data at a
/// multiple of 64 bytes. Throws FormatError if writing fails.
template <Element T>
void write_npy(const std::string& path, const Tensor<T>& tensor) {
  const Shape& shape = tensor.shape();
  std::string header = "{'descr': '";
  header += sizeof(T) == 1 ? '|' : std::endian::native == std::endian::little ? '<' : '>';
  header += Scalar<T> ? 'f' : std::is_signed_v<T> ? 'i' : 'u';
  header += std::to_string(sizeof(T)) + "', 'fortran_order': False, 'shape': (";
  for (int axis = 0; axis < shape.rank(); ++axis)
    header += (axis ? ", " : "") + std::to_string(shape[axis]);
  header += shape.rank() == 1 ? ",), }" : "), }";
  constexpr std::size_t prefix = 10;
  while ((prefix + header.size() + 1) % 64 != 0) header += ' ';
  header += '\n';

  AtomicFile file(path);
  file.write(std::string_view("\x93NUMPY\x01\x00", 8));
  const unsigned char length[2] = {static_cast<unsigned char>(header.size() & 0xFF),
                                   static_cast<unsigned char>(header.size() >> 8)};
  file.write(length, sizeof(length));
  file.write(header);
  file.write(tensor.data(), static_cast<std::size_t>(tensor.size()) * sizeof(T));
  file.commit();
}

}  // namespace foglift::inline v0::data
