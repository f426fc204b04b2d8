# Headers, the CMake package and the pkg-config file. foglift::compiled is built by the consumer, with the consumer's own
# flags, from the same sources: find_package(foglift COMPONENTS compiled).
include(CMakePackageConfigHelpers)

set(package_dir "${CMAKE_INSTALL_DATADIR}/cmake/foglift")
install(DIRECTORY include/foglift DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" FILES_MATCHING PATTERN "*.hpp")
install(FILES ${foglift_compiled_sources} DESTINATION "${CMAKE_INSTALL_DATADIR}/foglift")
install(FILES LICENSE DESTINATION "${CMAKE_INSTALL_DOCDIR}")
install(TARGETS foglift EXPORT foglift-targets)
install(EXPORT foglift-targets NAMESPACE foglift:: DESTINATION "${package_dir}")

list(TRANSFORM foglift_compiled_sources REPLACE ".*/" "" OUTPUT_VARIABLE compiled_names)
configure_package_config_file(cmake/foglift-config.cmake.in foglift-config.cmake
  INSTALL_DESTINATION "${package_dir}" PATH_VARS CMAKE_INSTALL_DATADIR)
write_basic_package_version_file(foglift-config-version.cmake COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
configure_file(cmake/foglift.pc.in foglift.pc @ONLY)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/foglift-config.cmake" "${CMAKE_CURRENT_BINARY_DIR}/foglift-config-version.cmake"
              cmake/FogliftDependencies.cmake
        DESTINATION "${package_dir}")
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/foglift.pc" DESTINATION "${CMAKE_INSTALL_DATADIR}/pkgconfig")
