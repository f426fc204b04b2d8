# As Eigen does: compatible with requests for its own major version alone.
set(PACKAGE_VERSION ${EIGEN_VERSION})
if(EIGEN_VERSION MATCHES "^${PACKAGE_FIND_VERSION_MAJOR}\\.")
  set(PACKAGE_VERSION_COMPATIBLE TRUE)
endif()
