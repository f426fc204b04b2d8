#pragma once

#include <cstddef>
#include <string>
#include <vector>

/// The length of a header in eight bytes, the header, the data.
inline std::string safetensors_file(const std::string& header, const std::string& data = "") {
  std::string out;
  for (int i = 0; i < 8; ++i) out += static_cast<char>(header.size() >> 8 * i & 0xFF);
  return out + header + data;
}

/// A bad file and a part of the message it must give.
struct BadFile {
  const char* name;
  std::string bytes;
  std::string message;
};

/// One tensor "x" of four floats, but for the piece put in its place.
inline std::string one_tensor(const std::string& name = "\"x\"",
                              const std::string& dtype = "\"F32\"",
                              const std::string& shape = "[4]",
                              const std::string& offsets = "[0,16]") {
  return safetensors_file("{" + name + ":{\"dtype\":" + dtype + ",\"shape\":" + shape +
                              ",\"data_offsets\":" + offsets + "}}",
                          std::string(16, '\1'));
}

/// Tensors of bytes, "a", "b", ... at the offsets given, over `size` bytes of data.
inline std::string byte_tensors(const std::vector<std::pair<int, int>>& offsets, int size) {
  std::string header = "{";
  char name = 'a';
  for (const auto& [begin, end] : offsets) {
    if (header.size() > 1) header += ',';
    header += std::string("\"") + name++ + "\":{\"dtype\":\"U8\",\"shape\":[" +
              std::to_string(end - begin) + "],\"data_offsets\":[" + std::to_string(begin) + "," +
              std::to_string(end) + "]}";
  }
  return safetensors_file(header + "}", std::string(static_cast<std::size_t>(size), '\1'));
}

inline std::string repeated(const std::string& piece, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += piece;
  return out;
}
