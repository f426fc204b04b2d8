#include "model_of.hpp"

namespace tool {

std::unique_ptr<Model> linear_model(const forecast::FrameOptions& frame,
                                    const forecast::EnsembleOptions& options) {
  return std::make_unique<ModelOf<forecast::Linear>>("linear model",
                                                     forecast::Linear::Options{frame}, options);
}

}  // namespace tool
