# Toolchain for 64-bit ARM on another machine: Debian's g++-aarch64-linux-gnu, and qemu-user to run what it builds. Linked
# statically, so that qemu needs no libraries of that machine.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_EXE_LINKER_FLAGS_INIT -static)
find_program(FOGLIFT_QEMU_AARCH64 NAMES qemu-aarch64-static qemu-aarch64)
if(FOGLIFT_QEMU_AARCH64)
  set(CMAKE_CROSSCOMPILING_EMULATOR "${FOGLIFT_QEMU_AARCH64}")
endif()
