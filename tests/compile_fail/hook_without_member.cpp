// expect: hook: has none of block, queries, keys
// A misspelled member is an own function of the struct, which nothing would call.
#include "foglift/nn/nets/mlp.hpp"

using namespace foglift;

struct Look {
  void start(const nn::Places&) {}
#ifdef FINE
  void block(std::string_view, const Tensor<float>&) {}
#else
  void blocks(std::string_view, const Tensor<float>&) {}
#endif
};

inline Tensor<float> run(const nn::Mlp<float>& net, const Tensor<float>& x,
                         const Tensor<float>& time) {
  Look look;
  return net(x, time, {}, nn::Call(look));
}
