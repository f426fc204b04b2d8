find_package(Threads REQUIRED)

# Eigen 5 refuses a request for 3.4, so each major has a look-up of its own.
find_package(Eigen3 3.4 QUIET NO_MODULE)
if(NOT TARGET Eigen3::Eigen)
  find_package(Eigen3 5 QUIET NO_MODULE)
endif()
if(NOT TARGET Eigen3::Eigen)
  message(FATAL_ERROR "foglift needs Eigen 3.4 or newer: install libeigen3-dev, or set Eigen3_DIR")
endif()
message(STATUS "foglift: Eigen ${Eigen3_VERSION}")
