#pragma once

#include "foglift/core/atomic_file.hpp"
#include "foglift/core/error.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

/// Puts `text` into a page between the lines "<!-- NAME -->" and "<!-- /NAME -->", in place of what
/// was there; at the end of a page that has neither, or of a new one. What stands outside of them
/// stays. Throws FormatError for a page that has one without the other.
inline void write_marked(const std::string& path, const std::string& name,
                         const std::string& text) {
  const std::string begin = "<!-- " + name + " -->\n", end = "<!-- /" + name + " -->\n";
  std::string page;
  if (std::filesystem::exists(path)) {
    std::ifstream in(path, std::ios::binary);
    page.assign(std::istreambuf_iterator<char>(in), {});
  }
  const auto first = page.find(begin), last = page.find(end);
  if ((first == page.npos) != (last == page.npos) || (first != page.npos && last < first))
    foglift::raise<foglift::FormatError>(path, ": needed a line ",
                                         begin.substr(0, begin.size() - 1), " and after it ",
                                         end.substr(0, end.size() - 1));
  const std::string block = begin + text + end;
  if (first == page.npos)
    page += (page.empty() ? "" : "\n") + block;
  else
    page.replace(first, last + end.size() - first, block);
  foglift::write_file(path, page);
}
