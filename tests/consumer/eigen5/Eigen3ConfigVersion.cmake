# As Eigen 5 does: compatible with requests for its own major version alone.
set(PACKAGE_VERSION 5.0.1)
if(PACKAGE_FIND_VERSION_MAJOR EQUAL 5)
  set(PACKAGE_VERSION_COMPATIBLE TRUE)
endif()
