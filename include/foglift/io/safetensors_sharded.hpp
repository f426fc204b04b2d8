#pragma once

#include "foglift/core/error.hpp"
#include "foglift/core/file.hpp"
#include "foglift/core/utf8.hpp"
#include "foglift/io/json.hpp"
#include "foglift/io/safetensors_reader.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace foglift::inline v0::io {

/// Which file of a sharded model holds which tensors.
using ShardIndex = std::map<std::string, std::vector<std::string>>;

/// Parses an index as Hugging Face libraries write it (*.safetensors.index.json): an object with a
/// weight_map from tensor names to file names, and other members, which are skipped. Throws
/// FormatError if it is not valid, names a tensor twice, or names a file by anything but a plain
/// name, so that no index leads out of its folder.
inline ShardIndex parse_shard_index(std::string_view json, const std::string& source) {
  constexpr int depth = 16;
  constexpr std::size_t max_file_name = 255;
  JsonScanner scan(json, source, "byte");
  std::map<std::string, std::string> file_of;
  bool mapped = false;
  scan.object(JsonScanner::any_size, [&](const std::string& member) {
    if (member != "weight_map") return scan.skip(depth);
    if (std::exchange(mapped, true)) scan.fail("weight_map comes twice");
    scan.object(max_tensor_name, [&](std::string name) {
      std::string file = scan.string(max_file_name);
      if (file.empty() || file == "." || file == ".." ||
          file.find_first_of(std::string_view("/\\\0", 3)) != std::string::npos)
        scan.fail("\"", utf8::printable(file), "\" is not the name of a file in the same folder");
      const auto [at, fresh] = file_of.emplace(std::move(name), std::move(file));
      if (!fresh) scan.fail("tensor \"", utf8::printable(at->first), "\" comes twice");
    });
  });
  scan.end();
  if (!mapped) raise<FormatError>(source, ": no weight_map, as the index of a sharded model has");
  ShardIndex index;
  for (auto& [name, file] : file_of) index[file].push_back(name);
  return index;
}

namespace detail {

/// Moves the tensors of those names, both in order, behind `to`, their bytes `shift` further on.
/// Throws FormatError naming the file for one that it has not.
inline void take_tensors(std::vector<TensorInfo>& from, const std::vector<std::string>& names,
                         std::size_t shift, const std::string& path, std::vector<TensorInfo>& to) {
  auto at = from.begin();
  for (const std::string& name : names) {
    while (at != from.end() && at->name < name) ++at;
    if (at == from.end() || at->name != name)
      raise<FormatError>(path, ": no tensor \"", utf8::printable(name),
                         "\", which the index places in this file");
    at->begin += shift;
    at->end += shift;
    to.push_back(std::move(*at++));
  }
}

}  // namespace detail

/// Reads a model whose tensors are spread over several safetensors files, by its index: the files
/// lie in the index's folder. The result has the tensors that the index names and, of files that
/// state the same key, the first one's metadata. The limits of the options hold for all files
/// together. Throws FormatError naming the file: no index, not readable, not valid, beyond the
/// limits, or without a tensor that the index places in it.
inline Safetensors read_sharded_safetensors(const std::string& index_path,
                                            const SafetensorsOptions& options = {}) {
  const std::string json = read_file(index_path, options.max_header_bytes);
  if (json.empty() || json[0] != '{')
    raise<FormatError>(index_path,
                       ": no index of a sharded model, which is JSON text; "
                       "read_safetensors reads single files");
  const std::size_t slash = index_path.rfind('/');
  const std::string folder = slash == std::string::npos ? "" : index_path.substr(0, slash + 1);
  const ShardIndex index = parse_shard_index(json, index_path);
  std::uint64_t total = 0;
  for (const auto& [name, tensors] : index) {
    InputFile file(folder + name);
    load_safetensors_header(file, file.size(), file.path(), options);
    total += file.size();
    if (total > options.max_file_bytes)
      raise<FormatError>(index_path, ": files of more than ", options.max_file_bytes, " bytes");
  }
  SafetensorsHeader header;
  std::vector<std::byte> data;
  data.reserve(total);
  for (const auto& [name, tensors] : index) {
    InputFile file(folder + name);
    auto shard = load_safetensors_header(file, file.size(), file.path(), options);
    const std::size_t begin = data.size();
    detail::take_tensors(shard.first.tensors, tensors, begin, file.path(), header.tensors);
    header.metadata.merge(shard.first.metadata);
    if (header.tensors.size() > options.max_tensors)
      raise<FormatError>(index_path, ": more than ", options.max_tensors, " tensors");
    data.resize(begin + shard.second);
    file.read(data.data() + begin, data.size() - begin);
    file.finish();
  }
  std::sort(header.tensors.begin(), header.tensors.end(),
            [](const TensorInfo& a, const TensorInfo& b) { return a.name < b.name; });
  Safetensors out(index_path, std::move(header), std::move(data));
  if (options.require_finite) out.check_finite();
  return out;
}

}  // namespace foglift::inline v0::io
