#pragma once

#include "foglift/core/error.hpp"
#include "foglift/core/shape.hpp"
#include "foglift/core/utf8.hpp"
#include "foglift/io/dtype.hpp"
#include "foglift/io/json.hpp"
#include "foglift/io/safetensors_types.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace foglift::inline v0::io {

/// Parses the JSON header of a safetensors file, whose data has `data_bytes` bytes, by the rules of
/// the reference implementation and stricter ones: every key once, integers in digits alone, known
/// keys only, rank at most 64, names of up to 512 bytes without control characters, and tensors
/// that cover the data without holes, overlaps or a rest.
class SafetensorsHeaderParser {
 public:
  SafetensorsHeaderParser(std::string_view json, std::uint64_t data_bytes, std::string_view name,
                          const SafetensorsOptions& options)
      : scan_(json, name), data_bytes_(data_bytes), name_(name), options_(options) {
    if (json.empty() || json[0] != '{') scan_.fail("the header must begin with '{'");
    // As many as there are objects, of which an entry of 50 bytes is the shortest valid one, so
    // that growing never doubles what a hostile file costs.
    header_.tensors.reserve(std::min({options.max_tensors, objects(json), json.size() / 50 + 1}));
  }

  /// Throws FormatError naming the file and the place in the header, or the tensor.
  SafetensorsHeader parse() && {
    bool metadata_seen = false;
    scan_.object(max_tensor_name, [&](std::string key) {
      if (key == "__metadata__") {
        if (std::exchange(metadata_seen, true)) scan_.fail("__metadata__ comes twice");
        read_metadata();
      } else {
        read_tensor(std::move(key));
      }
    });
    scan_.end();
    check_layout();
    sort_by_name();
    return std::move(header_);
  }

 private:
  /// Objects inside of an object: braces that are not in strings, but for the first.
  static std::size_t objects(std::string_view json) {
    std::size_t count = 0;
    bool inside = false;
    for (std::size_t at = 1; at < json.size(); ++at) {
      if (json[at] == '"') inside = !inside;
      if (json[at] == '\\') ++at;  // what it escapes is not looked at
      count += !inside && at < json.size() && json[at] == '{';
    }
    return count;
  }

  void read_metadata() {
    if (scan_.null()) return;  // as MLX writes it where there is none
    scan_.object(max_text, [&](std::string key) {
      if (header_.metadata.size() >= options_.max_metadata)
        scan_.fail("more than ", options_.max_metadata, " metadata entries");
      const auto [at, fresh] = header_.metadata.emplace(std::move(key), std::string());
      if (!fresh) scan_.fail("metadata key \"", utf8::printable(at->first), "\" comes twice");
      at->second = scan_.string(max_text);
    });
  }

  void read_tensor(std::string name) {
    if (header_.tensors.size() >= options_.max_tensors)
      scan_.fail("more than ", options_.max_tensors, " tensors");
    if (const auto problem = name_problem(name); !problem.empty()) scan_.fail("a tensor ", problem);
    bool dtype = false, shape = false, offsets = false;
    const auto once = [&](bool& seen) {
      if (std::exchange(seen, true))
        scan_.fail("a key of tensor \"", utf8::printable(name), "\" comes twice");
    };
    TensorInfo tensor;
    std::array<Index, max_stored_rank> storage{};
    std::span<const Index> extents;
    scan_.object(max_key, [&](const std::string& key) {
      if (key == "dtype") {
        once(dtype);
        tensor.dtype = read_dtype();
      } else if (key == "shape") {
        once(shape);
        extents = read_extents(storage);
      } else if (key == "data_offsets") {
        once(offsets);
        read_offsets(tensor);
      } else {
        scan_.fail("unknown key \"", utf8::printable(key), "\" of tensor \"", utf8::printable(name),
                   '"');
      }
    });
    if (!dtype || !shape || !offsets)
      scan_.fail("tensor \"", utf8::printable(name), "\" lacks ",
                 !dtype   ? "dtype"
                 : !shape ? "shape"
                          : "data_offsets");
    tensor.name = std::move(name);
    check_size(tensor, extents);
    if (extents.size() <= Shape::max_rank)
      tensor.shape = Shape(extents.data(), extents.size());
    else
      tensor.wide_shape = text_of(extents);
    header_.tensors.push_back(std::move(tensor));
  }

