#pragma once

#include "foglift/core/error.hpp"
#include "foglift/core/file.hpp"
#include "foglift/core/half.hpp"
#include "foglift/core/tensor.hpp"
#include "foglift/data/npy_header.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <utility>

namespace foglift::inline v0::data {

struct NpyOptions {
  std::uint64_t max_file_bytes = std::uint64_t{1} << 36;  // 64 GiB
  std::uint64_t max_header_bytes = std::uint64_t{1} << 16;
};

/// Converts `count` stored elements to T, b1 to 0 or 1. To a Scalar floating types widen exactly,
/// f8 and integers round to nearest; to an integer they stay what they are. Throws FormatError for
/// what T can not hold: a finite f8 too large, an integer out of range, floating numbers as
/// integers.
template <Element T>
void decode_npy(const NpyHeader& header, const std::byte* from, Index count, T* to,
                const std::string& source) {
  const auto each = [&]<class Stored>(Stored, auto&& value) {
    for (Index i = 0; i < count; ++i) {
      std::array<std::byte, sizeof(Stored)> item;
      std::memcpy(item.data(), from + static_cast<std::size_t>(i) * sizeof(Stored), sizeof(Stored));
      if (header.swapped) std::reverse(item.begin(), item.end());
      const auto number = value(std::bit_cast<Stored>(item));
      if constexpr (!Scalar<T>)
        if (!integer_holds<T>(number))
          raise<FormatError>(source, ": holds ", +number, ", which an integer of ", sizeof(T),
                             " bytes can not hold");
      to[i] = static_cast<T>(number);
    }
  };
  const auto same = [](auto stored) { return stored; };
  const auto bounded = [&](double v) {
    if (Scalar<T> && std::isfinite(v) && !std::isfinite(static_cast<T>(v)))
      raise<FormatError>(source, ": holds ", v, ", which float can not hold");
    return v;
  };
  if (!Scalar<T> && (header.kind == 'f' || header.kind == 'V'))
    raise<FormatError>(source, ": holds floating numbers, integers are read");
  switch (header.kind) {
    case 'b':
      return each(std::uint8_t{}, [](std::uint8_t b) { return b ? 1 : 0; });
    case 'f':
      if (header.item == 2) return each(std::uint16_t{}, float_from_half);
      return header.item == 4 ? each(float{}, same) : each(double{}, bounded);
    case 'V':
      return each(std::uint16_t{}, float_from_bfloat16);
    case 'i':
      if (header.item == 1) return each(std::int8_t{}, same);
      if (header.item == 2) return each(std::int16_t{}, same);
      return header.item == 4 ? each(std::int32_t{}, same) : each(std::int64_t{}, same);
    default:
      if (header.item == 1) return each(std::uint8_t{}, same);
      if (header.item == 2) return each(std::uint16_t{}, same);
      return header.item == 4 ? each(std::uint32_t{}, same) : each(std::uint64_t{}, same);
  }
}

/// Counts through the elements of a shape with the first index fastest and tells where each lies in
/// row-major order.
class FortranOrder {
 public:
  explicit FortranOrder(const Shape& shape) : shape_(shape) {
    Index step = 1;
    for (int axis = shape.rank() - 1; axis >= 0; --axis) {
      stride_[static_cast<std::size_t>(axis)] = step;
      step *= shape[axis];
    }
  }

  /// The row-major index of the current element; moves to the next.
  Index next() {
    const Index here = offset_;
    for (int axis = 0; axis < shape_.rank(); ++axis) {
      const auto a = static_cast<std::size_t>(axis);
      offset_ += stride_[a];
      if (++at_[a] < shape_[axis]) break;
      offset_ -= stride_[a] * std::exchange(at_[a], 0);
    }
    return here;
  }

