#pragma once

#include "foglift/autograd/ops/arithmetic.hpp"
#include "foglift/diffusion/schedule/cosine.hpp"
#include "support/catch.hpp"

namespace foglift::test {

inline const schedule::Cosine cosine;

/// A network with one weight: f = w x.
struct Scale {
  Parameter<double> w{Tensor<double>(Shape{}, 0.3)};
  template <Value X>
  X operator()(const X& x, const Tensor<double>&) const {
    return mul(x, use(w, x));
  }
  template <class Self, class F>
  static void each(Self& self, F f) {
    f("w", self.w);
  }
};

/// Keeps what the network was shown, and predicts 0.
struct Shown {
  Tensor<double>& x;
  Tensor<double>& time;
  Tensor<double> operator()(const Tensor<double>& at, const Tensor<double>& t) const {
    x = at;
    time = t;
    return Tensor<double>(at.shape());
  }
};

}  // namespace foglift::test
