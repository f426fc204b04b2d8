#pragma once

#include "foglift/core/atomic_file.hpp"
#include "foglift/core/error.hpp"
#include "foglift/core/tensor.hpp"
#include "foglift/io/dtype.hpp"
#include "foglift/io/json.hpp"
#include "foglift/io/safetensors_types.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace foglift::inline v0::io {

/// A tensor to write: a view, which must not outlive what it was made from.
struct NamedTensor {
  std::string name;
  DType dtype = DType::f32;  // of the bytes
  Shape shape;
  std::span<const std::byte> bytes;
  std::optional<DType> stored =
      std::nullopt;  // in the file, F16 or BF16, where not as in the bytes

  DType file_dtype() const { return stored.value_or(dtype); }
  std::size_t file_bytes() const {
    return stored ? bytes.size() / (info(dtype).bits / 8) * 2 : bytes.size();
  }
};

/// A view of a tensor under a name.
template <Element T>
NamedTensor named(std::string name, const Tensor<T>& tensor) {
  return {std::move(name), dtype_of<T>(), tensor.shape(), std::as_bytes(tensor.span())};
}
/// The same to be stored in half precision, F16 or BF16: each number rounded to nearest, ties to
/// even. Writing throws ArgumentError if a finite number is beyond the type, F16 ending at 65504,
/// or if `stored` is another type.
template <Scalar T>
NamedTensor named(std::string name, const Tensor<T>& tensor, DType stored) {
  NamedTensor result = named(std::move(name), tensor);
  result.stored = stored;
  return result;
}
template <Scalar T>
NamedTensor named(std::string name, const Tensor<T>&& tensor, DType stored) = delete;
template <Element T>
NamedTensor named(std::string name, const Tensor<T>&& tensor) = delete;  // it would be gone

/// A view of numbers as a tensor of rank 1.
template <class U>
NamedTensor named(std::string name, std::span<const U> values) {
  return {std::move(name), dtype_of<U>(), Shape{static_cast<Index>(values.size())},
          std::as_bytes(values)};
}

/// Tensors in the order of the reference implementation, by falling alignment and then by name,
/// each found to be one that can be written. Throws what store_safetensors throws.
inline std::vector<NamedTensor> in_file_order(std::vector<NamedTensor> tensors) {
  for (const NamedTensor& tensor : tensors) {
    if (const auto problem = name_problem(tensor.name); !problem.empty())
      raise<ArgumentError>("write_safetensors: a tensor ", problem);
    if (tensor.stored && tensor.stored != DType::f16 && tensor.stored != DType::bf16)
      raise<ArgumentError>("write_safetensors: tensor \"", tensor.name, "\" is to be stored as ",
                           info(*tensor.stored).name, ", F16 and BF16 are possible");
    if (tensor.stored && tensor.dtype != DType::f32 && tensor.dtype != DType::f64)
      raise<ArgumentError>("write_safetensors: tensor \"", tensor.name, "\" of dtype ",
                           info(tensor.dtype).name, " is to be rounded to ",
                           info(*tensor.stored).name, ", F32 and F64 can be");
    if (stored_bytes(tensor.dtype, {tensor.shape.begin(), tensor.shape.end()}) !=
        tensor.bytes.size())
      raise<ArgumentError>("write_safetensors: tensor \"", tensor.name, "\" has ",
                           tensor.bytes.size(), " bytes, which do not fit dtype ",
                           info(tensor.dtype).name, " and shape ", tensor.shape);
  }
  std::sort(tensors.begin(), tensors.end(),
            [](const NamedTensor& a, const NamedTensor& b) { return a.name < b.name; });
  for (std::size_t i = 1; i < tensors.size(); ++i)
    if (tensors[i].name == tensors[i - 1].name)
      raise<ArgumentError>("write_safetensors: two tensors named \"", tensors[i].name, '"');
  std::stable_sort(tensors.begin(), tensors.end(), [](const NamedTensor& a, const NamedTensor& b) {
    return a.file_dtype() > b.file_dtype();
  });
  return tensors;
}

