#include "foglift/forecast/methods/horizon_diffusion.hpp"
#include "model_of.hpp"

namespace tool {

std::unique_ptr<Model> diffusion_model(const forecast::FrameOptions& frame,
                                       const forecast::EnsembleOptions& options) {
  return std::make_unique<ModelOf<forecast::HorizonDiffusion<>>>(
      "U-Net",
      forecast::HorizonDiffusion<>::Options{.frame = frame,
                                            .net = {.width = 24,
                                                    .multipliers = {1, 2, 2},
                                                    .blocks = 1,
                                                    .middle_attention = false,
                                                    .dropout = 0.3}},
      options);
}

}  // namespace tool
