// Covers: interrupt
#include "foglift/train/interrupt.hpp"
#include "support/catch.hpp"
#include "train/tsan.hpp"

#include <csignal>

#include <sys/wait.h>
#include <unistd.h>

using namespace foglift;

namespace {
volatile std::sig_atomic_t reached_old_handler = 0;
}

TEST_CASE("interrupt: a signal sets the flag and the old handler returns", "[train]") {
  std::signal(SIGTERM, [](int) { reached_old_handler = 1; });
  {
    const train::Interrupt interrupt;
    CHECK(!interrupt.requested());
    std::raise(SIGTERM);
    CHECK(interrupt.requested());
    CHECK(interrupt.signal() == SIGTERM);
    CHECK(reached_old_handler == 0);
    CHECK_THROWS_AS(train::Interrupt(), ArgumentError);
  }
  std::raise(SIGTERM);
  CHECK(reached_old_handler == 1);
  std::signal(SIGTERM, SIG_DFL);
  const train::Interrupt again;
  CHECK(!again.requested());
}

TEST_CASE("interrupt: the second signal ends the process", "[train]") {
  if (toy::under_tsan) {
    WARN("skipped under ThreadSanitizer");
    return;
  }
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const train::Interrupt interrupt;
    std::raise(SIGINT);
    if (!interrupt.requested()) ::_exit(1);
    std::raise(SIGTERM);
    ::_exit(2);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == SIGTERM);
}
