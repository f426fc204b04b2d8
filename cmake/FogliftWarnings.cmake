# Warnings of foglift's own targets, where FOGLIFT_WARNINGS asks for them; as errors where FOGLIFT_WERROR does, which
# continuous integration sets for the compilers that it runs: a newer one warns of more, and must not stop anyone's build.
function(foglift_warnings target)
  if(FOGLIFT_WARNINGS OR FOGLIFT_WERROR)
    target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow
      $<$<CXX_COMPILER_ID:GNU>:-Wuseless-cast> $<$<BOOL:${FOGLIFT_WERROR}>:-Werror>)
  endif()
endfunction()