 private:
  Shape shape_;
  std::array<Index, Shape::max_rank> stride_{}, at_{};
  Index offset_ = 0;
};

/// Reads the elements a block at a time, so that nothing but the tensor itself grows with the file.
template <Element T, class Input>
Tensor<T> read_npy_elements(Input& input, const NpyHeader& header, const std::string& source) {
  constexpr std::size_t block = 4096;  // bytes; a multiple of every element's size
  std::array<std::byte, block> bytes;
  std::array<T, block> values;
  auto out = Tensor<T>::uninitialized(header.shape);
  FortranOrder order(header.shape);
  for (Index done = 0; done < out.size();) {
    const Index count = std::min(out.size() - done, static_cast<Index>(block / header.item));
    input.read(bytes.data(), static_cast<std::size_t>(count) * header.item);
    decode_npy(header, bytes.data(), count, values.data(), source);
    if (header.fortran_order) {
      for (Index i = 0; i < count; ++i) out[order.next()] = values[static_cast<std::size_t>(i)];
    } else {
      std::copy_n(values.data(), count, out.data() + done);
    }
    done += count;
  }
  return out;
}

/// Reads NPY from anything that hands over the next `count` bytes by read(to, count) and has `size`
/// of them. Nothing is allocated before the sizes are known to fit each other.
template <Element T, class Input>
Tensor<T> load_npy(Input& input, std::uint64_t size, const std::string& source,
                   const NpyOptions& options) {
  if (size > options.max_file_bytes)
    raise<FormatError>(source, ": ", size, " bytes, at most ", options.max_file_bytes,
                       " are accepted");
  std::array<unsigned char, 12> start{};
  if (size < 10) raise<FormatError>(source, ": ", size, " bytes, an NPY file has at least 10");
  input.read(start.data(), 8);
  if (std::memcmp(start.data(), "\x93NUMPY", 6) != 0)
    raise<FormatError>(source, ": does not begin as an NPY file does");
  const unsigned version = start[6];
  if (version < 1 || version > 3 || start[7] != 0)
    raise<FormatError>(source, ": NPY version ", version, '.', unsigned{start[7]},
                       ", 1.0 to 3.0 are supported");
  const std::size_t prefix = version == 1 ? 10 : 12;
  if (size < prefix)
    raise<FormatError>(source, ": ", size, " bytes, version ", version, " has at least ", prefix);
  input.read(start.data() + 8, prefix - 8);
  std::uint64_t header_bytes = 0;  // little-endian, of 2 or 4 bytes
  for (std::size_t i = prefix; i > 8; --i) header_bytes = header_bytes << 8 | start[i - 1];
  if (header_bytes > options.max_header_bytes)
    raise<FormatError>(source, ": header of ", header_bytes, " bytes, at most ",
                       options.max_header_bytes, " are accepted");
  if (header_bytes > size - prefix)
    raise<FormatError>(source, ": header of ", header_bytes, " bytes in a file of ", size);
  std::string text(header_bytes, '\0');
  input.read(text.data(), text.size());
  const NpyHeader header = NpyHeaderParser(text, source).parse();

  const std::uint64_t data_bytes = size - prefix - header_bytes;
  const std::uint64_t needed = static_cast<std::uint64_t>(header.shape.size()) * header.item;
  if (data_bytes != needed)
    raise<FormatError>(source, ": ", data_bytes, " bytes behind the header, shape ", header.shape,
                       " of ", header.item, "-byte elements needs ", needed);
  return read_npy_elements<T>(input, header, source);
}

/// Reads a NumPy array file (versions 1 to 3, both byte orders, both storage orders; b1, i1 to i8,
/// u1 to u8, f2, f4, f8, and V2 as ml_dtypes, JAX and TensorFlow store bfloat16) as a tensor of T,
/// integers as any Element. Throws FormatError, naming the path and what is wrong, if it can not be
/// read, is not valid, or has other types, numbers that T can not hold, a rank beyond 6 or bytes
/// left over. Costs the memory of the tensor (8 times a
/// file of bytes that is read as double) and 64 KiB.
template <Element T = float>
Tensor<T> read_npy(const std::string& path, const NpyOptions& options = {}) {
  InputFile file(path);
  Tensor<T> out = load_npy<T>(file, file.size(), path, options);
  file.finish();
  return out;
}

/// The same from bytes in memory; errors begin with `source`.
template <Element T = float>
Tensor<T> parse_npy(std::span<const std::byte> bytes, const NpyOptions& options = {},
                    const std::string& source = "npy") {
  MemoryInput memory(bytes);
  return load_npy<T>(memory, bytes.size(), source, options);
}

}  // namespace foglift::inline v0::data
