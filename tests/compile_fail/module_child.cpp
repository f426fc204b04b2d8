// expect: each\(\) must name parameters, modules, or vectors and optionals of those
#include "foglift/nn/module.hpp"

struct Layer {
  foglift::Parameter<float> weight;
  int steps = 3;
  static void each(auto& self, auto&& f) {
    f("weight", self.weight);
#ifndef FINE
    f("steps", self.steps);
#endif
  }
};

foglift::Index count = foglift::nn::parameter_count(Layer{});
