#include "commands.hpp"
#include "session.hpp"

#include <iostream>

namespace tool {

namespace {

void print_model(const std::string& path) {
  const SavedModel saved = open_model(path);
  const Json& config = saved.config;
  std::cout << path << ": model of foglift forecast " << config.value("version", "") << ", "
            << saved.weights << " weights, " << saved.step << " steps"
            << (std::filesystem::path(path).filename() == unfinished_model
                    ? " (interrupted; --resume goes on)\n"
                    : "\n")
            << "  trained on rows " << config["plan"].value("frequency", "") << ", sha256 "
            << config.value("sha256", "") << "\n\n"
            << config::toml(config["options"]);
}

void print_report(const std::string& path) {
  const Json report = config::read(path);
  std::cout << path << ": forecast of " << report.value("file", "?") << ", foglift "
            << report.value("version", "?") << '\n';
  for (const Json& found : report.value("found", Json::array()))
    std::cout << "  " << found.value("what", "") << '\n';
  for (const Json& score : report.value("scores", Json::array()))
    std::cout << text(
        "  %-28s CRPS %s\n", score.value("name", "").c_str(),
        score["crps"].is_number() ? text("%.4g", score["crps"].get<double>()).c_str() : "-");
  std::cout << report.value("verdict", "") << "\n\n";
}

}  // namespace

int info(const Words& words) {
  CLI::App app{"Says what a model, or a folder of results, holds.", "forecast info"};
  std::string path;
  app.add_option("path", path, "model.safetensors, or a folder of results")->required();
  app.footer(
      "Examples:\n"
      "  forecast info foglift-out\n"
      "  forecast info load/model.safetensors");
  parse_or_done(app, words);
  if (!std::filesystem::is_directory(path)) {
    print_model(path);
    return 0;
  }
  bool any = false;
  const std::filesystem::path folder(path);
  if (std::filesystem::exists(folder / "report.json"))
    print_report((folder / "report.json").string()), any = true;
  for (const char* name : {model_file, unfinished_model})
    if (std::filesystem::exists(folder / name)) print_model((folder / name).string()), any = true;
  if (!any)
    foglift::raise<foglift::ArgumentError>(path, ": neither a report.json nor a model is there");
  return 0;
}

}  // namespace tool
