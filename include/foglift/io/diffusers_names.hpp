#pragma once

#include "foglift/io/weight_names.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace foglift::inline v0::io {

/// The names that diffusers' UNet2DModel gives the weights of an nn::UNet2d, those of its files
/// from before version 0.14 included. See docs/diffusers.md for the options that make the two the
/// same network.
struct DiffusersNames {
  /// The whole table, to be read or extended.
  static WeightNames table() {
    std::vector<WeightNames::Row> rows{
        {"embedding.fc1.*", {"time_embedding.linear_1.*"}},
        {"embedding.fc2.*", {"time_embedding.linear_2.*"}},
        {"embedding.classes.weight", {"class_embedding.weight"}, Layout::foglift},
        {"input.*", {"conv_in.*"}},
        {"norm.*", {"conv_norm_out.*"}},
        {"output.*", {"conv_out.*"}},
        {"down.*.resample.*", {"down_blocks.*.downsamplers.0.conv.*"}},
        {"up.*.resample.*", {"up_blocks.*.upsamplers.0.conv.*"}},
    };
    add_stage(rows, "down.*.", "down_blocks.*.");
    add_stage(rows, "middle.", "mid_block.");
    add_stage(rows, "up.*.", "up_blocks.*.");
    return WeightNames(std::move(rows));
  }

  std::vector<WeightSource> operator()(std::string_view name) const {
    static const WeightNames names = table();
    return names(name);
  }

 private:
  static void add_stage(std::vector<WeightNames::Row>& rows, const std::string& ours,
                        const std::string& theirs) {
    const std::string block = ours + "blocks.*.", resnet = theirs + "resnets.*.";
    for (const std::string part : {"norm1.*", "conv1.*", "norm2.*", "conv2.*"})
      rows.push_back({block + part, {resnet + part}});
    for (const std::string part : {"embed.*", "scale_shift.*"})
      rows.push_back({block + part, {resnet + "time_emb_proj.*"}});
    rows.push_back({block + "skip.*", {resnet + "conv_shortcut.*"}});
    const std::string attention = ours + "attention.*.", a = theirs + "attentions.*.";
    rows.push_back({attention + "norm.*", {a + "group_norm.*"}});
    rows.push_back({attention + "attention.qkv.*", {a + "to_q.*", a + "to_k.*", a + "to_v.*"}});
    rows.push_back({attention + "attention.qkv.*", {a + "query.*", a + "key.*", a + "value.*"}});
    rows.push_back({attention + "attention.proj.*", {a + "to_out.0.*"}});
    rows.push_back({attention + "attention.proj.*", {a + "proj_attn.*"}});
  }
};

inline constexpr DiffusersNames diffusers_names{};

}  // namespace foglift::inline v0::io
