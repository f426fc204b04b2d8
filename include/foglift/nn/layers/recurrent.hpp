#pragma once

#include "foglift/autograd/ops/activation.hpp"
#include "foglift/autograd/ops/arithmetic.hpp"
#include "foglift/nn/layers/chunk.hpp"
#include "foglift/nn/layers/linear.hpp"

#include <span>
#include <vector>

namespace foglift::inline v0::nn {

struct RecurrentOptions {
  Index in = 0, hidden = 0;
  Index layers = 1;
};

/// The two affine maps of a recurrent layer, gates side by side as PyTorch orders them:
/// x W_ih + b_ih and h W_hh + b_hh. All start uniform within 1 / sqrt(hidden).
template <Scalar T = float>
class RecurrentCell {
 public:
  using value_type = T;

  Parameter<T> weight_ih, weight_hh, bias_ih, bias_hh;

  RecurrentCell(Index in, Index hidden, Index gates, Rng& rng) {
    detail::need_positive("RecurrentCell", {{"in", in}, {"hidden", hidden}});
    const double bound = 1 / std::sqrt(static_cast<double>(hidden));
    weight_ih = uniform_parameter<T>({in, gates * hidden}, bound, rng);
    weight_hh = uniform_parameter<T>({hidden, gates * hidden}, bound, rng);
    bias_ih = uniform_parameter<T>({gates * hidden}, bound, rng);
    bias_hh = uniform_parameter<T>({gates * hidden}, bound, rng);
  }

  template <ValueOf<T> X>
  X from_input(const X& x) const {
    return linear(x, use(weight_ih, x), use(bias_ih, x));
  }
  template <ValueOf<T> X>
  X from_state(const X& h) const {
    return linear(h, use(weight_hh, h), use(bias_hh, h));
  }

  FOGLIFT_CHILDREN(weight_ih, weight_hh, bias_ih, bias_hh);
};

namespace detail {
/// Layers of recurrent cells over a sequence.
template <Scalar T>
class RecurrentLayers : public Layer<T, RecurrentOptions> {
 public:
  std::vector<RecurrentCell<T>> cells;

  FOGLIFT_CHILDREN(cells);

 protected:
  /// Throws ArgumentError for an option that is not positive.
  RecurrentLayers(const RecurrentOptions& o, Index gates, Rng& rng) {
    need_positive("recurrent layer", "layers", o.layers);
    for (Index i = 0; i < o.layers; ++i)
      cells.emplace_back(i == 0 ? o.in : o.hidden, o.hidden, gates, rng);
  }

  /// What the layers begin with: the states [B, hidden] that were given, or zeros. Throws
  /// ShapeError unless x is [B, L, in] with L > 0 and there are as many as layers, each of that
  /// shape, or none.
  template <Value X>
  std::vector<X> begin(const char* layer, const X& x, const std::vector<X>& initial) const {
    const Index in = cells[0].weight_ih.value.dim(0), hidden = cells[0].weight_hh.value.dim(0);
    const Shape& s = value_of(x).shape();
    if (s.rank() != 3 || s[2] != in || s[1] == 0)
      raise<ShapeError>(layer, ": input ", s, ", expected [batch, length > 0, ", in, "]");
    const Shape state{s[0], hidden};
    if (initial.empty()) return std::vector<X>(cells.size(), constant(Tensor<T>(state), x));
    if (initial.size() != cells.size())
      raise<ShapeError>(layer, ": ", initial.size(), " initial states for ", cells.size(),
                        " layers");
    for (const X& h : initial)
      if (value_of(h).shape() != state)
        raise<ShapeError>(layer, ": initial state ", value_of(h).shape(), " for input ", s,
                          ", expected ", state);
    return initial;
  }

  /// The last layer's output for x [B, L, in]: step(gates_x [B, G], gates_h [B, G], state) ->
  /// state, a state being what a layer carries from one position to the next, with its output in
  /// `h`.
  template <class State, Value X, class Step>
  X run(X x, std::vector<State>& states, const Step& step) const {
    const Index B = x.dim(0), L = x.dim(1);
    for (std::size_t i = 0; i < cells.size(); ++i) {
      State& state = states[i];
      const X from_x = cells[i].from_input(x);
      std::vector<X> outputs;
      outputs.reserve(static_cast<std::size_t>(L));
      for (Index t = 0; t < L; ++t) {
        const X gates = reshape(slice(from_x, 1, t, 1), {B, from_x.dim(2)});
        state = step(gates, cells[i].from_state(state.h), state);
        outputs.push_back(reshape(state.h, {B, 1, state.h.dim(1)}));
      }
      x = concat(std::span<const X>(outputs), 1);
    }
    return x;
  }
};
}  // namespace detail

/// What a GRU returns: the last layer's output at every position, and each layer's last state.
template <Value X>
struct GruOutput {
  X sequence;            ///< [B, L, hidden]
  std::vector<X> state;  ///< one [B, hidden] a layer

