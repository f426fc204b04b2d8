# Warnings, as errors, of foglift's own targets, where FOGLIFT_WERROR asks for them: while developing, on x86-64-v3. Native
# builds go without: g++ 12 warns of its own AVX-512 headers.
function(foglift_warnings target)
  if(FOGLIFT_WERROR)
    target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror)
  endif()
endfunction()
