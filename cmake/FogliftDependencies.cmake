# Sets foglift_missing to a sentence where something that foglift needs was not found.
set(foglift_missing)

find_package(Threads QUIET)
if(NOT TARGET Threads::Threads)
  set(foglift_missing "foglift needs a library of threads")
endif()

# Eigen 5 refuses a request for 3.4, and a second look-up would overrule the Eigen3_DIR that led to it: so any version is asked
# for, and compared here.
find_package(Eigen3 QUIET NO_MODULE)
if(NOT TARGET Eigen3::Eigen)
  set(foglift_missing "foglift needs Eigen 3.4 or newer: install libeigen3-dev, or set Eigen3_DIR")
elseif(Eigen3_VERSION VERSION_LESS 3.4)
  set(foglift_missing "foglift needs Eigen 3.4 or newer, and ${Eigen3_DIR} is ${Eigen3_VERSION}: set Eigen3_DIR to another")
else()
  message(STATUS "foglift: Eigen ${Eigen3_VERSION}")
endif()
