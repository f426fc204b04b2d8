#pragma once

#include "foglift/core/text.hpp"
#include "foglift/nn/description.hpp"
#include "foglift/nn/layers/graph_conv.hpp"

#include <optional>
#include <string>
#include <vector>

namespace foglift::inline v0::forecast {

/// A graph over the K channels of a series, as sensors on roads: weights of edges [K, K], none of
/// them negative. Without one no channel is joined to another.
using ChannelGraph = std::optional<Csr<float>>;

/// The random walks of a graph along its edges and against them. Throws ArgumentError unless it is
/// of so many channels, or for a negative weight.
inline std::vector<Csr<float>> channel_walks(const ChannelGraph& graph, Index channels,
                                             const char* where) {
  const Csr<float> edges = graph ? *graph : Csr<float>(channels, channels, {});
  if (edges.rows() != channels || edges.columns() != channels)
    raise<ArgumentError>(where, ": a graph of ", edges.rows(), " x ", edges.columns(), " for ",
                         channels, " channels");
  return nn::walks_both_ways(edges);
}

/// A description with "graph" in it, the edges in words, for a file of weights that were trained on
/// it: how many, and numbers that are others where these stand elsewhere.
inline nn::Description with_graph(nn::Description out, const ChannelGraph& graph) {
  out["graph"] = "none";
  if (!graph) return out;
  double total = 0, moment = 0;
  for (const auto& e : graph->entries()) {
    total += static_cast<double>(e.value);
    moment +=
        static_cast<double>(e.value) * static_cast<double>(e.row * graph->columns() + e.column);
  }
  out["graph"] =
      std::to_string(graph->size()) + " edges, " + number_text(total) + " " + number_text(moment);
  return out;
}

}  // namespace foglift::inline v0::forecast
