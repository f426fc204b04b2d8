#pragma once

#include "foglift/data/csv_table.hpp"
#include "foglift/probe/search.hpp"
#include "settings.hpp"

#include <string>
#include <vector>

/// The digits' labels and how they are divided.
struct Examples {
  std::vector<foglift::Index> labels;
  foglift::Index classes = 0;
  foglift::probe::Split split;
};

/// How well a linear classifier does on one kind of features. Everything was chosen on validation.
struct Result {
  std::string name, where;  ///< "trained network", "middle at t = 0.05"
  foglift::Index dimension = 0;
  double lambda = 0, validation = 0;             ///< of logistic regression
  std::vector<foglift::Index> predicted, ridge;  ///< on the test set; by least squares
};

/// What the probe example computes about probes, prints and writes.
namespace report {

using foglift::Index;
using foglift::Tensor;
namespace data = foglift::data;
namespace probe = foglift::probe;

/// "middle at t = 0.05"
std::string place(const probe::HeatMap&, Index level, Index block);
/// Logistic regression on features [n, d], its strength chosen on validation: the strongest of the
/// best ones.
Result judge(std::string name, std::string where, const Tensor<float>& features, const Examples&);
std::vector<Index> test_labels(const Examples&);
void print(const probe::HeatMap&);
/// Results: raw pixels, the untrained network, the trained one.
void print(const std::vector<Result>&, const Examples&);
/// One row a cell of both maps.
data::CsvTable table(const probe::HeatMap& trained, const probe::HeatMap& untrained,
                     const Examples&);
/// Everything that decides the numbers of a run, as JSON.
std::string configuration(const Settings&, Index steps);
/// The whole report, as JSON.
std::string summary(const std::vector<Result>&, const Examples&, const std::string& configuration,
                    const std::string& rerun);

}  // namespace report
