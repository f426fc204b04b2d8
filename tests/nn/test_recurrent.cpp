// Covers: recurrent
#include "foglift/nn/gradcheck.hpp"
#include "foglift/nn/layers/recurrent.hpp"
#include "support/catch.hpp"

#include <cmath>

using namespace foglift;

namespace {

double logistic(double v) { return 1 / (1 + std::exp(-v)); }

/// One gate's pre-activation from one side: b[g] + sum_i x[i] w[i, g].
double affine(const Parameter<double>& w, const Parameter<double>& b, const std::vector<double>& x,
              Index g) {
  double sum = b.value[g];
  for (std::size_t i = 0; i < x.size(); ++i) sum += x[i] * w.value(static_cast<Index>(i), g);
  return sum;
}

std::vector<double> row(const Tensor<double>& x, Index b, Index l) {
  std::vector<double> out;
  for (Index c = 0; c < x.dim(2); ++c) out.push_back(x(b, l, c));
  return out;
}

/// A GRU layer by its equations, one number at a time, from h.
Tensor<double> naive_gru(const nn::RecurrentCell<double>& w, const Tensor<double>& x, double h0) {
  const Index H = w.weight_hh.value.dim(0);
  Tensor<double> y({x.dim(0), x.dim(1), H});
  for (Index b = 0; b < x.dim(0); ++b) {
    std::vector<double> h(static_cast<std::size_t>(H), h0);
    for (Index l = 0; l < x.dim(1); ++l) {
      const auto in = row(x, b, l), old = h;
      for (Index k = 0; k < H; ++k) {
        const auto gx = [&](Index gate) {
          return affine(w.weight_ih, w.bias_ih, in, gate * H + k);
        };
        const auto gh = [&](Index gate) {
          return affine(w.weight_hh, w.bias_hh, old, gate * H + k);
        };
        const double r = logistic(gx(0) + gh(0)), z = logistic(gx(1) + gh(1));
        const double n = std::tanh(gx(2) + r * gh(2));
        h[static_cast<std::size_t>(k)] = (1 - z) * n + z * old[static_cast<std::size_t>(k)];
        y(b, l, k) = h[static_cast<std::size_t>(k)];
      }
    }
  }
  return y;
}

/// An LSTM layer by its equations, from zero; `last` receives the cell state.
Tensor<double> naive_lstm(const nn::RecurrentCell<double>& w, const Tensor<double>& x,
                          Tensor<double>& last) {
  const Index H = w.weight_hh.value.dim(0);
  Tensor<double> y({x.dim(0), x.dim(1), H});
  last = Tensor<double>({x.dim(0), H});
  for (Index b = 0; b < x.dim(0); ++b) {
    std::vector<double> h(static_cast<std::size_t>(H), 0);
    for (Index l = 0; l < x.dim(1); ++l) {
      const auto in = row(x, b, l), old = h;
      for (Index k = 0; k < H; ++k) {
        const auto gate = [&](Index g) {
          return affine(w.weight_ih, w.bias_ih, in, g * H + k) +
                 affine(w.weight_hh, w.bias_hh, old, g * H + k);
        };
        last(b, k) = logistic(gate(1)) * last(b, k) + logistic(gate(0)) * std::tanh(gate(2));
        h[static_cast<std::size_t>(k)] = logistic(gate(3)) * std::tanh(last(b, k));
        y(b, l, k) = h[static_cast<std::size_t>(k)];
      }
    }
  }
  return y;
}

// A few dozen additions and two transcendental functions a step, errors below 1e-15 each.
void close(const Tensor<double>& a, const Tensor<double>& b) {
  REQUIRE(a.shape() == b.shape());
  for (Index i = 0; i < a.size(); ++i) CHECK_THAT(a[i], WithinAbs(b[i], 1e-13));
}

Tensor<double> last_of(const Tensor<double>& y) {
  return slice(y, 1, y.dim(1) - 1, 1).reshaped({y.dim(0), y.dim(2)});
}

}  // namespace

TEST_CASE("gru: follows its equations", "[nn][recurrent]") {
  Rng rng(1);
  const nn::Gru<double> gru({.in = 3, .hidden = 5, .layers = 2}, rng);
  const auto x = Rng(2).normal<double>({2, 6, 3});
  const auto out = gru(x);
  const auto first = naive_gru(gru.cells[0], x, 0), second = naive_gru(gru.cells[1], first, 0);
  close(out.sequence, second);
  close(out.state[0], last_of(first));
  close(out.state[1], last_of(second));
}