/// Calls put with a tensor's numbers in half precision, a block at a time.
template <Scalar T, class Put>
void put_half(const NamedTensor& tensor, Put&& put) {
  constexpr std::size_t block = 4096;
  std::array<T, block> wide;
  std::array<std::uint16_t, block> half;
  const std::size_t size = tensor.bytes.size() / sizeof(T);
  for (std::size_t done = 0; done < size;) {
    const std::size_t count = std::min(size - done, block);
    std::memcpy(wide.data(), tensor.bytes.data() + done * sizeof(T), count * sizeof(T));
    if (const auto i =
            encode_half(*tensor.stored, std::span<const T>(wide.data(), count), half.data()))
      raise<ArgumentError>("write_safetensors: tensor \"", tensor.name, "\" holds ", wide[*i],
                           " at element ", done + *i, ", which ", info(*tensor.stored).name,
                           " can not hold");
    put(std::string_view(reinterpret_cast<const char*>(half.data()), count * sizeof(half[0])));
    done += count;
  }
}

/// The header, with its length in front and padded with spaces to a multiple of 8, of tensors in
/// file order.
inline std::string safetensors_header(const std::vector<NamedTensor>& tensors,
                                      const Metadata& metadata) {
  std::string header(sizeof(std::uint64_t), '\0');  // becomes the length
  header += '{';
  if (!metadata.empty()) {
    header += "\"__metadata__\":";
    char separator = '{';
    for (const auto& [key, value] : metadata) {
      header += std::exchange(separator, ',');
      append_json(header, key);
      header += ':';
      append_json(header, value);
    }
    header += '}';
  }
  std::uint64_t begin = 0;
  for (const NamedTensor& tensor : tensors) {
    const std::uint64_t end = begin + tensor.file_bytes();
    if (header.back() != '{') header += ',';
    append_json(header, tensor.name);
    header.append(":{\"dtype\":\"").append(info(tensor.file_dtype()).name).append("\",\"shape\":[");
    for (int axis = 0; axis < tensor.shape.rank(); ++axis)
      header.append(axis ? "," : "").append(std::to_string(tensor.shape[axis]));
    header.append("],\"data_offsets\":[").append(std::to_string(begin)).append(",");
    header.append(std::to_string(end)).append("]}");
    begin = end;
  }
  header += '}';
  while (header.size() % 8 != 0) header += ' ';
  const std::uint64_t length = header.size() - sizeof(length);
  std::memcpy(header.data(), &length, sizeof(length));
  return header;
}

/// Lays out safetensors as the reference implementation does, so that equal content gives equal
/// bytes, and calls put(std::string_view) with the pieces in order.
/// Throws ArgumentError if a name is not allowed or comes twice, if a tensor's bytes are not what
/// its type and shape need, if text is not UTF-8, if a number is beyond the half type it is to be
/// stored in, or if there is more than our own reader accepts.
template <class Put>
void store_safetensors(std::vector<NamedTensor> tensors, const Metadata& metadata, Put&& put) {
  const SafetensorsOptions limits;
  if (tensors.size() > limits.max_tensors || metadata.size() > limits.max_metadata)
    raise<ArgumentError>("write_safetensors: ", tensors.size(), " tensors and ", metadata.size(),
                         " metadata entries, at most ", limits.max_tensors, " and ",
                         limits.max_metadata, " can be read back");
  tensors = in_file_order(std::move(tensors));
  const std::string header = safetensors_header(tensors, metadata);
  if (header.size() - sizeof(std::uint64_t) > limits.max_header_bytes)
    raise<ArgumentError>("write_safetensors: header of ", header.size(), " bytes, at most ",
                         limits.max_header_bytes, " can be read back");
  put(std::string_view(header));
  for (const NamedTensor& tensor : tensors) {
    if (tensor.stored && tensor.dtype == DType::f32) {
      put_half<float>(tensor, put);
    } else if (tensor.stored) {
      put_half<double>(tensor, put);
    } else {
      put(std::string_view(reinterpret_cast<const char*>(tensor.bytes.data()),
                           tensor.bytes.size()));
    }
  }
}

/// Writes a safetensors file, as a whole or not at all (see AtomicFile). Throws what
/// store_safetensors throws, and FormatError if writing fails; the old file is there then.
inline void write_safetensors(const std::string& path, std::vector<NamedTensor> tensors,
                              const Metadata& metadata = {}) {
  AtomicFile file(path);
  store_safetensors(std::move(tensors), metadata,
                    [&](std::string_view piece) { file.write(piece); });
  file.commit();
}

/// The bytes that write_safetensors writes.
inline std::string safetensors_bytes(std::vector<NamedTensor> tensors,
                                     const Metadata& metadata = {}) {
  std::string out;
  store_safetensors(std::move(tensors), metadata, [&](std::string_view piece) { out += piece; });
  return out;
}

}  // namespace foglift::inline v0::io
