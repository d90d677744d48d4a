# What `cmake --install` lays down, and how it is found again:
#
#   bin/lockhound                   finds the library from its own place (cli/locate.c), and the library finds it
#   lib/lockhound/liblockhound.so   not a library to link with, so not in the linker's path
#   lib/pkgconfig/lockhound.pc      pkg-config --variable=preload lockhound
#   lib/cmake/lockhound/            find_package(lockhound): lockhound_add_test()
#   share/doc/lockhound             these pages; manual pages and schema are installed by docs/
include(CMakePackageConfigHelpers)

set(lockhound_preload_dir ${CMAKE_INSTALL_LIBDIR}/lockhound)
set(lockhound_cmake_dir ${CMAKE_INSTALL_LIBDIR}/cmake/lockhound)
set(lockhound_pkgconfig_dir ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

install(TARGETS lockhound LIBRARY DESTINATION ${lockhound_preload_dir})

configure_package_config_file(cmake/lockhoundConfig.cmake.in ${CMAKE_BINARY_DIR}/cmake/lockhoundConfig.cmake
  INSTALL_DESTINATION ${lockhound_cmake_dir}
  PATH_VARS CMAKE_INSTALL_BINDIR lockhound_preload_dir
  NO_CHECK_REQUIRED_COMPONENTS_MACRO)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/cmake/lockhoundConfigVersion.cmake
  COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(FILES
  ${CMAKE_BINARY_DIR}/cmake/lockhoundConfig.cmake ${CMAKE_BINARY_DIR}/cmake/lockhoundConfigVersion.cmake
  cmake/lockhoundTest.cmake cmake/lockhoundExpect.cmake
  DESTINATION ${lockhound_cmake_dir})

file(RELATIVE_PATH lockhound_pc_to_prefix /${lockhound_pkgconfig_dir} /)
string(REGEX REPLACE "/$" "" lockhound_pc_to_prefix ${lockhound_pc_to_prefix})
configure_file(cmake/lockhound.pc.in ${CMAKE_BINARY_DIR}/cmake/lockhound.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/cmake/lockhound.pc DESTINATION ${lockhound_pkgconfig_dir})

install(FILES README.md CHANGELOG.md LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR}/docs FILES_MATCHING PATTERN *.md)
