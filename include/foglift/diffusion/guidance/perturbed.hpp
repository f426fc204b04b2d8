#pragma once

#include "foglift/diffusion/guidance/classifier_free.hpp"

#include <utility>

namespace foglift::inline v0::guide {

/// Guidance away from a perturbed model, c + scale (c - perturbed); scale 0 is off. The perturbed
/// denoiser is the same network, with a hook that spoils some of its blocks (nn/hooks/perturb.hpp).
/// One rule, published for three perturbations:
///   PAG, perturbed attention (Ahn et al. 2024)   self-attention maps become identities
///   SLG or STG, skip layer (Hyung et al. 2024)   whole blocks are left out
///   SEG, smoothed energy (Hong 2024)             the queries of self-attention are blurred
///
///   NetworkDenoiser denoise(net, predict::Velocity{}, schedule, {.labels = labels});
///   auto perturbed = denoise.of(nn::WithCall(
///       net, nn::Call(nn::hooks::IdentityAttention({"blocks.4.self"}))));
///   auto guided = denoise | guide::away_from(perturbed, 3.0);
///
/// Beside classifier-free guidance the papers add both differences, u + w (c - u) + s (c - p).
/// Rules apply in turn here: that is c | away_from(p, s / w) | ClassifierFree{u, w}. Throws
/// ArgumentError for a scale that is not finite.
template <class P>
auto away_from(P&& perturbed, double scale) {
  return ClassifierFree<Kept<P>>(std::forward<P>(perturbed), Weight::from_conditional(scale));
}

}  // namespace foglift::inline v0::guide
