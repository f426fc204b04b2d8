#pragma once
// AQI-36, the hours of PM2.5 at 36 stations of Beijing by which papers compare imputation (Yi et
// al. 2016; the protocol of Tashiro et al. 2021).

#include "foglift/forecast/impute/classical.hpp"
#include "foglift/forecast/series/panel.hpp"

#include <string>
#include <vector>

/// Months as series, in units of each station's mean and deviation in the training months.
struct AirQuality {
  std::vector<foglift::forecast::Series> train, held_out;
  std::vector<foglift::forecast::Series> patterns;  ///< whose gaps are the historical masks
  std::vector<foglift::forecast::Series> test;
  /// Of `test`, [cells, stations]: what was there and is hidden, in its own unit; NaN elsewhere.
  std::vector<foglift::Tensor<double>> hidden;
  std::vector<foglift::Tensor<double>> lines;   ///< straight lines through the whole year, likewise
  foglift::Tensor<double> mean, deviation;      ///< [stations]
  foglift::Tensor<double> latitude, longitude;  ///< [stations]

  foglift::Index stations() const { return mean.size(); }
};

/// Reads FOLDER/pm25_aqi36. Throws FormatError for a file that can not be opened, or is of other
/// rows than the rest.
AirQuality air_quality(const std::string& folder);
