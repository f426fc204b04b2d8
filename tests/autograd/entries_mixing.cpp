#include "autograd/op_registry.hpp"
#include "foglift/autograd/ops/arithmetic.hpp"
#include "foglift/autograd/ops/dct.hpp"
#include "foglift/autograd/ops/detach.hpp"
#include "foglift/autograd/ops/graph.hpp"
#include "foglift/autograd/ops/points.hpp"
#include "foglift/autograd/ops/resample.hpp"
#include "foglift/autograd/ops/scan.hpp"
#include "foglift/autograd/ops/straight_through.hpp"

#include <cmath>

namespace ops_under_test {
namespace {

const std::vector<Shape> shapes = {{1, 1},    {0, 3},    {2, 1},    {1, 5},    {3, 9},
                                   {2, 17},   {0, 2, 3}, {1, 1, 1}, {2, 3, 1}, {3, 1, 4},
                                   {2, 5, 7}, {4, 3, 2}, {1, 8, 3}, {2, 2, 17}};

/// b [B, L, C]; a of each time or one for all; with and without a state to begin with.
std::vector<OpCase> scan_cases(Rng& rng, bool complex) {
  std::vector<OpCase> cases;
  for (const Shape& s : {Shape{1, 1, 2}, Shape{0, 3, 2}, Shape{2, 1, 4}, Shape{2, 5, 2},
                         Shape{1, 7, 18}, Shape{3, 2, 34}, Shape{2, 0, 2}})
    for (const bool steady : {false, true})
      for (const bool begun : {false, true}) {
        std::vector<Tensor<double>> in{random_input(rng, steady ? Shape{s[2]} : s, -1, 1),
                                       random_input(rng, s)};
        if (begun) in.push_back(random_input(rng, {s[0], s[2]}));
        std::vector<std::size_t> batched{1};
        if (!steady) batched.insert(batched.begin(), 0);
        if (begun) batched.push_back(2);
        const auto call = [complex](auto x) {
          return linear_scan(x[0], x[1], x.size() > 2 ? &x[2] : nullptr, {.complex = complex});
        };
        cases.push_back({std::move(in), call, batched});
      }
  return cases;
}

/// Real and complex modes; steps that take the series near 0 and the closed form.
std::vector<OpCase> zoh_cases(Rng& rng) {
  std::vector<OpCase> cases;
  for (const Index parts : {1, 2})
    for (const Index H : {0, 1, 3})
      for (const Index N : {1, 4})
        for (const double dt : {1e-3, 0.7})
          cases.push_back(
              {{random_input(rng, {H}, dt, 2 * dt), random_input(rng, {parts, H, N}, -3, 3)},
               [](auto x) { return zoh(x[0], x[1]); }});
  return cases;
}

/// A matrix with about half of its entries, an empty row and an empty column.
Tensor<double> half_empty(Rng& rng, Index rows, Index columns) {
  Tensor<double> m = random_input(rng, {rows, columns});
  for (Index i = 0; i < rows; ++i)
    for (Index j = 0; j < columns; ++j)
      if ((i == 1 && rows > 1) || (j == 2 && columns > 2) || std::abs(m(i, j)) < 0.6) m(i, j) = 0;
  return m;
}

std::vector<OpCase> sparse_cases(Rng& rng, bool values) {
  std::vector<OpCase> cases;
  for (const Shape& s : shapes)
    for (const int axis : {0, -1, 1}) {
      if (axis == 1 && s.rank() < 3) continue;
      const Tensor<double> m = half_empty(rng, s.dim(axis) + 1, s.dim(axis));
      const bool samples = axis != 0;
      if (values)
        cases.push_back({{random_input(rng, {Csr<double>::of(m).size()}), random_input(rng, s)},
                         [m, axis](auto x) {
                           using T = typename std::remove_cvref_t<decltype(x[0])>::value_type;
                           return sparse_mix(Csr<T>::of(m.template cast<T>()), x[0], x[1], axis);
                         },
                         samples ? std::vector<std::size_t>{1} : std::vector<std::size_t>{}});
      else
        cases.push_back({{random_input(rng, s)},
                         [m, axis](auto x) {
                           using T = typename std::remove_cvref_t<decltype(x[0])>::value_type;
                           return sparse_mix(Csr<T>::of(m.template cast<T>()), x[0], axis);
                         },
                         samples ? std::vector<std::size_t>{0} : std::vector<std::size_t>{}});
    }
  return cases;
}

std::vector<OpCase> point_cases(Rng& rng) {
  std::vector<OpCase> cases;
  for (const bool align : {false, true})
    for (const Outside outside : {Outside::zero, Outside::border})
      for (const auto& [s, P] : {std::pair{Shape{1, 1, 1, 1}, Index{1}},
                                 {Shape{0, 2, 2, 1}, 2},
                                 {Shape{2, 3, 4, 3}, 5},
                                 {Shape{1, 1, 5, 17}, 3},
                                 {Shape{2, 6, 2, 1}, 0}}) {
        Tensor<double> points = random_input(rng, {s[0], P, 2}, -1.4, 1.4);
        for (Index i = 0; i < points.size(); ++i) {  // kinks are at whole cells, for either reading
          const auto n = static_cast<double>(s[i % 2 == 0 ? 2 : 1]);
          const double scale = (align ? n - 1 : n) / 2, shift = align ? 0 : 0.5;
          const double cell = (points[i] + 1) * scale - shift, part = cell - std::floor(cell);
          if (scale > 0 && (part < 0.02 || part > 0.98)) points[i] += 0.1 / scale;
        }
        cases.push_back({{random_input(rng, s), std::move(points)},
                         [align, outside](auto x) {
                           return sample_points(x[0], x[1],
                                                {.align_corners = align, .outside = outside});
                         },
                         {0, 1}});
      }
  return cases;
}

std::vector<OpCase> resize_cases(Rng& rng) {
  std::vector<OpCase> cases;
  for (const bool align : {false, true})
    for (const auto& [s, to] : {std::pair{Shape{1, 1, 1}, Shape{1}},
                                {Shape{0, 3, 2}, Shape{5}},
                                {Shape{2, 5, 3}, Shape{2}},
                                {Shape{3, 4, 17}, Shape{9}},
                                {Shape{2, 7, 1}, Shape{1}},
                                {Shape{1, 1, 4}, Shape{6}},
                                {Shape{1, 1, 1, 1}, Shape{1, 1}},
                                {Shape{2, 3, 4, 2}, Shape{5, 3}},
                                {Shape{0, 2, 2, 1}, Shape{1, 4}},
                                {Shape{1, 6, 1, 3}, Shape{3, 2}}})
      cases.push_back({{random_input(rng, s)},
                       [to = to, align](auto x) { return resize_linear(x[0], to, align); },
                       {0}});
  return cases;
}

std::vector<OpCase> dct_cases(Rng& rng, bool inverse) {
  std::vector<OpCase> cases;
  for (const Shape& s : shapes)
    for (const int axis : {0, -1, 1}) {
      if (axis == 1 && s.rank() < 3) continue;
      cases.push_back(
          {{random_input(rng, s)},
           [inverse, axis](auto x) { return inverse ? idct(x[0], axis) : dct(x[0], axis); },
           axis == 0 ? std::vector<std::size_t>{} : std::vector<std::size_t>{0}});
    }
  return cases;
}

/// Operations whose derivative is not that of their numbers: here in places where both agree.
std::vector<OpCase> detach_cases(Rng& rng) {
  std::vector<OpCase> cases;
  for (const bool both : {false, true})
    for (const Shape& s : shapes)
      cases.push_back({{random_input(rng, s)}, [both, other = random_input(rng, s)](auto x) {
                         using T = typename std::remove_cvref_t<decltype(x[0])>::value_type;
                         const auto fixed = detach(constant(other.template cast<T>(), x[0]));
                         return both ? x[0] * fixed : x[0] + fixed;
                       }});
  return cases;
}
std::vector<OpCase> straight_through_cases(Rng& rng) {
  std::vector<OpCase> cases;
  for (const bool twice : {false, true})
    for (const Shape& s : shapes)
      cases.push_back({{random_input(rng, s)},
                       [twice](auto x) {
                         const auto y = straight_through(x[0], value_of(x[0]));
                         return twice ? y + x[0] : y;
                       },
                       {0}});
  return cases;
}

}  // namespace

std::vector<OpEntry> mixing_entries() {
  return {{"linear_scan", [](Rng& rng) { return scan_cases(rng, false); }},
          {"linear_scan", [](Rng& rng) { return scan_cases(rng, true); }},
          {"zoh", zoh_cases},
          {"sparse_mix", [](Rng& rng) { return sparse_cases(rng, false); }},
          {"sparse_mix", [](Rng& rng) { return sparse_cases(rng, true); }},
          {"sample_points", point_cases},
          {"resize_linear", resize_cases},
          {"dct", [](Rng& rng) { return dct_cases(rng, false); }},
          {"idct", [](Rng& rng) { return dct_cases(rng, true); }},
          {"detach", detach_cases},
          {"straight_through", straight_through_cases}};
}

}  // namespace ops_under_test
