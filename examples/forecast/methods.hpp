#pragma once

#include "foglift/forecast/ensemble.hpp"
#include "model.hpp"

namespace tool {

/// Models of the methods; each is compiled in a file of its own.
std::unique_ptr<Model> linear_model(const forecast::FrameOptions&,
                                    const forecast::EnsembleOptions&);
std::unique_ptr<Model> diffusion_model(const forecast::FrameOptions&,
                                       const forecast::EnsembleOptions&);

}  // namespace tool
