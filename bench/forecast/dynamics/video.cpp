#include "block.hpp"

std::vector<Result> video(const Task& task) {
  return {blocks("video blocks", task, task.horizon % 2 == 0 ? task.horizon / 2 : 1)};
}
std::vector<Result> ddpm(const Task& task) { return {blocks("DDPM", task, task.horizon)}; }
