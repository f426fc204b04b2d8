#pragma once

#include "foglift/autograd/ops/loss.hpp"
#include "foglift/autograd/ops/softmax.hpp"
#include "foglift/nn/layers/linear.hpp"
#include "foglift/probe/split.hpp"
#include "foglift/train/fit.hpp"
#include "foglift/train/rules/adam.hpp"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

namespace foglift::inline v0::probe {

struct MlpOptions {
  std::vector<Index> hidden = {128, 32};
  Index steps = 500, batch = 64;
  double lr = 1e-3;
  std::uint64_t seed = 1;
};

/// Logits [n, classes] of features [n, d]: hidden layers with ReLU, then a linear one.
template <Scalar T>
class MlpClassifier {
 public:
  using value_type = T;
  std::vector<nn::Linear<T>> layers;

  /// Throws ArgumentError for a width that is not positive.
  MlpClassifier(Index in, const std::vector<Index>& hidden, Index classes, Rng& rng) {
    for (const Index width : hidden) {
      layers.emplace_back(nn::LinearOptions{.in = in, .out = width}, rng);
      in = width;
    }
    layers.emplace_back(nn::LinearOptions{.in = in, .out = classes}, rng);
  }
  template <nn::ValueOf<T> X>
  X operator()(X x) const {
    for (std::size_t i = 0; i < layers.size(); ++i) {
      x = layers[i](x);
      if (i + 1 < layers.size()) x = relu(x);
    }
    return x;
  }

  FOGLIFT_CHILDREN(layers);
};

/// What an ensemble says of each example.
struct Vote {
  std::vector<Index> predicted;  ///< the class of most members, of equal ones the first
  /// What the members' distributions have apart, in nats: the entropy of their mean less the mean
  /// of their entropies (Jensen & Shannon's divergence), 0 where all agree.
  std::vector<double> disagreement;
  Tensor<double> probabilities;  ///< [n, classes], the members' mean
};

/// Multilayer perceptrons that differ by their seeds, fitted to the same standardized features
/// (Baranchuk et al. 2022, section 3.3: ten of them, a vote, and their disagreement as
/// uncertainty). A probe: fit(features [n, d], labels) gives what has predict and vote.
struct MlpEnsemble {
  Index classes;
  Index members = 10;
  MlpOptions options = {};

  template <Scalar T>
  class Predictor {
   public:
    /// Fitted to nothing: predicts nothing.
    Predictor() = default;
    Predictor(const MlpEnsemble& how, const Tensor<T>& x, const std::vector<Index>& labels)
        : classes_(how.classes), standard_(x) {
      const MlpOptions& o = how.options;
      const Tensor<T> z = standard_(x);
      for (Index m = 0; m < how.members; ++m) {
        Rng rng = Rng(o.seed).stream(static_cast<std::uint64_t>(m));
        train::FitState state(MlpClassifier<T>(x.dim(1), o.hidden, classes_, rng),
                              train::Adam<T>({.lr = o.lr}), rng.key());
        const auto loss = [&](const auto& net, Tape<T>& tape, const train::Examples& e) {
          return cross_entropy(net(tape.constant(z.rows(e.index))),
                               std::span<const Index>(gather(labels, e.index)));
        };
        train::fit(state, loss,
                   {.examples = x.dim(0),
                    .batch = std::min(o.batch, x.dim(0)),
                    .shard = o.batch,
                    .steps = o.steps,
                    .rate = train::CosineRate{.steps = o.steps},
                    .ema = {.decay = 0}});
        nets_.push_back(state.model);
      }
    }

    /// Classes of features [n, d].
    std::vector<Index> predict(const Tensor<T>& x) const { return vote(x).predicted; }

    Vote vote(const Tensor<T>& x) const {
      if (nets_.empty()) raise<ArgumentError>("MlpEnsemble: never fitted");
      const Tensor<T> z = standard_(x);
      const Index n = x.dim(0);
      Vote out{{}, std::vector<double>(static_cast<std::size_t>(n)), Tensor<double>({n, classes_})};
      Tensor<Index> votes({n, classes_});
      const double share = 1 / static_cast<double>(nets_.size());
      for (const auto& net : nets_) {
        const Tensor<T> p = softmax(net(z));
        for (Index i = 0; i < n; ++i) {
          const T* const row = p.data() + i * classes_;
          ++votes(i, std::max_element(row, row + classes_) - row);
          for (Index c = 0; c < classes_; ++c) {
            const auto v = static_cast<double>(row[c]);
            out.probabilities(i, c) += share * v;
            if (v > 0) out.disagreement[static_cast<std::size_t>(i)] += share * v * std::log(v);
          }
        }
      }
      for (Index i = 0; i < n; ++i) {
        const Index* const row = votes.data() + i * classes_;
        out.predicted.push_back(std::max_element(row, row + classes_) - row);
        for (Index c = 0; c < classes_; ++c) {
          const double p = out.probabilities(i, c);
          if (p > 0) out.disagreement[static_cast<std::size_t>(i)] -= p * std::log(p);
        }
      }
      return out;
    }

   private:
    /// (x - mean) / deviation of the columns it was made of; those without deviation become 0.
    class Standard {
     public:
      Standard() = default;
      explicit Standard(const Tensor<T>& x) : mean_(Shape{x.dim(1)}), factor_(Shape{x.dim(1)}) {
        for (Index j = 0; j < x.dim(1); ++j) {
          double sum = 0, square = 0;
          const auto n = static_cast<double>(x.dim(0));
          for (Index i = 0; i < x.dim(0); ++i) sum += static_cast<double>(x(i, j)) / n;
          for (Index i = 0; i < x.dim(0); ++i)
            square += (static_cast<double>(x(i, j)) - sum) * (static_cast<double>(x(i, j)) - sum);
          mean_[j] = sum;
          factor_[j] = square > 0 ? std::sqrt(n / square) : 0;
        }
      }
      Tensor<T> operator()(const Tensor<T>& x) const {
        if (x.rank() != 2 || x.dim(1) != mean_.size())
          raise<ShapeError>("MlpEnsemble: features ", x.shape(), ", expected [n, ", mean_.size(),
                            "]");
        auto z = Tensor<T>::uninitialized(x.shape());
        for (Index i = 0; i < x.size(); ++i) {
          const Index j = i % x.dim(1);
          z[i] = static_cast<T>((static_cast<double>(x[i]) - mean_[j]) * factor_[j]);
        }
        return z;
      }

     private:
      Tensor<double> mean_, factor_;
    };

    Index classes_ = 0;
    Standard standard_;
    std::vector<MlpClassifier<T>> nets_;
  };

  /// Throws ShapeError unless features [n, d] have n labels, ArgumentError for labels outside [0,
  /// classes), no members or no steps; NumericError where training fails.
  template <Scalar T>
  Predictor<T> fit(const Tensor<T>& features, const std::vector<Index>& labels) const {
    detail::check_labels("MlpEnsemble", labels, classes);
    if (features.rank() != 2 || features.dim(0) != std::ssize(labels) || labels.empty())
      raise<ShapeError>("MlpEnsemble: features ", features.shape(), " for ", labels.size(),
                        " labels");
    if (members < 1 || options.steps < 1 || options.batch < 1)
      raise<ArgumentError>("MlpEnsemble: ", members, " members of ", options.steps, " steps of ",
                           options.batch);
    return Predictor<T>(*this, features, labels);
  }
};

}  // namespace foglift::inline v0::probe
