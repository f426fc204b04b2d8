#pragma once

#include "foglift/core/file.hpp"
#include "foglift/data/npy_reader.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace foglift::inline v0::data {

/// The arrays of a NumPy archive as numpy.savez writes it: NPY files in a ZIP archive, stored as
/// they are. Throws FormatError, naming the archive and what is wrong with it, for one that is cut
/// off, is of several disks, has two arrays of one name, bytes whose CRC-32 is another, or more
/// than 4 GB, and for compressed arrays (numpy.savez_compressed). Costs the memory of the file.
///
///   data::NpzFile archive("features.npz");
///   auto x = archive.read<float>("x");
class NpzFile {
 public:
  explicit NpzFile(const std::string& path)
      : NpzFile(read_file(path, std::uint64_t{1} << 40), path) {}
  /// Of bytes in memory; errors begin with `source`.
  NpzFile(std::string bytes, std::string source)
      : bytes_(std::move(bytes)), source_(std::move(source)) {
    find_members();
  }

  /// Names of the arrays in the order of the archive.
  const std::vector<std::string>& names() const { return names_; }
  bool has(const std::string& name) const { return members_.count(name) > 0; }

  /// An array, as data::read_npy reads it. Throws FormatError for a name that is not there, naming
  /// those that are, and what read_npy throws.
  template <Element T = float>
  Tensor<T> read(const std::string& name, const NpyOptions& options = {}) const {
    const auto member = members_.find(name);
    if (member == members_.end()) {
      std::string list;
      for (const std::string& n : names_) list += (list.empty() ? "" : ", ") + n;
      raise<FormatError>(source_, ": no array \"", utf8::printable(name), "\"; it has ",
                         utf8::printable(list));
    }
    const auto [at, size] = member->second;
    return parse_npy<T>(std::as_bytes(std::span(bytes_).subspan(at, size)), options,
                        source_ + ": " + name);
  }

 private:
  static constexpr std::uint32_t end_mark = 0x06054b50, entry_mark = 0x02014b50,
                                 member_mark = 0x04034b50;
  static constexpr std::size_t end_bytes = 22, entry_bytes = 46, member_bytes = 30;

  template <class... Why>
  [[noreturn]] void refuse(const Why&... why) const {
    raise<FormatError>(source_, ": ", why...);
  }

  /// A little-endian number of `bytes` bytes. Throws where the file ends before.
  std::uint32_t number(std::size_t at, std::size_t bytes) const {
    if (at > bytes_.size() || bytes > bytes_.size() - at)
      refuse("is cut off: ", bytes_.size(), " bytes, needed at least ", at + bytes);
    std::uint32_t out = 0;
    for (std::size_t i = bytes; i-- > 0;)
      out = out << 8 | static_cast<unsigned char>(bytes_[at + i]);
    return out;
  }
  std::string_view piece(std::size_t at, std::size_t size) const {
    if (at > bytes_.size() || size > bytes_.size() - at)
      refuse("is cut off: ", bytes_.size(), " bytes, needed at least ", at + size);
    return std::string_view(bytes_).substr(at, size);
  }

  static std::uint32_t crc_32(std::string_view bytes) {
    static const std::array<std::uint32_t, 256> table = [] {
      std::array<std::uint32_t, 256> out{};
      for (std::uint32_t i = 0; i < 256; ++i) {
        out[i] = i;
        for (int k = 0; k < 8; ++k) out[i] = out[i] >> 1 ^ (out[i] & 1 ? 0xedb88320U : 0U);
      }
      return out;
    }();
    std::uint32_t crc = ~0U;
    for (const char c : bytes) crc = crc >> 8 ^ table[(crc ^ static_cast<unsigned char>(c)) & 255];
    return ~crc;
  }

  /// Where the record at the end of the archive begins: behind it stands a comment that it tells
  /// the length of.
  std::size_t find_end() const {
    if (bytes_.size() < 4 || (number(0, 4) != member_mark && number(0, 4) != end_mark))
      refuse("does not begin as a ZIP archive does");
    const std::size_t most = 65'535 + end_bytes;
    for (std::size_t back = end_bytes; back <= std::min(most, bytes_.size()); ++back) {
      const std::size_t at = bytes_.size() - back;
      if (number(at, 4) == end_mark && number(at + 20, 2) == back - end_bytes) return at;
    }
    refuse("is cut off: the end of a ZIP archive was not found");
  }

  void find_members() {
    const std::size_t end = find_end();
    if (number(end + 4, 2) != 0 || number(end + 6, 2) != 0) refuse("is of several disks");
    const std::uint32_t count = number(end + 10, 2);
    std::size_t at = number(end + 16, 4);
    if (count == 0xffff || at == 0xffffffff) refuse("is an archive of more than 4 GB");
    for (std::uint32_t i = 0; i < count; ++i) {
      if (number(at, 4) != entry_mark) refuse("entry ", i, " of ", count, " is none");
      const std::uint32_t flags = number(at + 8, 2), method = number(at + 10, 2);
      const std::uint32_t crc = number(at + 16, 4), stored = number(at + 20, 4),
                          size = number(at + 24, 4), start = number(at + 42, 4);
      const std::size_t name_size = number(at + 28, 2);
      std::string name(piece(at + entry_bytes, name_size));
      at += entry_bytes + name_size + number(at + 30, 2) + number(at + 32, 2);
      const std::string told = utf8::printable(name);
      if (stored == 0xffffffff || size == 0xffffffff || start == 0xffffffff)
        refuse("\"", told, "\" has more than 4 GB");
      if (flags & 1) refuse("\"", told, "\" is encrypted");
      if (method != 0 || stored != size)
        refuse("\"", told,
               "\" is compressed; needed an archive of numpy.savez, not of "
               "numpy.savez_compressed");
      if (number(start, 4) != member_mark) refuse("\"", told, "\" does not stand where it should");
      const std::size_t content =
          start + member_bytes + number(start + 26, 2) + number(start + 28, 2);
      if (crc_32(piece(content, size)) != crc)
        refuse("\"", told, "\" is damaged: its CRC-32 is another");
      if (name.ends_with(".npy")) name.resize(name.size() - 4);
      if (!members_.emplace(name, Place{content, size}).second)
        refuse("has two arrays \"", told, '"');
      names_.push_back(std::move(name));
    }
  }

  std::string bytes_, source_;
  std::vector<std::string> names_;
  struct Place {
    std::size_t at, size;
  };
  std::map<std::string, Place> members_;
};

}  // namespace foglift::inline v0::data
