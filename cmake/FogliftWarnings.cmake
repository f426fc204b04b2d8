# Warnings of foglift's own targets, where FOGLIFT_WARNINGS asks for them; as errors where FOGLIFT_WERROR does, which
# continuous integration sets for the compilers that it runs: a newer one warns of more, and must not stop anyone's build.
# What g++ 12 suspects after inlining is shown and is no error: it suspects the standard library's vectors and its own headers.
function(foglift_warnings target)
  if(FOGLIFT_WARNINGS OR FOGLIFT_WERROR)
    target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow
      $<$<CXX_COMPILER_ID:GNU>:-Wuseless-cast> $<$<BOOL:${FOGLIFT_WERROR}>:-Werror>)
    foreach(guess IN ITEMS array-bounds maybe-uninitialized stringop-overflow stringop-overread restrict free-nonheap-object
                           dangling-pointer use-after-free)
      target_compile_options(${target} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-Wno-error=${guess}>)
    endforeach()
  endif()
endfunction()
