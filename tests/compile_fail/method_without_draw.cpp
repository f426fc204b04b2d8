// expect: a method has Options, .* and draw\(Frame, PathKeys\) -> Tensor<float>
#include "foglift/forecast/forecaster.hpp"

using namespace foglift;

struct Zeros {
  struct Options {
    forecast::FrameOptions frame;
  };
  Zeros(const Options& o, Rng&) : options(o) {}
  forecast::FrameOptions frame() const { return options.frame; }
  Var<float> loss(const forecast::Frame&, const forecast::LossKeys&, Tape<float>& tape) const {
    return use(level, tape.constant(Tensor<float>()));
  }
#ifdef FINE
  Tensor<float> draw(const forecast::Frame& frame, const forecast::PathKeys& paths) const {
    return Tensor<float>({paths.count, frame.horizon(), frame.channels()});
  }
#endif
  static void each(auto& self, auto&& f) { f("level", self.level); }

  Options options;
  Parameter<float> level;
};

inline void train(const forecast::Panel& panel) {
  forecast::Forecaster<Zeros> model(Zeros::Options{});
  model.fit(panel);
}
