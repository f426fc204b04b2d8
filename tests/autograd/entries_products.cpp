// Covers: matmul ops/attention ops/conv
#include "autograd/op_registry.hpp"
#include "foglift/autograd/ops/attention.hpp"
#include "foglift/autograd/ops/blur.hpp"
#include "foglift/autograd/ops/conv.hpp"
#include "foglift/autograd/ops/fused_conv.hpp"
#include "foglift/autograd/ops/linear.hpp"
#include "foglift/autograd/ops/matmul.hpp"
#include "foglift/autograd/ops/resample.hpp"

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
      const auto f = out == 1 ? Activation::none : out == 5 ? Activation::silu : Activation::gelu;
      const auto call = [f](auto x) {
        return x.size() == 3 ? linear(x[0], x[1], x[2], f) : linear(x[0], x[1], f);
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

/// Kernels, strides, dilations, paddings; padding at most 2, so that inputs of 3 can reflect it.
const std::vector<std::pair<Index, ConvOptions>> kernel_cases = {
    {1, {}},
    {3, {}},
    {3, {.padding = 1}},
    {3, {.padding = 1, .mode = Padding::circular}},
    {3, {.padding = 2, .mode = Padding::reflect}},
    {2, {.stride = 2}},
    {3, {.stride = 2, .padding = 1, .mode = Padding::reflect}},
    {4, {.stride = 3, .padding = 2}},
    {3, {.dilation = 2, .padding = 2}},
    {3, {.padding = 1, .algorithm = ConvAlgorithm::winograd}},
    {3, {.padding = 2, .mode = Padding::circular, .algorithm = ConvAlgorithm::winograd}},
    {2, {.stride = 2, .dilation = 3, .padding = 2, .mode = Padding::circular}},
};

std::vector<OpCase> conv1d_cases(Rng& rng, bool bias) {
  std::vector<OpCase> cases;
  for (const auto& [k, options] : kernel_cases)
    for (const Shape& s : {Shape{1, 4, 1}, Shape{0, 5, 2}, Shape{2, 9, 3}}) {
      const Index out = s[1] == 9 ? 5 : 1;
      std::vector<Tensor<double>> in{random_input(rng, s), random_input(rng, {k, s[2], out})};
      if (bias) in.push_back(random_input(rng, {out}));
      const auto call = [o = options](auto x) {
        return x.size() == 3 ? conv1d(x[0], x[1], x[2], o) : conv1d(x[0], x[1], o);
      };
      cases.push_back({std::move(in), call, {0}});
    }
  return cases;
}

std::vector<OpCase> conv2d_cases(Rng& rng, bool bias) {
  std::vector<OpCase> cases;
  for (const auto& [k, options] : kernel_cases)
    for (const Shape& s : {Shape{1, 4, 5, 1}, Shape{0, 4, 4, 2}, Shape{2, 5, 7, 3}}) {
      const Index out = s[1] == 5 ? 2 : 1;
      const Index k_other = s[1] == 5 ? k : std::max<Index>(1, k - 1);  // kernels not square
      std::vector<Tensor<double>> in{random_input(rng, s),
                                     random_input(rng, {k, k_other, s[3], out})};
      if (bias) in.push_back(random_input(rng, {out}));
      const auto call = [o = options](auto x) {
        return x.size() == 3 ? conv2d(x[0], x[1], x[2], o) : conv2d(x[0], x[1], o);
      };
      cases.push_back({std::move(in), call, {0}});
    }
  return cases;
}

/// One or two inputs, with and without normalization, bias, shift and residual; groups that
/// straddle the inputs.
std::vector<OpCase> fused_conv_cases(Rng& rng) {
  std::vector<OpCase> cases;
  unsigned which = 0;  // of the optional operands: most combinations come up
  for (const auto& [k, options] : kernel_cases)
    for (const Shape& s : {Shape{1, 4, 4}, Shape{0, 5, 2}, Shape{2, 9, 6}, Shape{2, 4, 5, 4}}) {
      const bool flat = s.rank() == 3, two = which & 1, bias = which & 2, shift = which & 4,
                 residual = which & 8, norm = which & 16;
      which += 5;
      const Index in = s.dim(-1) + (two ? 2 : 0), out = 3;
      std::vector<Tensor<double>> x;
      std::vector<std::size_t> batched;
      const auto add = [&](bool given, const Shape& shape, bool sample) {
        if (!given) return;
        if (sample) batched.push_back(x.size());
        x.push_back(random_input(rng, shape));
      };
      const auto extent = [kernel = k, o = options](Index n) {
        return (n + 2 * o.padding - o.dilation * (kernel - 1) - 1) / o.stride + 1;
      };
      add(true, s, true);
      add(true, flat ? Shape{k, in, out} : Shape{k, k, in, out}, false);
      add(two, s.with(-1, 2), true);
      add(norm, {in}, false);
      add(norm, {in}, false);
      add(bias, {out}, false);
      add(shift, {s[0], out}, true);
      add(residual,
          flat ? Shape{s[0], extent(s[1]), out} : Shape{s[0], extent(s[1]), extent(s[2]), out},
          true);
      const auto call = [=, o = options](auto v) {
        using X = std::remove_cvref_t<decltype(v[0])>;
        std::size_t next = 2;
        const auto optional = [&](bool given) { return given ? &v[next++] : nullptr; };
        FusedConv<X> p{.x = &v[0], .groups = 2, .eps = 0.1, .weight = &v[1], .options = o};
        p.x2 = optional(two);
        p.gamma = optional(norm);
        p.beta = optional(norm);
        p.bias = optional(bias);
        p.shift = optional(shift);
        p.residual = optional(residual);
        return fused_conv(p);
      };
      cases.push_back({std::move(x), call, batched});
    }
  return cases;
}

std::vector<OpCase> resample_cases(Rng& rng, bool pool) {
  std::vector<OpCase> cases;
  for (const Index f : {1, 2, 3})
    for (const Shape& s : {Shape{1, 1, 1}, Shape{2, 5, 3}, Shape{0, 3, 2}, Shape{3, 2, 17},
                           Shape{1, 1, 1, 1}, Shape{2, 1, 3, 5}, Shape{3, 2, 2, 2}}) {
      Shape in = s;
      for (int axis = 1; pool && axis < s.rank() - 1; ++axis) in = in.with(axis, s[axis] * f);
      const auto call = [f, pool](auto x) {
        return pool ? avg_pool(x[0], f) : upsample_nearest(x[0], f);
      };
      cases.push_back({{random_input(rng, in)}, call, {0}});
    }
  return cases;
}

std::vector<OpCase> blur_cases(Rng& rng) {
  std::vector<OpCase> cases;
  for (const double sigma : {0.3, 1.5, HUGE_VAL})
    for (const Shape& s : {Shape{1, 1, 1}, Shape{2, 5, 3}, Shape{0, 3, 2}, Shape{3, 2, 17},
                           Shape{1, 1, 1, 1}, Shape{2, 1, 3, 5}, Shape{3, 2, 4, 2}})
      cases.push_back(
          {{random_input(rng, s)}, [sigma](auto x) { return gaussian_blur(x[0], sigma); }, {0}});
  return cases;
}

/// Ones and zeros, with a query of the first sample that may attend to nothing.
Tensor<double> random_mask(Rng& rng, const Shape& shape) {
  Tensor<double> mask = random_input(rng, shape, 0, 1);
  for (double& m : mask) m = m < 0.4 ? 0 : 1;
  for (Index i = 0; i < shape.dim(-1) && shape[0] > 0; ++i) mask[i] = 0;
  return mask;
}

/// mask: 0 none, 1 [B, M], 2 [B, N, M].
std::vector<OpCase> attention_cases(Rng& rng, int mask_kind) {
  std::vector<OpCase> cases;
  for (const Index B : {1, 0, 3})
    for (const auto& [N, M, heads, d, dv] : {std::array<Index, 5>{1, 1, 1, 1, 1},
                                             {3, 2, 1, 4, 2},
                                             {5, 7, 2, 3, 5},
                                             {1, 9, 3, 1, 1},
                                             {7, 1, 2, 2, 1},
                                             {50, 3, 1, 2, 2},
                                             {2, 0, 1, 2, 3}}) {
      const Shape mask_shape = mask_kind == 1 ? Shape{B, M} : Shape{B, N, M};
      const auto call = [h = heads, mask_kind, mask = random_mask(rng, mask_shape)](auto x) {
        using T = typename std::remove_cvref_t<decltype(x[0])>::value_type;
        const Tensor<T> cast = mask.template cast<T>();
        return attention(x[0], x[1], x[2], h, mask_kind > 0 ? &cast : nullptr);
      };
      cases.push_back({{random_input(rng, {B, N, heads * d}), random_input(rng, {B, M, heads * d}),
                        random_input(rng, {B, M, heads * dv})},
                       call,
                       {}});
      if (mask_kind == 0) cases.back().batched = {0, 1, 2};
    }
  return cases;
}

/// Fused projections: [q | k | v] of N tokens, or q of N and [k | v] of M tokens.
std::vector<OpCase> fused_attention_cases(Rng& rng, bool self) {
  std::vector<OpCase> cases;
  for (const bool masked : {false, true})
    for (const Index B : {1, 0, 3})
      for (const auto& [N, M, heads, d] : {std::array<Index, 4>{1, 1, 1, 1},
                                           {3, 2, 1, 4},
                                           {5, 7, 2, 3},
                                           {70, 3, 2, 2},
                                           {2, 300, 1, 1}}) {
        const Index D = heads * d;
        const auto call = [h = heads, masked, mask = random_mask(rng, {B, self ? N : M})](auto x) {
          using T = typename std::remove_cvref_t<decltype(x[0])>::value_type;
          const Tensor<T> cast = mask.template cast<T>();
          const Tensor<T>* open = masked ? &cast : nullptr;
          return x.size() == 1 ? self_attention(x[0], h, open)
                               : cross_attention(x[0], x[1], h, open);
        };
        std::vector<Tensor<double>> in{random_input(rng, {B, N, self ? 3 * D : D})};
        if (!self) in.push_back(random_input(rng, {B, M, 2 * D}));
        cases.push_back({std::move(in), call, {}});
        if (!masked)
          cases.back().batched =
              self ? std::vector<std::size_t>{0} : std::vector<std::size_t>{0, 1};
      }
  return cases;
}

}  // namespace

