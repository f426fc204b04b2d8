// What tests/house/unit_times.sh measures a machine with: a compiler needs about a second for it.
#include <algorithm>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <regex>
#include <sstream>
#include <string>
#include <unordered_map>
#include <vector>

int main(int argc, char** argv) {
  std::map<std::string, std::vector<std::function<double(double)>>> rules;
  std::unordered_map<std::string, std::shared_ptr<std::ostringstream>> pages;
  const std::regex word("([a-z]+)=([0-9.]+)");
  for (int i = 1; i < argc; ++i) {
    const std::string text = argv[i];
    for (std::sregex_iterator it(text.begin(), text.end(), word), end; it != end; ++it) {
      rules[it->str(1)].push_back([v = std::stod(it->str(2))](double x) { return v * x; });
      pages[it->str(1)] = std::make_shared<std::ostringstream>();
    }
  }
  for (auto& [name, list] : rules) {
    std::stable_sort(list.begin(), list.end(),
                     [](const auto& a, const auto& b) { return a(1) < b(1); });
    for (const auto& rule : list) *pages[name] << rule(2) << ' ';
    std::cout << name << ' ' << pages[name]->str() << '\n';
  }
}
