# What `cmake --install` lays down, and how it is found again:
#
#   bin/lockhound                          finds ../lib/lockhound/liblockhound.so from its own place
#   lib/lockhound/liblockhound.so          not a library to link with, so not in the linker's path
#   lib/pkgconfig/lockhound.pc             pkg-config --variable=preload lockhound
#   lib/cmake/lockhound/                   find_package(lockhound): lockhound_add_test()
#   share/man, share/doc/lockhound, share/lockhound (the JSON schema)
include(CMakePackageConfigHelpers)

set(lockhound_preload_dir lib/lockhound)
set(lockhound_cmake_dir lib/cmake/lockhound)

install(TARGETS lockhound RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT lockhound)
install(TARGETS lockhound_preload LIBRARY DESTINATION ${lockhound_preload_dir} COMPONENT lockhound)

configure_package_config_file(cmake/lockhoundConfig.cmake.in ${CMAKE_BINARY_DIR}/cmake/lockhoundConfig.cmake
  INSTALL_DESTINATION ${lockhound_cmake_dir}
  PATH_VARS CMAKE_INSTALL_BINDIR lockhound_preload_dir
  NO_CHECK_REQUIRED_COMPONENTS_MACRO)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/cmake/lockhoundConfigVersion.cmake
  COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(FILES
  ${CMAKE_BINARY_DIR}/cmake/lockhoundConfig.cmake ${CMAKE_BINARY_DIR}/cmake/lockhoundConfigVersion.cmake
  cmake/lockhoundTest.cmake cmake/lockhoundExpect.cmake
  DESTINATION ${lockhound_cmake_dir} COMPONENT lockhound)

configure_file(cmake/lockhound.pc.in ${CMAKE_BINARY_DIR}/cmake/lockhound.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/cmake/lockhound.pc DESTINATION lib/pkgconfig COMPONENT lockhound)

install(FILES README.md CHANGELOG.md LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT lockhound)
install(DIRECTORY docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR}/docs COMPONENT lockhound FILES_MATCHING PATTERN *.md)