std::vector<OpEntry> products_entries() {
  return {{"linear", [](Rng& rng) { return linear_cases(rng, true); }},
          {"linear", [](Rng& rng) { return linear_cases(rng, false); }},
          {"matmul", matmul_cases},
          {"conv1d", [](Rng& rng) { return conv1d_cases(rng, true); }},
          {"conv1d", [](Rng& rng) { return conv1d_cases(rng, false); }},
          {"conv2d", [](Rng& rng) { return conv2d_cases(rng, true); }},
          {"conv2d", [](Rng& rng) { return conv2d_cases(rng, false); }},
          {"fused_conv", fused_conv_cases},
          {"upsample_nearest", [](Rng& rng) { return resample_cases(rng, false); }},
          {"gaussian_blur", blur_cases},
          {"avg_pool", [](Rng& rng) { return resample_cases(rng, true); }},
          {"attention", [](Rng& rng) { return attention_cases(rng, 0); }},
          {"attention", [](Rng& rng) { return attention_cases(rng, 1); }},
          {"attention", [](Rng& rng) { return attention_cases(rng, 2); }},
          {"self_attention", [](Rng& rng) { return fused_attention_cases(rng, true); }},
          {"cross_attention", [](Rng& rng) { return fused_attention_cases(rng, false); }}};
}

}  // namespace ops_under_test