  /// f(one [B, hidden] a layer) for all that the next position begins with.
  void each_state(auto&& f) { f(state); }
};

/// Gated recurrent unit (Cho et al. 2014) in PyTorch's form, gates [reset | update | new]:
/// r = sigmoid(x_r + h_r), z = sigmoid(x_z + h_z), n = tanh(x_n + r h_n), h' = (1 - z) n + z h.
template <Scalar T = float>
class Gru : public detail::RecurrentLayers<T> {
 public:
  /// Throws ArgumentError for an option that is not positive.
  explicit Gru(const RecurrentOptions& o, Rng& rng) : Gru::RecurrentLayers(o, 3, rng) {}

  /// x [B, L, in]; initial states, one [B, hidden] a layer, are zero when not given.
  template <ValueOf<T> X>
  GruOutput<X> operator()(const X& x, const std::vector<X>& initial = {}) const {
    struct State {
      X h;
    };
    std::vector<State> states;
    for (const X& h : this->begin("Gru", x, initial)) states.push_back({h});
    GruOutput<X> out{this->run(x, states,
                               [](const X& gx, const X& gh, const State& s) {
                                 const X r = sigmoid(chunk(gx, 0, 3) + chunk(gh, 0, 3));
                                 const X z = sigmoid(chunk(gx, 1, 3) + chunk(gh, 1, 3));
                                 const X n = tanh(chunk(gx, 2, 3) + r * chunk(gh, 2, 3));
                                 return State{n + z * (s.h - n)};
                               }),
                     {}};
    for (const State& s : states) out.state.push_back(s.h);
    return out;
  }
  /// The same behind what was said before.
  template <ValueOf<T> X>
  GruOutput<X> after(const GruOutput<X>& before, const X& x) const {
    return (*this)(x, before.state);
  }
};

/// What an LSTM returns: the last layer's output at every position, and each layer's last output
/// and cell state.
template <Value X>
struct LstmOutput {
  X sequence;             ///< [B, L, hidden]
  std::vector<X> hidden;  ///< one [B, hidden] a layer
  std::vector<X> cell;    ///< one [B, hidden] a layer

  /// f(one [B, hidden] a layer) for all that the next position begins with.
  void each_state(auto&& f) { f(hidden), f(cell); }
};

/// Long short-term memory (Hochreiter & Schmidhuber 1997) in PyTorch's form, gates [input | forget
/// | cell | output]: c' = sigmoid(f) c + sigmoid(i) tanh(g), h' = sigmoid(o) tanh(c').
template <Scalar T = float>
class Lstm : public detail::RecurrentLayers<T> {
 public:
  /// Throws ArgumentError for an option that is not positive.
  explicit Lstm(const RecurrentOptions& o, Rng& rng) : Lstm::RecurrentLayers(o, 4, rng) {}

  /// x [B, L, in]; initial outputs and cell states, one [B, hidden] a layer, are zero when not
  /// given.
  template <ValueOf<T> X>
  LstmOutput<X> operator()(const X& x, const std::vector<X>& hidden = {},
                           const std::vector<X>& cell = {}) const {
    struct State {
      X h, c;
    };
    const std::vector<X> h = this->begin("Lstm", x, hidden), c = this->begin("Lstm", x, cell);
    std::vector<State> states;
    for (std::size_t i = 0; i < h.size(); ++i) states.push_back({h[i], c[i]});
    LstmOutput<X> out{this->run(x, states,
                                [](const X& gx, const X& gh, const State& s) {
                                  const X gates = gx + gh;
                                  const X kept = sigmoid(chunk(gates, 1, 4)) * s.c;
                                  const X next =
                                      kept + sigmoid(chunk(gates, 0, 4)) * tanh(chunk(gates, 2, 4));
                                  return State{sigmoid(chunk(gates, 3, 4)) * tanh(next), next};
                                }),
                      {},
                      {}};
    for (const State& s : states) {
      out.hidden.push_back(s.h);
      out.cell.push_back(s.c);
    }
    return out;
  }
  /// The same behind what was said before.
  template <ValueOf<T> X>
  LstmOutput<X> after(const LstmOutput<X>& before, const X& x) const {
    return (*this)(x, before.hidden, before.cell);
  }
};

}  // namespace foglift::inline v0::nn
