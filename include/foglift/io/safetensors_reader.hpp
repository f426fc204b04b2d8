#pragma once

#include "foglift/core/error.hpp"
#include "foglift/core/file.hpp"
#include "foglift/core/tensor.hpp"
#include "foglift/io/dtype.hpp"
#include "foglift/io/safetensors_header.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace foglift::inline v0::io {

/// The content of a safetensors file, in memory and found to be valid: named tensors and string
/// metadata. (Format: github.com/huggingface/safetensors.)
class Safetensors {
 public:
  /// Tensors and metadata as the header states them; `data` is what the header describes.
  Safetensors(std::string source, SafetensorsHeader header, std::vector<std::byte> data)
      : source_(std::move(source)), header_(std::move(header)), data_(std::move(data)) {}

  /// Where the content came from; errors begin with it.
  const std::string& source() const { return source_; }
  const Metadata& metadata() const { return header_.metadata; }
  /// All tensors, by name.
  const std::vector<TensorInfo>& tensors() const { return header_.tensors; }
  std::vector<std::string> names() const {
    std::vector<std::string> out;
    for (const TensorInfo& tensor : tensors()) out.push_back(tensor.name);
    return out;
  }

  bool contains(std::string_view name) const { return find(name) != nullptr; }

  /// Throws FormatError if the file has no such tensor.
  const TensorInfo& at(std::string_view name) const {
    const TensorInfo* tensor = find(name);
    if (!tensor)
      raise<FormatError>(source_, ": no tensor \"", name, "\" among its ", tensors().size());
    return *tensor;
  }

  /// Throws FormatError if the metadata has no such key.
  const std::string& metadata(const std::string& key) const {
    const auto at = header_.metadata.find(key);
    if (at == header_.metadata.end()) raise<FormatError>(source_, ": no metadata \"", key, '"');
    return at->second;
  }

  /// A tensor's bytes as they are stored: little-endian, row-major. Throws FormatError if there is
  /// no such tensor.
  std::span<const std::byte> bytes(std::string_view name) const { return bytes(at(name)); }

  /// A tensor as numbers of type T: F4, the 8-bit types, F16, BF16 and F32 exactly, F64 and
  /// integers rounded to nearest, BOOL as 0 and 1; integers as any Element that holds them. Throws
  /// FormatError if there is no such tensor, its rank is beyond 6, its type is no plain number
  /// (C64, and F6, whose packing no writer defines), or an element is beyond T: a finite number, or
  /// what is no integer.
  template <Element T>
  Tensor<T> tensor(std::string_view name) const {
    const TensorInfo& stored = at(name);
    if (!stored.wide_shape.empty())
      raise<FormatError>(source_, ": tensor \"", stored.name, "\" has shape ", stored.wide_shape,
                         ", a Tensor has rank ", Shape::max_rank,
                         " at most; its bytes() can be read");
    if constexpr (!Scalar<T>) check_integers<T>(stored);
    auto out = Tensor<T>::uninitialized(stored.shape);
    if (!decode(stored.dtype, bytes(stored), out.data()))
      raise<FormatError>(source_, ": tensor \"", name, "\" has dtype ", info(stored.dtype).name,
                         ", which is no plain number; its bytes() can be read");
    if constexpr (std::same_as<T, float>)
      if (stored.dtype == DType::f64) check_narrowed(stored, out);
    return out;
  }

  /// A tensor's elements, flat. Throws FormatError if there is no such tensor or it is not stored
  /// as U.
  template <class U>
  std::vector<U> values(std::string_view name) const {
    const TensorInfo& stored = at(name);
    if (stored.dtype != dtype_of<U>())
      raise<FormatError>(source_, ": tensor \"", name, "\" has dtype ", info(stored.dtype).name,
                         ", needs ", info(dtype_of<U>()).name);
    const auto from = bytes(stored);
    std::vector<U> out(from.size() / sizeof(U));
    if (!out.empty()) std::memcpy(out.data(), from.data(), from.size());
    return out;
  }

  /// Throws FormatError naming the first element of a floating tensor that is not finite.
  void check_finite() const {
    for (const TensorInfo& tensor : tensors())
      if (const auto i = first_non_finite(tensor.dtype, bytes(tensor)))
        raise<FormatError>(source_, ": tensor \"", tensor.name, "\" is not finite at element ", *i);
  }

 private:
  const TensorInfo* find(std::string_view name) const {
    const auto at = std::lower_bound(
        tensors().begin(), tensors().end(), name,
        [](const TensorInfo& tensor, std::string_view wanted) { return tensor.name < wanted; });
    return at != tensors().end() && at->name == name ? &*at : nullptr;
  }

  std::span<const std::byte> bytes(const TensorInfo& tensor) const {
    return std::span(data_).subspan(tensor.begin, tensor.end - tensor.begin);
  }

  template <class T>
  void check_integers(const TensorInfo& stored) const {
    with_elements(stored.dtype, bytes(stored), [&](std::size_t count, auto&& element) {
      for (std::size_t i = 0; i < count; ++i)
        if (!integer_holds<T>(element(i)))
          raise<FormatError>(source_, ": tensor \"", stored.name, "\" holds ", +element(i),
                             " at element ", i, ", which an integer of ", sizeof(T),
                             " bytes can not hold");
    });
  }

