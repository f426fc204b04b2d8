# Warnings of foglift's own targets; a consumer's flags are the consumer's business.
function(foglift_warnings target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wconversion -Wshadow)
  if(FOGLIFT_WERROR)
    target_compile_options(${target} PRIVATE -Werror)
  endif()
endfunction()
