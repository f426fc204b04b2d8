# The benchmarks are configured where the CMake packages of libraries that they can do without end every configure step that asks
# for them, as Debian's dnnl does without OpenCL; the libraries themselves are found. -DROOT=<project> -DWORK=<folder>, and
# -DGENERATOR, -DMAKE_PROGRAM and -DCOMPILER as of a configure step.
set(prefix "${WORK}/prefix")
file(REMOVE_RECURSE "${WORK}")
foreach(package IN ITEMS dnnl benchmark)
  file(WRITE "${prefix}/lib/cmake/${package}/${package}-config.cmake" "message(FATAL_ERROR \"the package ${package} is broken\")\n")
endforeach()
foreach(header IN ITEMS dnnl.hpp benchmark/benchmark.h)
  file(WRITE "${prefix}/include/${header}" "")
endforeach()
foreach(library IN ITEMS dnnl benchmark benchmark_main)
  file(WRITE "${prefix}/lib/lib${library}.a" "")
endforeach()

# configure(arguments...): the configure step of the benchmarks alone; sets `result` and `said`.
function(configure source build)
  execute_process(COMMAND "${CMAKE_COMMAND}" -S "${source}" -B "${WORK}/${build}" -G "${GENERATOR}"
    "-DCMAKE_MAKE_PROGRAM=${MAKE_PROGRAM}" "-DCMAKE_CXX_COMPILER=${COMPILER}" "-DCMAKE_PREFIX_PATH=${prefix}"
    -DFOGLIFT_TESTS=OFF -DFOGLIFT_EXAMPLES=OFF -DFOGLIFT_INSTALL=OFF
    RESULT_VARIABLE result OUTPUT_VARIABLE said ERROR_VARIABLE said)
  set(result "${result}" PARENT_SCOPE)
  set(said "${said}" PARENT_SCOPE)
endfunction()

# The packages are broken: who asks for one is ended, QUIET or not.
file(WRITE "${WORK}/asks/CMakeLists.txt" "cmake_minimum_required(VERSION 3.22)\nproject(asks NONE)\nfind_package(dnnl QUIET)\n")
configure("${WORK}/asks" asks_build)
if(result EQUAL 0)
  message(FATAL_ERROR "the package that stands in for a broken one is not: ${said}")
endif()

configure("${ROOT}" build)
if(NOT result EQUAL 0)
  message(FATAL_ERROR "the benchmarks are not configured beside broken packages: ${said}")
endif()
file(STRINGS "${WORK}/build/CMakeCache.txt" found REGEX "^FOGLIFT_(ONEDNN|BENCHMARK)_.*${prefix}")
list(LENGTH found count)
if(NOT count EQUAL 5)
  message(FATAL_ERROR "found of the libraries: ${found}")
endif()
