// Asks a denoiser how likely data is: log-densities by the probability flow, beside the exact ones.
//
//   (-2, 0)   -1.653 nats, exactly  -1.656
//   ( 1, 1)   -1.502 nats, exactly  -1.501
//   ( 0, 4)  -11.520 nats, exactly -11.501
#include <foglift/foglift.hpp>

#include <cstdio>

using namespace foglift;

int main() {
  const analytic::Mixture data({{0.3, {-2, 0}, 0.25}, {0.7, {1, 1}, 0.5}});
  const Tensor<double> x({3, 2}, {-2, 0, 1, 1, 0, 4});  // two likely points and an odd one
  const auto exact = data.log_density(x, Level{0, 1, 0});
  const auto flow =
      likelihood::log_density(data, x, process::VariancePreserving{schedule::Linear{}});
  for (Index i = 0; i < 3; ++i)
    std::printf("(%2.0f, %1.0f)  %7.3f nats, exactly %7.3f\n", x(i, 0), x(i, 1), flow[i], exact[i]);
}
