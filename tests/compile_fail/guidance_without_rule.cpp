// expect: a rule is a weight, or has mix\(Level\) -> Mix or operator\(\)\(Pair<T>\), and check\(\)
#include "foglift/diffusion/guidance/classifier_free.hpp"

using namespace foglift;

struct Model {
  Tensor<float> operator()(const Tensor<float>& x, const Levels&) const { return x; }
};

struct Rule {
  Mix mix(const Level&) const { return {2, -1}; }
#ifdef FINE
  void check() const {}
#endif
};

inline auto guide_it() { return Model{} | guide::ClassifierFree{Model{}, Rule{}}; }