  DType read_dtype() {
    const std::string text = scan_.string(max_key);
    const auto dtype = dtype_named(text);
    if (!dtype) scan_.fail("unknown dtype \"", utf8::printable(text), '"');
    return *dtype;
  }

  std::span<const Index> read_extents(std::array<Index, max_stored_rank>& extents) {
    std::size_t rank = 0;
    scan_.array([&] {
      if (rank == extents.size()) scan_.fail("rank beyond ", max_stored_rank);
      const std::uint64_t extent = scan_.unsigned_integer();
      // Elements are addressed by Index, in bytes: 2^60 doubles.
      if (extent > static_cast<std::uint64_t>(std::numeric_limits<Index>::max() / 8))
        scan_.fail("extent ", extent, " is too large");
      extents[rank++] = static_cast<Index>(extent);
    });
    return std::span(extents).first(rank);
  }

  static std::string text_of(std::span<const Index> extents) {
    std::string text;
    for (const Index e : extents) text.append(text.empty() ? "[" : ", ").append(std::to_string(e));
    return text + ']';
  }

  void read_offsets(TensorInfo& tensor) {
    std::array<std::uint64_t, 2> pair{};
    std::size_t count = 0;
    scan_.array([&] {
      const std::uint64_t offset = scan_.unsigned_integer();
      if (count == pair.size()) scan_.fail("data_offsets has more than two numbers");
      pair[count++] = offset;
    });
    if (count != pair.size()) scan_.fail("data_offsets has ", count, " numbers, needs two");
    tensor.begin = pair[0];
    tensor.end = pair[1];
  }

  void check_size(const TensorInfo& tensor, std::span<const Index> extents) const {
    const auto needed = stored_bytes(tensor.dtype, extents);
    // Shape counts an extent of 0 as 1, so that no product of the others can overflow either.
    std::uint64_t count = 1;
    for (const Index e : extents) {
      const auto extent = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(e));
      if (count > static_cast<std::uint64_t>(std::numeric_limits<Index>::max() / 8) / extent)
        fail(tensor, "has more elements than can be addressed");
      count *= extent;
    }
    if (!needed) fail(tensor, "does not fill whole bytes");
    if (tensor.end < tensor.begin || tensor.end - tensor.begin != *needed)
      fail(tensor, "has data_offsets [", tensor.begin, ", ", tensor.end, "], its dtype ",
           info(tensor.dtype).name, " and shape need ", *needed, " bytes");
  }

  void check_layout() {
    auto& tensors = header_.tensors;
    std::sort(tensors.begin(), tensors.end(), [](const TensorInfo& a, const TensorInfo& b) {
      return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
    });
    std::uint64_t at = 0;
    for (const TensorInfo& tensor : tensors) {
      if (tensor.begin != at)
        fail(tensor, "begins at byte ", tensor.begin, " of the data, the tensors before it end at ",
             at);
      at = tensor.end;
    }
    if (at != data_bytes_)
      raise<FormatError>(name_, ": the tensors take ", at, " bytes, the file has ", data_bytes_,
                         " after its header");
  }

  void sort_by_name() {
    auto& tensors = header_.tensors;
    std::sort(tensors.begin(), tensors.end(),
              [](const TensorInfo& a, const TensorInfo& b) { return a.name < b.name; });
    for (std::size_t i = 1; i < tensors.size(); ++i)
      if (tensors[i].name == tensors[i - 1].name) fail(tensors[i], "comes twice");
  }

  template <class... Parts>
  [[noreturn]] void fail(const TensorInfo& tensor, const Parts&... parts) const {
    raise<FormatError>(name_, ": tensor \"", utf8::printable(tensor.name), "\" ", parts...);
  }

  static constexpr std::size_t max_key = 64;
  static constexpr std::size_t max_text = std::numeric_limits<std::size_t>::max();

  JsonScanner scan_;
  std::uint64_t data_bytes_;
  std::string_view name_;
  const SafetensorsOptions& options_;
  SafetensorsHeader header_;
};

}  // namespace foglift::inline v0::io
