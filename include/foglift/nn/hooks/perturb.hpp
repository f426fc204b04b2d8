#pragma once

#include "foglift/autograd/ops/blur.hpp"
#include "foglift/autograd/ops/shape_ops.hpp"
#include "foglift/nn/hook.hpp"

#include <algorithm>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace foglift::inline v0::nn {
namespace hooks {

/// Attention becomes the identity at the places named ("blocks.3.self"): every position attends to
/// itself alone (Ahn et al. 2024, "perturbed-attention guidance"). Throws ArgumentError for a name
/// that is no attention of the network; ShapeError for cross-attention, whose lengths differ.
class IdentityAttention {
 public:
  static constexpr bool alike = true;

  explicit IdentityAttention(std::vector<std::string> names) : names_(std::move(names)) {}

  void start(const Places& places) const {
    check_places("IdentityAttention", places, names_, places.attention);
  }
  template <Value X>
  std::optional<X> attend(const Place& at, const X& q, const X&, const X& v) const {
    if (!named(names_, at)) return std::nullopt;
    if (q.dim(1) != v.dim(1))
      raise<ShapeError>("IdentityAttention: ", at.name, " has ", q.dim(1), " queries and ",
                        v.dim(1), " values");
    return v;
  }

 private:
  std::vector<std::string> names_;
};

/// The queries of attention at the places named are averaged over the positions of space with
/// Gaussian weights of deviation `blur`, in positions; infinite: over all alike (Hong 2024,
/// "smoothed energy guidance"). Tokens beside those of space stay as they are. Throws ArgumentError
/// for a name that is no attention of the network, and unless blur is positive.
class BlurQueries {
 public:
  static constexpr bool alike = true;

  explicit BlurQueries(std::vector<std::string> names,
                       double blur = std::numeric_limits<double>::infinity())
      : names_(std::move(names)), blur_(blur) {
    if (!(blur > 0)) raise<ArgumentError>("BlurQueries: blur = ", blur, ", must be positive");
  }

  void start(const Places& places) const {
    check_places("BlurQueries", places, names_, places.attention);
  }
  template <Value X>
  std::optional<X> queries(const Place& at, const X& q) const {
    if (!named(names_, at)) return std::nullopt;
    const Shape& g = at.grid;
    const Index B = q.dim(0), N = q.dim(1), D = q.dim(2), lead = N - g.size();
    const X positions = slice(q, 1, lead, g.size());
    const X smooth = reshape(
        gaussian_blur(
            reshape(positions, g.rank() == 1 ? Shape{B, g[0], D} : Shape{B, g[0], g[1], D}), blur_),
        {B, g.size(), D});
    return lead == 0 ? smooth : concat({slice(q, 1, 0, lead), smooth}, 1);
  }

 private:
  std::vector<std::string> names_;
  double blur_;
};

/// The branches of the blocks named are left out: attention, feed-forward, a U-Net's convolutions
/// (Hyung et al. 2024, "spatiotemporal skip guidance"; "skip-layer guidance"). A U-ViT's block
/// still takes its long skip. Throws ArgumentError for a name that is no block of the network, or
/// its first.
class SkipBlocks {
 public:
  static constexpr bool alike = true;

  explicit SkipBlocks(std::vector<std::string> names) : names_(std::move(names)) {}

  void start(const Places& places) const {
    check_places("SkipBlocks", places, names_, {places.blocks.begin() + 1, places.blocks.end()});
  }
  bool skip(const Place& at) const { return named(names_, at); }

 private:
  std::vector<std::string> names_;
};

}  // namespace hooks
}  // namespace foglift::inline v0::nn
