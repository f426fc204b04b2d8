#include "foglift/io/safetensors.hpp"

#include <cstdlib>

using namespace foglift;

namespace {

/// The fuzzer's bytes as decisions; zeros once they are used up.
struct Decisions {
  const unsigned char* at;
  const unsigned char* end;

  unsigned below(unsigned bound) { return at == end ? 0 : *at++ % bound; }
  std::uint64_t number() {
    constexpr std::uint64_t odd[] = {0,
                                     1,
                                     7,
                                     0xFFFFFFFF,
                                     1ull << 32,
                                     1ull << 59,
                                     1ull << 60,
                                     (1ull << 63) - 1,
                                     1ull << 63,
                                     ~0ull,
                                     (1ull << 61) + 1};
    const unsigned choice = below(16);
    return choice < std::size(odd) ? odd[choice] : below(256);
  }
};

struct Entry {
  std::string name;
  io::DType dtype;
  std::vector<std::uint64_t> extents;
  std::uint64_t begin, end;
};

std::string blanks(Decisions& choose) {
  constexpr std::string_view kinds[] = {"", "", "", " ", "\n", "\t\r "};
  return std::string(kinds[choose.below(std::size(kinds))]);
}

std::string text_of(const Entry& e, Decisions& choose) {
  std::string shape = "[",
              offsets = "[" + std::to_string(e.begin) + "," + std::to_string(e.end) + "]";
  for (std::size_t i = 0; i < e.extents.size(); ++i)
    shape += (i ? "," : "") + blanks(choose) + std::to_string(e.extents[i]);
  const std::string pieces[] = {
      "\"dtype\":" + blanks(choose) + "\"" + std::string(io::info(e.dtype).name) + "\"",
      "\"shape\":" + blanks(choose) + shape + "]", "\"data_offsets\":" + offsets};
  std::string out;
  io::append_json(out, e.name);
  out += ":" + blanks(choose) + "{";
  const unsigned first = choose.below(3);
  for (unsigned i = 0; i < 3; ++i) out += (i ? "," : "") + blanks(choose) + pieces[(first + i) % 3];
  return out + "}";
}

/// Tensors that lie one behind the other in the order they are listed.
std::vector<Entry> tensors(Decisions& choose) {
  std::vector<Entry> entries(choose.below(6));
  std::uint64_t at = 0;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    Entry& e = entries[i];
    e.name = std::string(1, static_cast<char>('a' + i));
    if (i == 0 && choose.below(4) == 0) e.name.clear();
    if (choose.below(4) == 0) e.name += "\xC3\xA9\"\\";
    e.dtype = static_cast<io::DType>(choose.below(io::dtype_table.size()));
    std::uint64_t elements = 1;
    for (unsigned rank = choose.below(9); rank > 0; --rank)
      elements *= e.extents.emplace_back(elements < 512 ? choose.below(4) : 1);
    while (elements * io::info(e.dtype).bits % 8 != 0) {  // whole bytes
      e.extents.push_back(2);
      elements *= 2;
    }
    e.begin = at;
    e.end = at += elements * io::info(e.dtype).bits / 8;
  }
  return entries;
}

/// One change of structure, or none; whether there was one.
bool damage(std::vector<Entry>& entries, std::uint64_t& data, Decisions& choose) {
  const unsigned kind = choose.below(10);
  if (kind < 3 || entries.empty()) return false;
  Entry& e = entries[choose.below(static_cast<unsigned>(entries.size()))];
  if (kind == 3) e.begin = choose.number();
  if (kind == 4) e.end = choose.number();
  if (kind == 5) e.extents.push_back(choose.number());
  if (kind == 6 && !e.extents.empty()) e.extents[0] = choose.number();
  if (kind == 7) e.dtype = static_cast<io::DType>(choose.below(io::dtype_table.size()));
  if (kind == 8) entries.push_back(e);
  if (kind == 9) data = choose.number() % 10'000;
  return true;
}

void need(bool truth) {
  if (!truth) std::abort();
}

}  // namespace

// A header made of valid pieces is read as what it was made of; one change of its structure is a
// FormatError or another valid file, never a tensor that reaches out of the data.
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* bytes, std::size_t size) {
  Decisions choose{bytes, bytes + size};
  std::vector<Entry> entries = tensors(choose);
  std::uint64_t data = entries.empty() ? 0 : entries.back().end;
  const bool damaged = damage(entries, data, choose);

  std::vector<std::string> members;
  for (const Entry& e : entries) members.push_back(text_of(e, choose));
  constexpr std::string_view metadata[] = {"null", "{}", "{\"k\":\"v\"}"};
  if (const unsigned kind = choose.below(4); kind < 3)
    members.insert(members.begin() + choose.below(static_cast<unsigned>(members.size() + 1)),
                   "\"__metadata__\":" + std::string(metadata[kind]));
  std::string header = "{";
  for (const std::string& member : members)
    header += (header.size() > 1 ? "," : "") + blanks(choose) + member + blanks(choose);
  header += "}" + blanks(choose);

  std::string file(8, '\0');
  for (std::size_t i = 0; i < 8; ++i) file[i] = static_cast<char>(header.size() >> 8 * i & 0xFF);
  file += header;
  for (std::uint64_t i = 0; i < data; ++i) file += static_cast<char>(choose.below(256));
  try {
    const auto read = io::parse_safetensors(std::as_bytes(std::span(file)));
    std::uint64_t total = 0;
    for (const io::TensorInfo& tensor : read.tensors()) {
      total += read.bytes(tensor.name).size();
      try {
        const auto values = read.tensor<double>(tensor.name);
        need(tensor.wide_shape.empty() && values.shape() == tensor.shape);
      } catch (const FormatError&) {
        need(!tensor.wide_shape.empty() || tensor.dtype == io::DType::c64 ||
             tensor.dtype == io::DType::f6_e2m3 || tensor.dtype == io::DType::f6_e3m2);
      }
    }
    need(total == data);
    if (damaged) return 0;
    need(read.tensors().size() == entries.size());
    for (const Entry& e : entries) {
      const io::TensorInfo& tensor = read.at(e.name);
      need(tensor.begin == e.begin && tensor.end == e.end && tensor.dtype == e.dtype);
      need(tensor.wide_shape.empty() == (e.extents.size() <= 6));
      if (e.extents.size() > 6) continue;
      need(tensor.shape.rank() == static_cast<int>(e.extents.size()));
      for (int i = 0; i < tensor.shape.rank(); ++i)
        need(static_cast<std::uint64_t>(tensor.shape[i]) == e.extents[static_cast<std::size_t>(i)]);
    }
  } catch (const FormatError&) {
    need(damaged);
  }
  return 0;
}
