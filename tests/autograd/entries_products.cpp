#include "autograd/op_registry.hpp"
#include "foglift/autograd/ops/linear.hpp"
#include "foglift/autograd/ops/matmul.hpp"

namespace ops_under_test {

namespace {

std::vector<OpCase> linear_cases(Rng& rng, bool bias) {
  std::vector<OpCase> cases;
  const std::vector<Shape> inputs = {{1, 1},    {1, 3}, {2, 1},       {7, 5},    {0, 4},
                                     {3, 17},   {2, 9}, {4, 2, 3},    {1, 5, 7}, {5, 1, 6},
                                     {2, 0, 3}, {3},    {2, 2, 2, 3}, {6, 33}};
  for (const Shape& s : inputs)
    for (const Index out : {1, 5, 18}) {
      const Index in = s.dim(-1);
      std::vector<Tensor<double>> values{random_input(rng, s), random_input(rng, {in, out})};
      if (bias) values.push_back(random_input(rng, {out}));
      const auto call = [](auto x) {
        return x.size() == 3 ? linear(x[0], x[1], x[2]) : linear(x[0], x[1]);
      };
      cases.push_back({std::move(values), call, {}});
      if (s.rank() > 1) cases.back().batched = {0};
    }
  return cases;
}

std::vector<OpCase> matmul_cases(Rng& rng) {
  std::vector<OpCase> cases;
  for (const Shape& lead : {Shape{}, Shape{1}, Shape{3}, Shape{0}, Shape{2, 3}})
    for (const auto& [m, k, n] :
         {std::array<Index, 3>{1, 1, 1}, {2, 3, 4}, {5, 1, 7}, {1, 9, 17}, {13, 2, 1}, {7, 0, 3}}) {
      const auto with = [&](Index rows, Index columns) {
        std::vector<Index> extents(lead.begin(), lead.end());
        extents.insert(extents.end(), {rows, columns});
        return Shape(extents.data(), extents.size());
      };
      cases.push_back({{random_input(rng, with(m, k)), random_input(rng, with(k, n))},
                       [](auto x) { return matmul(x[0], x[1]); },
                       {}});
      if (lead.rank() > 0) cases.back().batched = {0, 1};
    }
  return cases;
}

}  // namespace

std::vector<OpEntry> products_entries() {
  return {{"linear", [](Rng& rng) { return linear_cases(rng, true); }},
          {"linear", [](Rng& rng) { return linear_cases(rng, false); }},
          {"matmul", matmul_cases}};
}

}  // namespace ops_under_test
