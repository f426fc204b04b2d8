// expect: FitCallback
#include "foglift/nn/nets/mlp.hpp"
#include "foglift/train/callbacks/stop_when.hpp"
#include "foglift/train/fit.hpp"
#include "foglift/train/rules/adam.hpp"

using namespace foglift;
using State = train::FitState<nn::Mlp<float>, train::Adam<float>>;

// What is neither told of steps nor asked before them.
inline void run(State& state) {
  const auto loss = [](const nn::Mlp<float>&, Tape<float>& tape, const train::Examples&) {
    return tape.constant(Tensor<float>({}, 1.f));
  };
  const auto stop = [] { return true; };
#ifdef FINE
  train::fit(state, loss, {.examples = 8}, train::callback::StopWhen(stop));
#else
  train::fit(state, loss, {.examples = 8}, stop);
#endif
}
