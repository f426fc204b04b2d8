#pragma once

#include "foglift/probe/extract.hpp"
#include "foglift/probe/probes/linear.hpp"
#include "foglift/probe/sink/read.hpp"

#include <map>
#include <string>
#include <utility>
#include <vector>

#include <Eigen/Cholesky>

namespace foglift::inline v0::probe {

/// A sink that keeps of examples no more than the sums that a linear regression on targets [n,
/// outputs] needs, in double and in their order: memory d^2 for each block and level, whatever n.
template <Scalar T = float, class Read = Pooled>
class NormalEquations {
 public:
  explicit NormalEquations(Tensor<double> targets, Read read = {})
      : targets_(std::move(targets)), read_(std::move(read)) {
    if (targets_.rank() != 2)
      raise<ShapeError>("NormalEquations: targets ", targets_.shape(), ", expected [n, outputs]");
  }

  Tensor<T> read(const nn::Place& place, Index first, const Tensor<T>& h) const {
    return read_(place, first, h);
  }
  void take(const Source& source, std::vector<BlockFeatures<T>> features) {
    for (const auto& block : features) add(sums_[{source.level, block.block}], block.values);
    if (!features.empty()) seen_ += features.front().values.dim(0);
  }
  void end(const Source&) { seen_ = 0; }

  /// The map with the least sum of squares plus n lambda |weight|^2; the bias is free. Throws
  /// ArgumentError for a block that was not seen and a lambda below 0, NumericError where the
  /// equations are singular.
  LinearMap fit(Index level, const std::string& block, double lambda) const {
    const auto found = sums_.find({level, block});
    if (found == sums_.end() || !(lambda >= 0))
      raise<ArgumentError>("NormalEquations: block ", block, " at level ", level, ", lambda ",
                           lambda);
    const Sums& s = found->second;
    const double n = static_cast<double>(s.n);
    const Eigen::MatrixXd gram = s.zz - s.z * s.z.transpose() / n;
    const Eigen::MatrixXd cross = s.zy - s.z * s.y.transpose() / n;
    const Index d = gram.rows(), outputs = cross.cols();
    const Eigen::LDLT<Eigen::MatrixXd> solver(gram + n * lambda * Eigen::MatrixXd::Identity(d, d));
    const Eigen::MatrixXd w = solver.solve(cross);
    if (solver.info() != Eigen::Success || !w.allFinite())
      raise<NumericError>("NormalEquations: singular for block ", block, "; give a lambda > 0");
    const Eigen::VectorXd b = (s.y - w.transpose() * s.z) / n;
    LinearMap map{Tensor<double>({d, outputs}), Tensor<double>(Shape{outputs})};
    for (Index k = 0; k < outputs; ++k) {
      map.bias[k] = b(k);
      for (Index j = 0; j < d; ++j) map.weight(j, k) = w(j, k);
    }
    return map;
  }

 private:
  struct Sums {
    Index n = 0;
    Eigen::VectorXd z, y;
    Eigen::MatrixXd zz, zy;
  };

  void add(Sums& s, const Tensor<T>& rows) const {
    const Index d = rows.dim(1), outputs = targets_.dim(1);
    if (seen_ + rows.dim(0) > targets_.dim(0))
      raise<ShapeError>("NormalEquations: targets ", targets_.shape(), " for more examples");
    if (s.n == 0)
      s = {0, Eigen::VectorXd::Zero(d), Eigen::VectorXd::Zero(outputs), Eigen::MatrixXd::Zero(d, d),
           Eigen::MatrixXd::Zero(d, outputs)};
    Eigen::VectorXd z(d), y(outputs);
    for (Index i = 0; i < rows.dim(0); ++i) {
      for (Index j = 0; j < d; ++j) z(j) = static_cast<double>(rows(i, j));
      for (Index k = 0; k < outputs; ++k) y(k) = targets_(seen_ + i, k);
      s.z += z, s.y += y;
      s.zz.noalias() += z * z.transpose();
      s.zy.noalias() += z * y.transpose();
      ++s.n;
    }
  }

  Tensor<double> targets_;
  Read read_;
  Index seen_ = 0;  // examples of the level
  std::map<std::pair<Index, std::string>, Sums> sums_;
};

}  // namespace foglift::inline v0::probe
