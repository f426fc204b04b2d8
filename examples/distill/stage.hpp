#pragma once

#include "students.hpp"

#include <functional>
#include <string>
#include <utility>

/// What every student is made with.

inline constexpr foglift::schedule::Flow flow;

inline auto denoiser(const Net& net) {
  return foglift::NetworkDenoiser(net, foglift::predict::FlowVelocity{}, flow);
}
inline auto kept(Net net) {
  return foglift::NetworkDenoiser(std::move(net), foglift::predict::FlowVelocity{}, flow);
}

/// loss(model, running average, tape, examples), one type for all so that fit is compiled once.
using StageLoss = std::function<foglift::Var<float>(const Net&, const Net&, foglift::Tape<float>&,
                                                    const foglift::train::Examples&)>;

/// The network after so many steps on a loss; its run is kept under `name`, see Budget.
Net trained(const std::string& name, Net net, foglift::Index examples, foglift::Index steps,
            const Budget& budget, const StageLoss& loss);

/// Samples of a network by Euler's rule on a uniform grid of as many steps as evaluations.
Sampler by_euler(std::string name, Net net);

/// Students that jump to the data or along the flow, and a generator of the teacher's law.
std::vector<Sampler> flow_map_students(const Net& teacher, const foglift::Tensor<float>& x0,
                                       const Budget& budget);
