// expect: hook: block\(std::string_view or nn::Place, const X&\) is not callable
// A hook that is never called, since it takes other values than the network's, would see nothing
// without a word.
#include "foglift/nn/nets/mlp.hpp"

using namespace foglift;

struct Look {
#ifdef FINE
  void block(std::string_view, const Tensor<double>&) {}
#else
  void block(std::string_view, const Tensor<float>&) {}
#endif
};

inline Tensor<double> run(const nn::Mlp<double>& net, const Tensor<double>& x,
                          const Tensor<double>& time) {
  Look look;
  return net(x, time, {}, nn::Call(look));
}
