// Covers: ops/checkpoint ops/dropout ops/embedding ops/norm ops/pointwise ops/softmax
#include "autograd/op_registry.hpp"
#include "foglift/autograd/ops/activation.hpp"
#include "foglift/autograd/ops/arithmetic.hpp"
#include "foglift/autograd/ops/checkpoint.hpp"
#include "foglift/autograd/ops/dropout.hpp"
#include "foglift/autograd/ops/embedding.hpp"
#include "foglift/autograd/ops/gated.hpp"
#include "foglift/autograd/ops/loss.hpp"
#include "foglift/autograd/ops/modulation.hpp"
#include "foglift/autograd/ops/norm.hpp"
#include "foglift/autograd/ops/reduce.hpp"
#include "foglift/autograd/ops/shape_ops.hpp"
#include "foglift/autograd/ops/softmax.hpp"

namespace ops_under_test {
namespace {

/// Ones, odd sizes, sizes around a packet, an empty batch, ranks 1 to 6.
const std::vector<Shape> shapes = {{0, 3},    {1},          {1, 1},          {3},
                                   {7},       {2, 3},       {5, 1},          {1, 8},
                                   {3, 9},    {2, 15},      {2, 16},         {4, 17},
                                   {2, 3, 5}, {3, 1, 4},    {1, 7, 1},       {2, 2, 2},
                                   {3, 5, 7}, {2, 3, 2, 3}, {1, 2, 3, 1, 2}, {2, 1, 2, 1, 2, 3}};

/// Pairs that broadcast; in the last ones axis 0 is the sample of both or of the first.
struct Pair {
  Shape a, b;
  std::vector<std::size_t> batched = {};
};
const std::vector<Pair> pairs = {{{}, {}},
                                 {{3}, {}},
                                 {{}, {2, 3}},
                                 {{1}, {5}},
                                 {{3, 1}, {1, 4}},
                                 {{0, 3}, {3}},
                                 {{0, 1}, {1, 4}},
                                 {{1, 1}, {3, 2, 1}},
                                 {{2, 1, 3, 1}, {4, 1, 5}},
                                 {{2, 1, 2, 1, 2, 1}, {1, 3, 1, 2, 1, 3}},
                                 {{3, 17}, {17}, {0}},
                                 {{3, 17}, {1}, {0}},
                                 {{5, 7}, {5, 7}, {0, 1}},
                                 {{5, 1}, {5, 8}, {0, 1}},
                                 {{2, 5, 6}, {2, 1, 6}, {0, 1}},
                                 {{2, 5, 6}, {2, 5, 1}, {0, 1}},
                                 {{2, 5, 6}, {2, 1, 1}, {0, 1}},
                                 {{2, 5, 6}, {5, 1}, {0}},
                                 {{2, 3, 4, 5}, {2, 1, 1, 5}, {0, 1}},
                                 {{3, 33}, {3, 33}, {0, 1}},
                                 {{1, 1, 1}, {1, 1, 1}, {0, 1}}};

using Draw = std::function<Tensor<double>(Rng&, const Shape&)>;
const Draw normals = [](Rng& rng, const Shape& s) { return random_input(rng, s); };
const Draw positive = [](Rng& rng, const Shape& s) { return random_input(rng, s, 0.5, 3); };
const Draw off_zero = [](Rng& rng, const Shape& s) { return away_from(0, random_input(rng, s)); };

std::vector<std::size_t> sample_axis(const Shape& s) {
  return s.rank() > 1 ? std::vector<std::size_t>{0} : std::vector<std::size_t>{};
}

/// f(x) element by element or row by row.
template <class F>
OpEntry unary(const char* name, F f, Draw draw = normals) {
  return {name, [f, draw](Rng& rng) {
            std::vector<OpCase> cases;
            for (const Shape& s : shapes)
              cases.push_back({{draw(rng, s)}, [f](auto in) { return f(in[0]); }, sample_axis(s)});
            return cases;
          }};
}

template <class F>
OpEntry binary(const char* name, F f, Draw second = normals) {
  return {name, [f, second](Rng& rng) {
            std::vector<OpCase> cases;
            for (const Pair& p : pairs)
              cases.push_back({{random_input(rng, p.a), second(rng, p.b)},
                               [f](auto in) { return f(in[0], in[1]); },
                               p.batched});
            return cases;
          }};
}

/// Data in the scalar type of x.
template <class X>
Tensor<scalar_of<X>> data_for(const X&, const Tensor<double>& t) {
  return t.cast<scalar_of<X>>();
}

/// Shapes with the last axis doubled.
template <class F>
OpEntry halves(const char* name, F f) {
  return {name, [f](Rng& rng) {
            std::vector<OpCase> cases;
            for (const Shape& s : shapes)
              cases.push_back({{random_input(rng, s.with(-1, 2 * s.dim(-1)))},
                               [f](auto in) { return f(in[0]); },
                               sample_axis(s)});
            return cases;
          }};
}

/// A loss f(pred, target) on shapes with elements; differences keep away from the kinks at 0, +-1.
template <class F>
OpEntry loss(const char* name, F f) {
  return {name, [f](Rng& rng) {
            std::vector<OpCase> cases;
            for (const Shape& s : shapes) {
              const Shape shape = s.size() > 0 ? s : Shape{1, 3};
              const Tensor<double> target = random_input(rng, shape);
              Tensor<double> d = random_input(rng, shape);
              for (double kink : {-1.0, 0.0, 1.0}) d = away_from(kink, std::move(d));
              cases.push_back({{add(target, d)},
                               [f, target](auto in) { return f(in[0], data_for(in[0], target)); }});
            }
            return cases;
          }};
}

std::vector<Index> some_ids(Rng& rng, Index n, Index below) {
  const Rng draw = rng.split();
  std::vector<Index> ids;
  for (Index i = 0; i < n; ++i) ids.push_back(draw.index(below, static_cast<std::uint64_t>(i)));
  return ids;
}

/// Group norms have x [B, ..., C] and divisors of C, layer and RMS norms any rank.
std::vector<OpCase> group_norm_cases(Rng& rng) {
  std::vector<OpCase> cases;
  for (const Shape& s :
       {Shape{0, 4}, Shape{0, 3, 4}, Shape{1, 2}, Shape{2, 6}, Shape{3, 1, 4}, Shape{2, 5, 6},
        Shape{1, 7, 12}, Shape{2, 3, 3, 8}, Shape{3, 2, 2, 2, 4}, Shape{2, 33, 18}})
    for (const Index groups : {Index{1}, Index{2}, s.dim(-1)}) {
      if (s.size() / std::max<Index>(1, s[0]) == groups) continue;  // one element: y is constant
      cases.push_back(
          {{random_input(rng, s), random_input(rng, {s.dim(-1)}), random_input(rng, {s.dim(-1)})},
           [groups](auto in) { return group_norm(in[0], in[1], in[2], groups, 0.1); },
           {0}});
    }
  return cases;
}

template <class F>
OpEntry row_norm(const char* name, std::size_t parameters, F f) {
  return {name, [=](Rng& rng) {
            std::vector<OpCase> cases;
            for (const Shape& s : shapes) {
              std::vector<Tensor<double>> in{random_input(rng, s)};
              for (std::size_t k = 0; k < parameters; ++k)
                in.push_back(random_input(rng, {s.dim(-1)}));
              cases.push_back({std::move(in), f, sample_axis(s)});
            }
            return cases;
          }};
}

/// Inputs x [B, ..., C], a modulation of three parts, a row a sample or one for all, and `branches`
/// more like x.
template <class F>
OpEntry modulated(const char* name, std::size_t branches, F f) {
  return {name, [=](Rng& rng) {
            std::vector<OpCase> cases;
            for (const Shape& s : shapes)
              for (const bool shared : {false, true}) {
                if (s.rank() < 2) continue;
                std::vector<Tensor<double>> in{random_input(rng, s)};
                in.push_back(random_input(rng, {shared ? 1 : s[0], 3 * s.dim(-1)}));
                for (std::size_t k = 0; k < branches; ++k) in.push_back(random_input(rng, s));
                std::vector<std::size_t> batched{0};
                if (!shared) batched.push_back(1);
                for (std::size_t k = 0; k < branches; ++k) batched.push_back(2 + k);
                cases.push_back({std::move(in), f, std::move(batched)});
              }
            return cases;
          }};
}

/// residual [B, ..., out], modulation of two parts, x [B, ..., in], w [in, out], b [out].
std::vector<OpCase> gated_linear_cases(Rng& rng) {
  std::vector<OpCase> cases;
  for (const Shape& s : shapes)
    for (const auto& [out, shared] : {std::pair<Index, bool>{1, false}, {5, true}, {18, false}}) {
      if (s.rank() < 2) continue;
      cases.push_back(
          {{random_input(rng, s.with(-1, out)), random_input(rng, {shared ? 1 : s[0], 2 * out}),
            random_input(rng, s), random_input(rng, {s.dim(-1), out}), random_input(rng, {out})},
           [](auto in) { return gated_linear(in[0], in[1], 1, in[2], in[3], in[4]); },
           shared ? std::vector<std::size_t>{0, 2} : std::vector<std::size_t>{0, 1, 2}});
    }
  return cases;
}

std::vector<OpCase> embedding_cases(Rng& rng) {
  std::vector<OpCase> cases;
  for (const Index entries : {1, 2, 5, 9})
    for (const Index width : {1, 3, 16})
      for (const Index n : {0, 1, 11}) {
        const std::vector<Index> ids = some_ids(rng, n, entries);
        cases.push_back({{random_input(rng, {entries, width})},
                         [ids](auto in) { return embedding(in[0], ids); }});
      }
  return cases;
}

std::vector<OpCase> concat_cases(Rng& rng) {
  std::vector<OpCase> cases;
  for (const Shape& s : shapes)
    for (const int axis : {0, -1}) {
      const Shape other = s.with(axis, s.dim(axis) + 2);
      std::vector<std::size_t> batched;
      if (s.rank() > 1 && axis == -1) batched = {0, 1, 2};
      cases.push_back({{random_input(rng, s), random_input(rng, other), random_input(rng, s)},
                       [axis](auto in) {
                         using X = std::remove_cvref_t<decltype(in[0])>;
                         return concat(std::vector<X>(in.begin(), in.end()), axis);
                       },
                       batched});
    }
  return cases;
}

std::vector<OpCase> slice_cases(Rng& rng) {
  std::vector<OpCase> cases;
  for (const Shape& s : shapes)
    for (const int axis : {0, -1})
      for (const Index first : {Index{0}, s.dim(axis) / 2}) {
        const Index count = s.dim(axis) - first - (first > 1 ? 1 : 0);
        cases.push_back({{random_input(rng, s)},
                         [=](auto in) { return slice(in[0], axis, first, count); },
                         axis == -1 ? sample_axis(s) : std::vector<std::size_t>{}});
      }
  return cases;
}

std::vector<OpCase> transpose_cases(Rng& rng) {
  std::vector<OpCase> cases;
  for (const Shape& s : shapes)
    for (const int axis : {0, s.rank() / 2})
      cases.push_back({{random_input(rng, s)},
                       [axis](auto in) { return transpose(in[0], axis, -1); },
                       axis > 0 ? sample_axis(s) : std::vector<std::size_t>{}});
  return cases;
}

std::vector<OpCase> flip_cases(Rng& rng) {
  std::vector<OpCase> cases;
  for (const Shape& s : shapes)
    for (const int axis : {0, -1})
      cases.push_back({{random_input(rng, s)},
                       [axis](auto in) { return flip(in[0], axis); },
                       axis == -1 ? sample_axis(s) : std::vector<std::size_t>{}});
  return cases;
}

/// Reductions of everything and of each end's axis.
template <class F, class G>
OpEntry reduction(const char* name, F all, G along) {
  return {name, [=](Rng& rng) {
            std::vector<OpCase> cases;
            for (const Shape& s : shapes) {
              if (s.size() == 0) continue;
              cases.push_back({{random_input(rng, s)}, [all](auto in) { return all(in[0]); }});
              for (const int axis : {0, -1})
                cases.push_back({{random_input(rng, s)},
                                 [along, axis](auto in) { return along(in[0], axis); },
                                 axis == -1 ? sample_axis(s) : std::vector<std::size_t>{}});
            }
            cases.push_back(
                {{random_input(rng, {0, 3})}, [along](auto in) { return along(in[0], 1); }});
            return cases;
          }};
}

std::vector<OpCase> weighted_mse_cases(Rng& rng) {
  std::vector<OpCase> cases;
  for (const Shape& s : shapes) {
    const Shape shape = s.size() > 0 ? s : Shape{2, 3};
    const Tensor<double> target = random_input(rng, shape);
    const Shape weights = shape.rank() > 2 ? shape.with(-1, 1) : shape;
    Tensor<double> weight = random_input(rng, weights, 0, 1);
    if (weight.size() > 2) weight[1] = 0;
    cases.push_back({{random_input(rng, shape)}, [=](auto in) {
                       return weighted_mse(in[0], data_for(in[0], target), data_for(in[0], weight));
                     }});
  }
  return cases;
}

std::vector<OpCase> cross_entropy_cases(Rng& rng) {
  std::vector<OpCase> cases;
  for (const Index n : {1, 2, 5, 9})
    for (const Index classes : {1, 2, 3, 10, 17}) {
      const std::vector<Index> ids = some_ids(rng, n, classes);
      cases.push_back({{random_input(rng, {n, classes})},
                       [ids](auto in) { return cross_entropy(in[0], ids); }});
    }
  return cases;
}

std::vector<OpCase> pinball_cases(Rng& rng) {
  std::vector<OpCase> cases;
  for (const std::vector<double>& levels :
       {std::vector<double>{0.5}, {0.1, 0.9}, {0.1, 0.2, 0.5, 0.8, 0.97}})
    for (const Shape& s :
         {Shape{}, Shape{1}, Shape{3}, Shape{2, 1}, Shape{2, 5}, Shape{2, 3, 4}, Shape{7, 9}}) {
      const Tensor<double> target = random_input(rng, s);
      const auto count = static_cast<Index>(levels.size());
      const Tensor<double> d =
          away_from(0, random_input(rng, s.rank() ? Shape{s.size(), count} : Shape{1, count}));
      Tensor<double> pred = add(d, target.reshaped({s.size(), 1}));
      std::vector<Index> extents(s.begin(), s.end());
      extents.push_back(count);
      cases.push_back({{pred.reshaped(Shape(extents.data(), extents.size()))},
                       [=](auto in) { return pinball(in[0], data_for(in[0], target), levels); }});
    }
  return cases;
}

}  // namespace

std::vector<OpEntry> arithmetic_entries() {
  const auto add_f = [](auto a, auto b) { return add(a, b); };
  const auto sub_f = [](auto a, auto b) { return sub(a, b); };
  const auto mul_f = [](auto a, auto b) { return mul(a, b); };
  const auto div_f = [](auto a, auto b) { return div(a, b); };
  std::vector<OpEntry> e;
  e.push_back(binary("add", add_f));
  e.push_back(binary("sub", sub_f));
  e.push_back(binary("mul", mul_f));
  e.push_back(binary("div", div_f, positive));
  e.push_back(binary("operator+", [](auto a, auto b) { return a + b; }));
  e.push_back(binary("operator-", [](auto a, auto b) { return a - b; }));
  e.push_back(binary("operator*", [](auto a, auto b) { return a * b; }));
  e.push_back(binary("operator/", [](auto a, auto b) { return a / b; }, positive));
  e.push_back(unary("operator+", [](auto x) { return 2.5 + (x + 0.3); }));
  e.push_back(unary("operator-", [](auto x) { return -(2 - (x - 0.3)); }));
  e.push_back(unary("operator*", [](auto x) { return 3 * (x * 0.7); }));
  e.push_back(unary("operator/", [](auto x) { return 3 / (x / 0.7); }, positive));
  e.push_back(unary("neg", [](auto x) { return neg(x); }));
  e.push_back(unary("square", [](auto x) { return square(x); }));
  e.push_back(unary("exp", [](auto x) { return exp(x); }));
  e.push_back(unary("log", [](auto x) { return log(x); }, positive));
  e.push_back(unary("sqrt", [](auto x) { return sqrt(x); }, positive));
  e.push_back(unary("abs", [](auto x) { return abs(x); }, off_zero));
  return e;
}

std::vector<OpEntry> pointwise_entries() {
  std::vector<OpEntry> e;
  e.push_back(unary("silu", [](auto x) { return silu(x); }));
  e.push_back(unary("gelu", [](auto x) { return gelu(x); }));
  e.push_back(unary("gelu_tanh", [](auto x) { return gelu_tanh(x); }));
  e.push_back(unary("tanh", [](auto x) { return tanh(x); }));
  e.push_back(unary("sigmoid", [](auto x) { return sigmoid(x); }));
  e.push_back(unary("softplus", [](auto x) { return softplus(x); }));
  e.push_back(unary("relu", [](auto x) { return relu(x); }, off_zero));
  e.push_back(unary("softmax", [](auto x) { return softmax(x); }));
  e.push_back(unary("log_softmax", [](auto x) { return log_softmax(x); }));
  e.push_back(halves("glu", [](auto x) { return glu(x); }));
  e.push_back(halves("swiglu", [](auto x) { return swiglu(x); }));
  e.push_back(halves("geglu", [](auto x) { return geglu(x); }));
  e.push_back({"group_norm", group_norm_cases});
  e.push_back(
      row_norm("layer_norm", 2, [](auto in) { return layer_norm(in[0], in[1], in[2], 0.1); }));
  e.push_back(row_norm("layer_norm", 0, [](auto in) { return layer_norm(in[0], 0.1); }));
  e.push_back(modulated("modulated_norm", 0,
                        [](auto in) { return modulated_norm(in[0], in[1], 2, 0, 0.1); }));
  e.push_back(modulated("gated_add", 1, [](auto in) { return gated_add(in[0], in[1], 1, in[2]); }));
  e.push_back({"gated_linear", gated_linear_cases});
  e.push_back(row_norm("rms_norm", 1, [](auto in) { return rms_norm(in[0], in[1], 0.1); }));
  return e;
}

std::vector<OpEntry> shape_entries() {
  std::vector<OpEntry> e;
  e.push_back({"dropout", [](Rng& rng) {
                 std::vector<OpCase> cases;  // by sample number: no case has a batch to split
                 for (const Shape& s : shapes)
                   for (const double rate : {0.0, 0.3})
                     cases.push_back({{random_input(rng, s)}, [rate](auto in) {
                                        return dropout(in[0], rate, Rng(3), 5, 2);
                                      }});
                 return cases;
               }});
  e.push_back({"checkpoint", [](Rng& rng) {
                 std::vector<OpCase> cases;
                 for (const Shape& s : shapes)
                   cases.push_back(
                       {{random_input(rng, s), random_input(rng, s)}, [](auto in) {
                          return checkpoint(
                              [](const auto& a, const auto& b) { return tanh(a * b) + a; }, in[0],
                              in[1]);
                        }});
                 return cases;
               }});
  e.push_back({"embedding", embedding_cases});
  e.push_back({"concat", concat_cases});
  e.push_back({"slice", slice_cases});
  e.push_back({"transpose", transpose_cases});
  e.push_back({"flip", flip_cases});
  e.push_back(unary("reshape", [](auto x) {
    return reshape(
        x, x.rank() > 1 ? Shape{x.dim(0), 1, x.shape().size(1, x.rank())} : Shape{x.size(), 1});
  }));
  e.push_back(reduction(
      "sum", [](auto x) { return sum(x); }, [](auto x, int axis) { return sum(x, axis); }));
  e.push_back(reduction(
      "mean", [](auto x) { return mean(x); }, [](auto x, int axis) { return mean(x, axis); }));
  return e;
}

std::vector<OpEntry> loss_entries() {
  std::vector<OpEntry> e;
  e.push_back(loss("mse", [](auto p, auto t) { return mse(p, t); }));
  e.push_back(loss("l1", [](auto p, auto t) { return l1(p, t); }));
  e.push_back(loss("huber", [](auto p, auto t) { return huber(p, t, 1); }));
  e.push_back({"weighted_mse", weighted_mse_cases});
  e.push_back({"cross_entropy", cross_entropy_cases});
  e.push_back({"pinball", pinball_cases});
  return e;
}

}  // namespace ops_under_test