  template <class T>
  void check_narrowed(const TensorInfo& stored, const Tensor<T>& narrowed) const {
    const auto from = bytes(stored);
    for (Index i = 0; i < narrowed.size(); ++i) {
      if (std::isfinite(narrowed[i])) continue;
      double wide;
      std::memcpy(&wide, from.data() + i * Index{sizeof(double)}, sizeof(double));
      if (std::isfinite(wide))
        raise<FormatError>(source_, ": tensor \"", stored.name, "\" holds ", wide, " at element ",
                           i, ", which float can not hold");
    }
  }

  std::string source_;
  SafetensorsHeader header_;
  std::vector<std::byte> data_;
};

/// What a file is that is no safetensors file, by its first eight bytes; empty if they say nothing.
inline std::string_view other_format(std::uint64_t first_bytes) {
  std::array<char, sizeof(first_bytes)> bytes;
  std::memcpy(bytes.data(), &first_bytes, sizeof(first_bytes));
  const std::string_view text(bytes.data(), bytes.size());
  const auto begins = [&](std::string_view with) { return text.substr(0, with.size()) == with; };
  if (begins("PK\3\4"))
    return "a zip archive, as torch.save writes it (.pt, .bin, .ckpt), not safetensors; "
           "safetensors.torch.save_file(torch.load(PATH), OTHER) converts it";
  if (text[0] == '\x80' && text[1] >= 2 && text[1] <= 5)
    return "a pickle, as old versions of torch.save write it (.pt, .bin, .ckpt), not safetensors; "
           "safetensors.torch.save_file(torch.load(PATH), OTHER) converts it";
  if (begins("{"))
    return "JSON text, not safetensors; read_sharded_safetensors reads the index of a sharded "
           "model";
  if (begins("version ")) return "a Git LFS pointer, whose file was not downloaded";
  if (begins("\x93NUMPY")) return "a NumPy array (NPY), not safetensors; data::read_npy reads it";
  if (begins("\x89HDF\r\n")) return "an HDF5 file, not safetensors";
  if (begins("GGUF")) return "a GGUF file, not safetensors";
  if (begins("\x1F\x8B")) return "a gzip archive, not safetensors";
  return {};
}

/// The header of safetensors and the number of bytes behind it, from anything that hands over the
/// next `count` bytes by read(to, count) and has `size` of them. Nothing is allocated before the
/// sizes are known to fit each other.
template <class Input>
std::pair<SafetensorsHeader, std::uint64_t> load_safetensors_header(
    Input& input, std::uint64_t size, const std::string& source,
    const SafetensorsOptions& options) {
  if (size > options.max_file_bytes)
    raise<FormatError>(source, ": ", size, " bytes, at most ", options.max_file_bytes,
                       " are accepted");
  std::uint64_t header_bytes = 0;
  if (size < sizeof(header_bytes))
    raise<FormatError>(source, ": ", size, " bytes, a safetensors file has at least 8");
  input.read(&header_bytes, sizeof(header_bytes));
  if (header_bytes > options.max_header_bytes || header_bytes > size - sizeof(header_bytes)) {
    if (const auto kind = other_format(header_bytes); !kind.empty())
      raise<FormatError>(source, ": ", kind);
    if (header_bytes > options.max_header_bytes)
      raise<FormatError>(source, ": header of ", header_bytes, " bytes, at most ",
                         options.max_header_bytes, " are accepted");
    raise<FormatError>(source, ": header of ", header_bytes, " bytes in a file of ", size);
  }
  const std::uint64_t data_bytes = size - sizeof(header_bytes) - header_bytes;
  std::string json(header_bytes, '\0');
  input.read(json.data(), json.size());
  return {SafetensorsHeaderParser(json, data_bytes, source, options).parse(), data_bytes};
}

/// Reads safetensors from such an input.
template <class Input>
Safetensors load_safetensors(Input& input, std::uint64_t size, const std::string& source,
                             const SafetensorsOptions& options) {
  auto [header, data_bytes] = load_safetensors_header(input, size, source, options);
  std::vector<std::byte> data(data_bytes);
  input.read(data.data(), data.size());
  Safetensors out(source, std::move(header), std::move(data));
  if (options.require_finite) out.check_finite();
  return out;
}

/// Reads a safetensors file. Throws FormatError, which names the path and the place, if it can not
/// be read, is not valid, or is beyond the limits of the options.
inline Safetensors read_safetensors(const std::string& path,
                                    const SafetensorsOptions& options = {}) {
  InputFile file(path);
  Safetensors out = load_safetensors(file, file.size(), path, options);
  file.finish();
  return out;
}

/// The same from bytes in memory; errors begin with `source`.
inline Safetensors parse_safetensors(std::span<const std::byte> bytes,
                                     const SafetensorsOptions& options = {},
                                     const std::string& source = "safetensors") {
  MemoryInput memory(bytes);
  return load_safetensors(memory, bytes.size(), source, options);
}

}  // namespace foglift::inline v0::io
