#pragma once

#include "foglift/autograd/value.hpp"

#include <concepts>

namespace foglift::inline v0 {

/// f(x...), where f maps Values to a Value and may use parameters of a model. Of what f records for
/// Vars only the inputs are kept: the backward pass runs f again, on a tape of its own (Chen et al.
/// 2016, "Training deep nets with sublinear memory cost"). Memory for one more forward pass; the
/// gradients are the same to the bit. f is copied, is run twice, and must do the same both times;
/// what it refers to must outlive the tape, as a model does.
///
///   auto y = checkpoint([&](const auto& x, const auto& e) { return block(x, e); }, h, e);
template <class F, Value X, std::same_as<X>... More>
X checkpoint(const F& f, const X& x, const More&... more) {
  if constexpr (!Recorded<X>) {
    return f(x, more...);
  } else {
    using T = scalar_of<X>;
    Tape<T>& tape = x.tape();
    Tensor<T> y;
    bool needed = false;
    {
      Tape<T> inner(&tape);
      const X out = f(inner.inner(x), inner.inner(more)...);
      y = out.value();
      needed = out.needs_gradient();
    }
    return tape.record(
        std::move(y), needed, [f, x, ... more = more](const Tensor<T>& dy, const auto&) {
          Tape<T> inner(&x.tape());
          const X out = f(inner.inner(x), inner.inner(more)...);
          std::move(inner).backward(out, dy);  // into the nodes of the tape around it
        });
  }
}

}  // namespace foglift::inline v0
