# Runs PROGRAM and compares what it prints with what the head comment of SOURCE shows: the lines indented by three blanks or
# more, without semicolons. Words have to be the same; a number may be a tenth or 0.03 off, for another machine rounds
# otherwise.
file(STRINGS "${SOURCE}" lines REGEX "^//   ")
list(TRANSFORM lines REPLACE "^//   " "")
execute_process(COMMAND "${PROGRAM}" OUTPUT_VARIABLE printed RESULT_VARIABLE status)
if(NOT status EQUAL 0)
  message(FATAL_ERROR "${PROGRAM} ended with ${status}")
endif()
file(WRITE "${WORK}.expected" "")
foreach(line IN LISTS lines)
  file(APPEND "${WORK}.expected" "${line}\n")
endforeach()
file(WRITE "${WORK}.printed" "${printed}")
execute_process(COMMAND awk -f "${CMAKE_CURRENT_LIST_DIR}/compare.awk" "${WORK}.expected" "${WORK}.printed"
                RESULT_VARIABLE status ERROR_VARIABLE difference)
if(NOT status EQUAL 0)
  message(FATAL_ERROR "${SOURCE}: ${difference}printed was\n${printed}")
endif()
