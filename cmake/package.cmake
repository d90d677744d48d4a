# `cpack` in the build folder makes lockhound_VERSION_ARCH.deb.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME lockhound)
set(CPACK_PACKAGE_VENDOR "lockhound contributors")
set(CPACK_PACKAGE_CONTACT "lockhound contributors <lockhound@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_DESCRIPTION}")
set(CPACK_PACKAGE_DESCRIPTION
"lockhound runs an existing program and reports locks taken in opposite orders,
 deadlocks at the moment they happen, and misuse of mutexes, read-write locks,
 condition variables, semaphores, barriers and threads. Nothing is rebuilt.")
set(CPACK_RESOURCE_FILE_LICENSE ${CMAKE_SOURCE_DIR}/LICENSE)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES TRUE)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION devel)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
include(CPack)
