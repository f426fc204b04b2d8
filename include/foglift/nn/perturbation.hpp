#pragma once

#include "foglift/core/error.hpp"
#include "foglift/core/shape.hpp"
#include "foglift/nn/tap.hpp"

#include <algorithm>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace foglift {
inline namespace v0 {
namespace nn {

/// Blocks of a network to spoil for one call, a field of its Condition: the model that guidance
/// leads away from (guide::away_from). Blocks go by their tap names ("blocks.3", "middle",
/// "up.0.1"); attention is named by the block it is in, see attention_names().
struct Perturbation {
  /// Self-attention becomes the identity: every position attends to itself alone (Ahn et al. 2024,
  /// "perturbed-attention guidance").
  std::vector<std::string> identity_attention = {};
  /// The block's residual branches are left out: attention, feed-forward, a U-Net's convolutions
  /// (Hyung et al. 2024, "spatiotemporal skip guidance"; "skip-layer guidance").
  std::vector<std::string> skipped = {};
  /// The queries of self-attention are averaged over positions with Gaussian weights of deviation
  /// `blur`, in positions; infinite: over all alike (Hong 2024, "smoothed energy guidance"). A
  /// U-ViT's tokens of time and condition stay as they are.
  std::vector<std::string> blurred_queries = {};
  double blur = std::numeric_limits<double>::infinity();

  bool empty() const {
    return identity_attention.empty() && skipped.empty() && blurred_queries.empty();
  }
};

/// What happens to one self-attention of N tokens, the last grid.size() of which are positions of a
/// grid, {length} or {height, width}.
struct AttentionChange {
  bool identity = false;
  double blur = 0;  ///< deviation of the queries' blur; 0: none
  Shape grid = {};
};

namespace detail {

/// What a perturbation asks of one block.
struct BlockChange {
  bool skip = false;
  AttentionChange attention = {};
};

/// The change of the block tap_name(stage, numbers...), whose attention is over `grid`. Without a
/// perturbation no name is built.
template <class... Numbers>
BlockChange change_of(const std::optional<Perturbation>& p, const Shape& grid,
                      std::string_view stage, Numbers... numbers) {
  if (!p || p->empty()) return {};
  const std::string name = tap_name(stage, numbers...);
  const auto named = [&](const std::vector<std::string>& list) {
    return std::find(list.begin(), list.end(), name) != list.end();
  };
  return {named(p->skipped),
          {named(p->identity_attention), named(p->blurred_queries) ? p->blur : 0.0, grid}};
}

/// Throws ArgumentError for blocks that are not among the network's, and a blur that is not
/// positive.
inline void check_blocks(const char* where, const Perturbation& p,
                         const std::vector<std::string>& blocks,
                         const std::vector<std::string>& attention) {
  const auto check = [&](const std::vector<std::string>& wanted,
                         const std::vector<std::string>& known, const char* what) {
    for (const std::string& name : wanted)
      if (name == "input" || std::find(known.begin(), known.end(), name) == known.end())
        raise<ArgumentError>(where, ": perturbation of ", what, " '", name,
                             "', which the network does not have");
  };
  check(p.skipped, blocks, "the block");
  check(p.identity_attention, attention, "the self-attention of");
  check(p.blurred_queries, attention, "the self-attention of");
  if (!p.blurred_queries.empty() && !(p.blur > 0))
    raise<ArgumentError>(where, ": perturbation with blur = ", p.blur, ", must be positive");
}

/// The same for a network, and throws ArgumentError for one that knows no perturbation.
template <class Net>
void check_perturbation(const char* where, const std::optional<Perturbation>& p, const Net& net) {
  if (!p || p->empty()) return;
  if constexpr (requires { net.attention_names(); })
    check_blocks(where, *p, net.tap_names(), net.attention_names());
  else
    raise<ArgumentError>(where, ": a perturbation for a network without attention");
}

/// Whether a tap also listens to attention maps: it has attention(name, map [B, heads, N, N]).
template <class Tap, class T>
concept HearsAttention = requires(Tap& tap, const Tensor<T>& map) {
  tap.attention(std::string_view(), map);
};

/// Shows the map that make() computes to a tap that listens to attention, under the block's name.
template <class T, class Tap, class Make, class... Numbers>
void touch_attention(Tap& tap, const Make& make, std::string_view stage, Numbers... numbers) {
  if constexpr (HearsAttention<Tap, T>)
    tap.attention(std::string_view(tap_name(stage, numbers...)), make());
}

}  // namespace detail
}  // namespace nn
}  // namespace v0
}  // namespace foglift
