#pragma once

#include "foglift/core/gather.hpp"
#include "foglift/core/rng.hpp"
#include "foglift/probe/metric/accuracy.hpp"
#include "foglift/probe/metric/disentanglement/information.hpp"
#include "foglift/probe/probes/logistic.hpp"

#include <cmath>
#include <limits>
#include <utility>
#include <vector>

namespace foglift::inline v0::probe {

struct VoteOptions {
  Index train = 1000, test = 500;  ///< batches, each with one factor held fixed
  Index batch = 64;                ///< examples, or pairs of them, in a batch
};

namespace detail {

/// Draws batches of examples that share the value of one factor, all else at random.
class FixedFactorBatches {
 public:
  explicit FixedFactorBatches(const Factors& factors) : factors_(factors) {
    for (const auto& factor : factors) {
      std::vector<std::vector<Index>> of_value;
      for (std::size_t i = 0; i < factor.size(); ++i) {
        if (factor[i] < 0) raise<ArgumentError>("factor value ", factor[i], ", needed >= 0");
        of_value.resize(std::max(of_value.size(), static_cast<std::size_t>(factor[i]) + 1));
        of_value[static_cast<std::size_t>(factor[i])].push_back(static_cast<Index>(i));
      }
      of_value_.push_back(std::move(of_value));
    }
  }

  /// Examples with the value of factor k that example `like` has; draw is the number of the first
  /// of them in the stream.
  std::vector<Index> like(std::size_t k, Index like, Index count, const Rng& rng,
                          std::uint64_t batch, std::uint32_t draw) const {
    const auto& same =
        of_value_[k][static_cast<std::size_t>(factors_[k][static_cast<std::size_t>(like)])];
    std::vector<Index> out;
    for (Index i = 0; i < count; ++i)
      out.push_back(same[static_cast<std::size_t>(
          rng.index(std::ssize(same), batch, draw + static_cast<std::uint32_t>(i)))]);
    return out;
  }

 private:
  const Factors& factors_;
  std::vector<std::vector<std::vector<Index>>> of_value_;  // examples by factor and value
};

inline void check_votes(const char* where, const VoteOptions& o) {
  if (o.train < 2 || o.test < 1 || o.batch < 2)
    raise<ArgumentError>(where, ": ", o.train, " and ", o.test, " batches of ", o.batch);
}

}  // namespace detail

/// FactorVAE's score (Kim & Mnih 2018, section 4): batches share the value of one factor; the code
/// that varies least in a batch, in units of its variance over all, votes for the factor. The
/// accuracy on new batches of the majority's table. Codes [n, d] whose deviation is at most
/// `least` take no part. Throws as mutual_information_gap, ArgumentError for options too small or
/// where no code varies.
template <Scalar T>
double factor_vae_score(const Tensor<T>& codes, const Factors& factors, const Rng& rng,
                        const VoteOptions& o = {}, double least = 0) {
  detail::check_factors("factor_vae_score", codes, factors);
  detail::check_votes("factor_vae_score", o);
  const detail::FixedFactorBatches draw(factors);
  const Index d = codes.dim(1), K = static_cast<Index>(factors.size());
  const auto variances = [&](const Tensor<T>& x) {
    std::vector<double> out;
    for (Index j = 0; j < d; ++j) {
      double mean = 0, square = 0;
      for (Index i = 0; i < x.dim(0); ++i) mean += static_cast<double>(x(i, j));
      mean /= static_cast<double>(x.dim(0));
      for (Index i = 0; i < x.dim(0); ++i)
        square += std::pow(static_cast<double>(x(i, j)) - mean, 2);
      out.push_back(square / static_cast<double>(x.dim(0)));
    }
    return out;
  };
  const std::vector<double> global = variances(codes);
  // The factor of batch b and the code that votes.
  const auto vote = [&](Index b) {
    const auto batch = static_cast<std::uint64_t>(b);
    const Index k = rng.index(K, batch, 0);
    const auto rows = draw.like(static_cast<std::size_t>(k), rng.index(codes.dim(0), batch, 1),
                                o.batch, rng, batch, 2);
    const std::vector<double> local = variances(codes.rows(rows));
    Index best = -1;
    double lowest = std::numeric_limits<double>::infinity();
    for (Index j = 0; j < d; ++j) {
      const auto at = static_cast<std::size_t>(j);
      if (!(global[at] > least * least) || !(local[at] / global[at] < lowest)) continue;
      lowest = local[at] / global[at];
      best = j;
    }
    if (best < 0) raise<ArgumentError>("factor_vae_score: no code varies");
    return std::pair(k, best);
  };
  Tensor<Index> votes({d, K});
  for (Index b = 0; b < o.train; ++b) {
    const auto [factor, code] = vote(b);
    ++votes(code, factor);
  }
  Index right = 0;
  for (Index b = o.train; b < o.train + o.test; ++b) {
    const auto [factor, code] = vote(b);
    const Index* const row = votes.data() + code * K;
    right += std::max_element(row, row + K) - row == factor;
  }
  return static_cast<double>(right) / static_cast<double>(o.test);
}

/// beta-VAE's score (Higgins et al. 2017, section 3): in a batch of pairs each pair shares the
/// value of one factor; from the mean |z - z'| over the batch a linear classifier tells which. Its
/// accuracy on new batches. Throws as mutual_information_gap, ArgumentError for options too small
/// or fewer than two factors.
template <Scalar T>
double beta_vae_score(const Tensor<T>& codes, const Factors& factors, const Rng& rng,
                      const VoteOptions& o = {}) {
  detail::check_factors("beta_vae_score", codes, factors);
  detail::check_votes("beta_vae_score", o);
  if (factors.size() < 2) raise<ArgumentError>("beta_vae_score: one factor, needed at least 2");
  const detail::FixedFactorBatches draw(factors);
  const Index d = codes.dim(1), K = static_cast<Index>(factors.size());
  Tensor<double> difference({o.train + o.test, d});
  std::vector<Index> labels;
  for (Index b = 0; b < o.train + o.test; ++b) {
    const auto batch = static_cast<std::uint64_t>(b);
    const Index k = rng.index(K, batch, 0);
    labels.push_back(k);
    for (Index i = 0; i < o.batch; ++i) {
      const auto step = static_cast<std::uint32_t>(1 + 2 * i);
      const Index first = rng.index(codes.dim(0), batch, step);
      const Index second =
          draw.like(static_cast<std::size_t>(k), first, 1, rng, batch, step + 1).front();
      for (Index j = 0; j < d; ++j)
        difference(b, j) +=
            std::abs(static_cast<double>(codes(first, j)) - static_cast<double>(codes(second, j))) /
            static_cast<double>(o.batch);
    }
  }
  const std::vector<Index> known(labels.begin(), labels.begin() + o.train),
      truth(labels.begin() + o.train, labels.end());
  const auto fit = logistic_probe(difference.rows(0, o.train), known, K);
  return accuracy(fit.predict(difference.rows(o.train, o.test)), truth);
}

}  // namespace foglift::inline v0::probe
