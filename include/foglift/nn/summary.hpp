#pragma once

#include "foglift/nn/module.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace foglift::inline v0::nn {

/// A table of a model's parameters, one a line: name, shape, number of elements; then the total.
///
///   name     shape       elements
///   weight   [2, 128]         256
///   bias     [128]            128
///   total                     384
inline std::string summary(const ModelView& model) {
  struct Row {
    std::string name, shape, elements;
  };
  std::vector<Row> rows{{"name", "shape", "elements"}};
  model.each_parameter([&](const ModelPath& path, const auto& p) {
    rows.push_back({path.name(), to_string(p.value.shape()), std::to_string(p.value.size())});
  });
  rows.push_back({"total", "", std::to_string(parameter_count(model))});

  std::size_t name = 0, shape = 0, elements = 0;
  for (const Row& row : rows) {
    name = std::max(name, row.name.size());
    shape = std::max(shape, row.shape.size());
    elements = std::max(elements, row.elements.size());
  }
  std::string table;
  for (const Row& row : rows) {
    table += row.name + std::string(name - row.name.size() + 3, ' ');
    table += row.shape + std::string(shape - row.shape.size() + 3, ' ');
    table += std::string(elements - row.elements.size(), ' ') + row.elements + '\n';
  }
  return table;
}

}  // namespace foglift::inline v0::nn