TEST_CASE("gru: goes on from a given state", "[nn][recurrent]") {
  Rng rng(1);
  const nn::Gru<double> gru({.in = 3, .hidden = 2}, rng);
  const auto x = Rng(2).normal<double>({2, 7, 3});
  const std::vector<Tensor<double>> start{Tensor<double>({2, 2}, 0.5)};
  close(gru(x, start).sequence, naive_gru(gru.cells[0], x, 0.5));
  const auto head = gru(slice(x, 1, 0, 3)), tail = gru(slice(x, 1, 3, 4), head.state);
  CHECK(concat({head.sequence, tail.sequence}, 1) == gru(x).sequence);
  CHECK(gru.after(head, slice(x, 1, 3, 4)).sequence == tail.sequence);
}

TEST_CASE("lstm: follows its equations", "[nn][recurrent]") {
  Rng rng(1);
  const nn::Lstm<double> lstm({.in = 3, .hidden = 4, .layers = 2}, rng);
  const auto x = Rng(2).normal<double>({2, 6, 3});
  const auto out = lstm(x);
  Tensor<double> cell0, cell1;
  const auto first = naive_lstm(lstm.cells[0], x, cell0);
  const auto second = naive_lstm(lstm.cells[1], first, cell1);
  close(out.sequence, second);
  close(out.hidden[0], last_of(first));
  close(out.hidden[1], last_of(second));
  close(out.cell[0], cell0);
  close(out.cell[1], cell1);
  const auto head = lstm(slice(x, 1, 0, 2));
  const auto tail = lstm(slice(x, 1, 2, 4), head.hidden, head.cell);
  CHECK(concat({head.sequence, tail.sequence}, 1) == out.sequence);
  CHECK(lstm.after(head, slice(x, 1, 2, 4)).sequence == tail.sequence);
}

TEST_CASE("recurrent: gradients are right", "[nn][recurrent]") {
  Rng rng(1);
  const auto x = Rng(2).normal<double>({2, 4, 3});
  const nn::Gru<double> gru({.in = 3, .hidden = 2, .layers = 2}, rng);
  const auto g = nn::gradcheck(
      gru, [&](const auto& net, Tape<double>& tape) { return net(tape.constant(x)).sequence; });
  INFO(g);
  CHECK(g.max_error < 1e-6);
  const nn::Lstm<double> lstm({.in = 3, .hidden = 2, .layers = 2}, rng);
  const auto l = nn::gradcheck(
      lstm, [&](const auto& net, Tape<double>& tape) { return net(tape.constant(x)).sequence; });
  INFO(l);
  CHECK(l.max_error < 1e-6);
}

TEST_CASE("recurrent: a sample does not depend on its batch and an empty batch passes",
          "[nn][recurrent]") {
  Rng rng(1);
  const nn::Gru<float> gru({.in = 3, .hidden = 5}, rng);
  const nn::Lstm<float> lstm({.in = 3, .hidden = 5}, rng);
  const auto x = Rng(2).normal<float>({33, 6, 3});
  for (const Index b : {0, 1, 7, 16}) {
    CHECK(gru(x.rows(0, b)).sequence == gru(x).sequence.rows(0, b));
    CHECK(lstm(x.rows(0, b)).sequence == lstm(x).sequence.rows(0, b));
  }
}

TEST_CASE("recurrent: errors say what does not fit", "[nn][recurrent]") {
  Rng rng(1);
  const nn::Gru<float> gru({.in = 3, .hidden = 5}, rng);
  CHECK_THROWS_WITH(gru(Tensor<float>({2, 4, 2})),
                    "Gru: input [2, 4, 2], expected [batch, length > 0, 3]");
  CHECK_THROWS_AS(gru(Tensor<float>({2, 0, 3})), ShapeError);
  CHECK_THROWS_AS(gru(Tensor<float>({2, 4, 3}), {Tensor<float>({1, 5})}), ShapeError);
  CHECK_THROWS_AS(nn::Lstm<float>({.in = 3, .hidden = 0}, rng), ArgumentError);
  CHECK_THROWS_AS(nn::Lstm<float>({.in = 3, .hidden = 1, .layers = 0}, rng), ArgumentError);
}
